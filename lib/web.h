/* web.h - what 27-file-server has to read and write beside requests: names in
 * URLs and in pages, ranges, dates. Pure functions over text, as in http.h.
 */
#ifndef WEB_H
#define WEB_H

#include <stdbool.h>
#include <stdio.h>

#include "http.h"

/* ---- Names in URLs ------------------------------------------------------ */

/* Returns the path of a request's target, still encoded: "/a%20b" of "/a%20b?c"
 * or of "http://host/a%20b". at is NULL where the target has none ("*").
 * *query, where it is not NULL, is set to "?c", or to nothing.
 * Source: RFC 9112, 3.2; RFC 3986, 3. */
struct http_text web_path(struct http_text target, struct http_text *query);

/* Decodes a path into out, once: %41 is A, and %2541 is %41. Ends it with '\0'.
 * Returns 0, or -1 where an escape is broken ("%", "%4", "%zz"), where there is
 * a NUL ("%00"), which no file's name holds, or where size bytes are too few.
 * Source: RFC 3986, 2.1. */
int web_decode(struct http_text path, char *out, size_t size);

/* Takes the steps "." and "" out of a decoded path, and "name/..", in place;
 * "/.." at the beginning leads nowhere. What is left begins with no slash: ""
 * is the root, "a/b" or "a/b/" lies below it. Decode first: "%2e%2e" is "..".
 * Source: RFC 3986, 5.2.4 (remove_dot_segments). */
void web_clean(char *path);

/* Writes a name (or a path) to page so that it means itself in a URL: all but
 * letters, digits and -._~/ as %NN. Source: RFC 3986, 2.3. */
void web_put_url(FILE *page, const char *name);

/* Writes text to page so that it means itself in HTML: < > & " ' and control
 * characters as references; the others, whatever their encoding, as they are.
 * Source: HTML, 13.1.4. */
void web_put_html(FILE *page, const char *text);

/* ---- Parts of a file ---------------------------------------------------- */

/* Reads the value of a Range field for a file of size bytes.
 * Returns 206, and the part from *first to *last, that one included; 416 where
 * no byte of the file is asked for; 200 where the field is to be ignored: it is
 * broken, has another unit, or more than one part.
 * Source: RFC 9110, 14.1 and 14.2. */
int web_range(struct http_text value, long long size, long long *first,
              long long *last);

/* ---- Dates -------------------------------------------------------------- */

/* Room for "Sun, 06 Nov 1994 08:49:37 GMT" and its '\0'. */
#define WEB_DATE_MAX 30

/* Writes the time when (seconds since 1970) as HTTP has it, in English as long
 * as nobody calls setlocale(3). Returns buf, or NULL where the year has not
 * four digits. Source: RFC 9110, 5.6.7. */
const char *web_date_text(long long when, char buf[WEB_DATE_MAX]);

/* Reads a date in one of the three forms that HTTP has had. Returns whether it
 * is one, and *when. */
bool web_date(struct http_text text, long long *when);

#endif
