/* web.c - nonsense for lib/web.h. `make fuzz` builds it with libFuzzer.
 *
 * An input is a path, a range and a date at the same time.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* A cleaned path has no step that leads up, stays, or begins at the root. */
static void look_at_path(const char *path)
{
    must(*path != '/');
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        must(len > 0);
        must(len != 1 || path[0] != '.');
        must(len != 2 || path[0] != '.' || path[1] != '.');
        path += len + (path[len] == '/' ? 1 : 0);
    }
}

/* What is written for a page is read as what it was. */
static void write_and_read(const char *name)
{
    char *page = NULL, *back = malloc(strlen(name) + 1);
    size_t n = 0;
    FILE *to = open_memstream(&page, &n);

    must(to != NULL && back != NULL);
    web_put_url(to, name);
    fclose(to);
    struct http_text text = { page, n };
    must(web_decode(text, back, strlen(name) + 1) == 0);
    must(strcmp(name, back) == 0);
    free(page);

    to = open_memstream(&page, &n);
    must(to != NULL);
    web_put_html(to, name);
    fclose(to);
    must(page[strcspn(page, "<>\"'\n\033")] == '\0');
    free(page);
    free(back);
}

static void try_path(struct http_text target)
{
    struct http_text query, path = web_path(target, &query);
    if (path.at == NULL)
        return;

    char *out = malloc(path.len + 1);
    must(out != NULL);
    if (web_decode(path, out, path.len + 1) == 0) {
        write_and_read(out);
        web_clean(out);
        look_at_path(out);
        char *again = strdup(out);
        must(again != NULL);
        web_clean(again);
        must(strcmp(out, again) == 0);
        free(again);
    }
    free(out);
}

static void try_range(struct http_text value, long long size)
{
    long long first = -1, last = -1;
    int status = web_range(value, size, &first, &last);

    must(status == 200 || status == 206 || status == 416);
    must(status != 206 || (first >= 0 && first <= last && last < size));
}

static void try_date(struct http_text value)
{
    char text[WEB_DATE_MAX];
    long long when, again;

    if (!web_date(value, &when) || web_date_text(when, text) == NULL)
        return;
    must(web_date((struct http_text){ text, strlen(text) }, &again));
    must(when == again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *bytes = malloc(n > 0 ? n : 1); /* and nothing behind it */
    if (bytes == NULL)
        abort();
    if (n > 0)
        memcpy(bytes, data, n);
    struct http_text text = { bytes, n };

    try_path(text);
    try_range(text, 0);
    try_range(text, 1);
    try_range(text, 10);
    try_range(text, 5368709120);
    try_date(text);
    free(bytes);
    return 0;
}
