"""The answers of our file server and of Python's, to the same questions.

usage: side_by_side.py OUR_PORT THEIR_PORT

What differs on purpose: Python speaks HTTP/1.0, has no ranges, and says which
Server it is; its listings have no sizes and dates, its plain text no charset,
its 304 no date; a file that may not be read, or lies outside, is 404 there and
403 here; a broken escape is a name there and 400 here; a redirect has no page.
All else is the same: statuses, types, lengths, dates, bytes, where redirects
lead, and which links a listing has, with which text, in which order.
"""
import html.parser
import http.client
import sys
import urllib.parse

ours, theirs = (int(port) for port in sys.argv[1:])
wrong = []


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.texts, self.inside = [], [], False

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "a"
        if self.inside:
            self.links.append(urllib.parse.unquote_to_bytes(dict(attributes)["href"]))
            self.texts.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data


def links(body):
    parser = Links()
    parser.feed(body.decode("utf-8", "surrogateescape"))
    return parser.links, parser.texts


def ask(port, method, path, fields):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request(method, path, headers=fields)
    r = c.getresponse()
    body = r.read()
    c.close()
    return r, body


def compare(method, path, fields={}):
    (a, mine), (b, other) = (ask(p, method, path, fields) for p in (ours, theirs))
    names = [f"{method} {path}"]
    if a.status != b.status:
        wrong.append((names, a.status, b.status))
        return
    for name in ("Content-Length", "Last-Modified", "Content-Type", "Location"):
        x, y = a.getheader(name), b.getheader(name)
        if name == "Content-Type" and x and y:
            x, y = x.split(";")[0], y.split(";")[0]
        listing = b"Directory listing" in other
        if name == "Content-Length" and (listing or a.status >= 300 or path[-1] == "/"):
            continue
        if name == "Content-Type" and a.status >= 300:
            continue
        if name == "Last-Modified" and a.status == 304:
            continue
        if x != y:
            wrong.append((names, name, x, y))
    if a.status == 200 and b"Directory listing" in other:
        if links(mine) != links(other):
            wrong.append((names, links(mine), links(other)))
    elif a.status == 200 and mine != other:
        wrong.append((names, "other bytes"))
    return mine


pages, seen = ["/"], set()
while pages:
    page = pages.pop()
    if page in seen or page.count("/") > 6:
        continue
    seen.add(page)
    compare("HEAD", page)
    mine = compare("GET", page)
    if page.endswith("/") and mine is not None:
        if b"Directory listing" in mine:
            for link in links(mine)[0]:
                if link != b"out":  # it leads out: Python follows it
                    pages.append(page + urllib.parse.quote_from_bytes(link))
        compare("GET", page[:-1] or "/")
if len(seen) < 20:
    wrong.append(("only", seen))
for path in ("/none", "/hello.txt/", "/hello.txt?a=b", "/hello.txt#c", "/sub?x=1",
             "/./sub/../hello.txt", "//hello.txt", "/sub//deep/x.txt", "/../hello.txt",
             "/%2e%2e/hello.txt", "/HELLO.TXT", "/index/", "/index", "/a+b", "/%41"):
    compare("GET", path)
for date in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:36 GMT",
             "Sun, 06 Nov 1994 08:49:38 GMT", "nonsense"):
    compare("GET", "/hello.txt", {"If-Modified-Since": date})
    compare("GET", "/hello.txt", {"If-Modified-Since": date, "If-None-Match": '"a"'})
compare("POST", "/hello.txt")
compare("BREW", "/hello.txt")
for line in wrong:
    print(*line)
sys.exit(1 if wrong else 0)
