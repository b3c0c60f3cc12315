/* web.c - names, ranges and dates as web.h promises. */
#define _POSIX_C_SOURCE 200809L

#include "web.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- Names in URLs ------------------------------------------------------ */

/* Returns the value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *at = c != '\0' ? strchr(digits, lower) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* Returns where the first of these characters is in text, or its end. */
static const char *find(struct http_text text, char one, char other)
{
    size_t i = 0;

    while (i < text.len && text.at[i] != one && text.at[i] != other)
        i++;
    return text.at + i;
}

/* Takes "http://host" off an absolute target: what a proxy is sent. */
static struct http_text without_host(struct http_text target)
{
    const char *end = target.at + target.len;
    size_t scheme = 0;

    if (target.len >= 7 && strncasecmp(target.at, "http://", 7) == 0)
        scheme = 7;
    if (target.len >= 8 && strncasecmp(target.at, "https://", 8) == 0)
        scheme = 8;
    if (scheme == 0)
        return target;

    struct http_text rest = { target.at + scheme, target.len - scheme };
    const char *path = find(rest, '/', '?');
    if (path == end || *path == '?')
        return (struct http_text){ "/", 1 }; /* and a query that asks nothing */
    return (struct http_text){ path, (size_t)(end - path) };
}

struct http_text web_path(struct http_text target, struct http_text *query)
{
    struct http_text whole = without_host(target);
    if (whole.len == 0 || whole.at[0] != '/')
        return (struct http_text){ NULL, 0 };

    const char *end = find(whole, '#', '#'); /* no browser sends that */
    whole.len = (size_t)(end - whole.at);
    const char *mark = find(whole, '?', '?');
    if (query != NULL)
        *query = (struct http_text){ mark, (size_t)(end - mark) };
    return (struct http_text){ whole.at, (size_t)(mark - whole.at) };
}

int web_decode(struct http_text path, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        if (c == '%') {
            int high = path.len - i > 2 ? hex_value(path.at[i + 1]) : -1;
            int low = high >= 0 ? hex_value(path.at[i + 2]) : -1;
            if (low < 0)
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || n + 1 >= size)
            return -1;
        out[n++] = c;
    }
    if (n >= size)
        return -1;
    out[n] = '\0';
    return 0;
}

/* Returns where path[0..n) ends without its last step. */
static size_t without_last(const char *path, size_t n)
{
    if (n > 0)
        n--; /* the slash behind it */
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n;
}

void web_clean(char *path)
{
    size_t n = 0; /* of what is done; it ends with a slash, or is empty */

    for (const char *from = path, *next; *from != '\0'; from = next) {
        size_t len = strcspn(from, "/");
        size_t slash = from[len] == '/' ? 1 : 0;
        next = from + len + slash;
        if (len == 0 || (len == 1 && from[0] == '.'))
            continue;
        if (len == 2 && from[0] == '.' && from[1] == '.') {
            n = without_last(path, n);
            continue;
        }
        memmove(path + n, from, len + slash);
        n += len + slash;
    }
    path[n] = '\0';
}

static bool is_plain_in_url(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("-._~/", c) != NULL;
}

void web_put_url(FILE *page, const char *name)
{
    for (; *name != '\0'; name++)
        if (is_plain_in_url(*name))
            putc(*name, page);
        else
            fprintf(page, "%%%02X", (unsigned)(unsigned char)*name);
}

/* Returns what stands for c in HTML where c itself cannot, or NULL. */
static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

void web_put_html(FILE *page, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        const char *instead = reference(*text);
        if (instead != NULL)
            fputs(instead, page);
        else if (c < ' ' || c == 0x7f)
            fprintf(page, "&#%d;", c);
        else
            putc(c, page);
    }
}

/* ---- Parts of a file ---------------------------------------------------- */

/* Reads digits at *at, up to end. Returns their number, or -1 where there are
 * none; one that is too big for any file is cut to the biggest. */
static long long read_number(const char **at, const char *end)
{
    const long long most = 1000000000000000000;
    long long n = -1;

    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        n = n < 0 ? 0 : n;
        n = n < most / 10 ? n * 10 + (**at - '0') : most;
    }
    return n;
}

int web_range(struct http_text value, long long size, long long *first,
              long long *last)
{
    const char *end = value.at + value.len;

    if (value.len < 6 || strncasecmp(value.at, "bytes=", 6) != 0)
        return 200;
    const char *at = value.at + 6;
    long long from = read_number(&at, end);
    if (at == end || *at++ != '-')
        return 200;
    long long to = read_number(&at, end);
    if (at != end || (from < 0 && to < 0) || (to >= 0 && from > to))
        return 200;

    if (from < 0) { /* "-5": the last five */
        from = to < size ? size - to : 0;
        to = to > 0 ? size - 1 : -1;
    }
    if (to < 0 && from < size)
        to = size - 1;
    *first = from;
    *last = to < size ? to : size - 1;
    return *first <= *last ? 206 : 416;
}

/* ---- Dates -------------------------------------------------------------- */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

const char *web_date_text(long long when, char buf[WEB_DATE_MAX])
{
    time_t t = (time_t)when;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -900 || tm.tm_year > 8099)
        return NULL;
    strftime(buf, WEB_DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return buf;
}

/* Returns the days from 1970 to a date. Years begin in March here: the day that
 * comes and goes is then the last one. */
static long long days_to(int year, int month, int day)
{
    long long y = year - (month <= 2 ? 1 : 0);
    int m = (month + 9) % 12; /* 0: March */

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
           719468;
}

/* Returns 1 to 12, or 0 where name is no month. */
static int month_number(const char *name)
{
    for (int i = 0; i < 12; i++)
        if (strncmp(months + 3 * i, name, 3) == 0)
            return i + 1;
    return 0;
}

/* The three forms. %n is reached where all of a form has matched. Weekdays are
 * not looked at, they say nothing new. */
static bool scan_date(const char *text, struct tm *tm, char month[4])
{
    int n = 0;

    sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
           &tm->tm_mday, month, &tm->tm_year, &tm->tm_hour, &tm->tm_min,
           &tm->tm_sec, &n);
    if (n == 0) {
        sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n",
               &tm->tm_mday, month, &tm->tm_year, &tm->tm_hour, &tm->tm_min,
               &tm->tm_sec, &n);
        tm->tm_year += tm->tm_year < 70 ? 2000 : 1900;
    }
    if (n == 0)
        sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month,
               &tm->tm_mday, &tm->tm_hour, &tm->tm_min, &tm->tm_sec,
               &tm->tm_year, &n);
    return n > 0 && text[n] == '\0';
}

bool web_date(struct http_text text, long long *when)
{
    char copy[40], month[4] = "";
    struct tm tm = { 0 };

    if (text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (!scan_date(copy, &tm, month))
        return false;
    int number = month_number(month);

    if (number == 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 1 ||
        tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
        tm.tm_sec < 0 || tm.tm_sec > 60)
        return false;
    *when = days_to(tm.tm_year, number, tm.tm_mday) * 86400 +
            tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return true;
}
