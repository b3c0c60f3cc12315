/* The ladder as one page: the SVG, stepped through with arrow keys and slider;
 * a click on a call tells what it is in words. Works from the file system. */
#include "picture.h"

#include <string.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;"
    "grid-template-rows:auto 1fr auto;height:100vh}\n"
    "header{padding:.5rem 1rem;display:flex;gap:1rem;align-items:center;"
    "flex-wrap:wrap}\nh1{font-size:1.1rem;margin:0}\n"
    "input{flex:1;min-width:8rem}button{font:inherit}\n"
    "main{overflow:auto}\n.e{cursor:pointer}\n.off{opacity:.12}\n"
    ".e:focus{outline:2px solid #0969da}\n"
    ".now text{font-weight:700}\n"
    "aside{padding:.6rem 1rem;border-top:1px solid #8888;max-height:34vh;"
    "overflow:auto}\naside h2{font:700 1rem ui-monospace,monospace;margin:0}\n"
    "aside p{margin:.2rem 0}\n"
    ".list{position:absolute;left:-9999px}\n"
    "</style>\n";

/* What the calls are, in words: their manual section, and one sentence. */
static const char *const calls[][3] = {
    { "socket", "2", "Makes a socket: an end point that is not connected yet. The result is its descriptor." },
    { "bind", "2", "Gives the socket an address of its own: here others find it." },
    { "listen", "2", "From now on the kernel takes connections for this socket and keeps them in a queue. The number is the queue's length." },
    { "accept", "2", "Takes the next connection out of the queue; waits if there is none. The result is a new descriptor for this client alone." },
    { "accept4", "2", "As accept(2), with flags for the new descriptor." },
    { "connect", "2", "Asks for a connection to that address; waits until it is there. The other side need not have called accept(2) yet." },
    { "read", "2", "Takes bytes that have come; waits if there are none. It may give fewer than asked for. 0 is the end: the other side has closed." },
    { "recv", "2", "As read(2), with flags." },
    { "recvfrom", "2", "Takes what has come, and tells from whom: one call, one datagram." },
    { "recvmsg", "2", "As recvfrom(2), with more to say." },
    { "readv", "2", "As read(2), into several buffers." },
    { "write", "2", "Hands bytes to the kernel, which sends them on. It may take fewer than given; it waits when there is no room." },
    { "send", "2", "As write(2), with flags." },
    { "sendto", "2", "Sends a datagram to that address. It may get lost on its way, and nobody is told." },
    { "sendmsg", "2", "As sendto(2), with more to say." },
    { "writev", "2", "As write(2), from several buffers." },
    { "sendfile", "2", "Sends bytes of a file, without a buffer of the program's." },
    { "shutdown", "2", "Ends one direction of the connection: with SHUT_WR, the other side reads the end once it has read all." },
    { "close", "2", "Gives the descriptor back. When it was the last one for this socket, the connection ends." },
    { "pipe", "2", "Makes a pipe: what is written into the second descriptor can be read from the first one." },
    { "pipe2", "2", "As pipe(2), with flags." },
    { "socketpair", "2", "Makes two sockets that are connected with each other." },
    { "dup", "2", "A second descriptor for the same open file." },
    { "dup2", "2", "The second number is from now on a descriptor for the same open file as the first one." },
    { "dup3", "2", "As dup2(2), with flags." },
    { "poll", "2", "Waits until one of these descriptors is ready." },
    { "select", "2", "Waits until one of these descriptors is ready." },
    { "epoll_wait", "2", "Waits until one of the descriptors that it watches is ready." },
    { "fork", "2", "Makes a copy of the process. The result is the child's number; the child goes on at the same place." },
    { "posix_spawn", "3", "Starts a program in a child." },
    { "wait", "2", "Waits until a child has ended, and takes its status: until then the child is a zombie." },
    { "waitpid", "2", "Waits until that child has ended, and takes its status: until then the child is a zombie." },
    { "kill", "2", "Sends a signal to a process." },
    { "pthread_create", "3", "Starts a thread, which runs a function of this process beside all others." },
    { "pthread_detach", "3", "Nobody will wait for this thread: it gives back its stack when it ends." },
    { "join", "", "pthread_join(3): waits until that thread has ended." },
    { "lock", "", "pthread_mutex_lock(3): another thread holds the lock; waits for it." },
    { "cond wait", "", "pthread_cond_wait(3): waits until another thread signals." },
    { "thread", "", "A new thread begins to run its function." },
    { "thread ends", "", "The thread has come to the end of its function." },
    { "signal", "", "A signal has come; the program's handler runs. See signal(7)." },
    { "exit", "3", "The process ends. The kernel closes all that it has open." },
};

static const char *const errors[][2] = {
    { "EINTR", "a signal came while it waited: call it again" },
    { "EAGAIN", "it would have to wait, and was told not to" },
    { "EWOULDBLOCK", "it would have to wait, and was told not to" },
    { "EINPROGRESS", "the connection is on its way: poll(2) tells when it is there" },
    { "ECONNREFUSED", "nobody listens there" },
    { "ECONNRESET", "the other side has thrown the connection away" },
    { "ECONNABORTED", "the client had gone before accept(2) took it" },
    { "EPIPE", "nobody is there any more to read it" },
    { "EADDRINUSE", "another socket has this address" },
    { "EADDRNOTAVAIL", "no interface here has this address" },
    { "EACCES", "it is not allowed" },
    { "EMFILE", "the process has no descriptor left" },
    { "ENFILE", "the system has no descriptor left" },
    { "EBADF", "there is no such descriptor" },
    { "ENOTCONN", "it is not connected" },
    { "ETIMEDOUT", "no answer came in time" },
    { "ECHILD", "there is no child to wait for" },
    { "EINVAL", "an argument makes no sense" },
    { "ENOTSOCK", "the descriptor is no socket" },
    { "ENETUNREACH", "no way leads there" },
    { "EHOSTUNREACH", "no way leads there" },
    { "EMSGSIZE", "it is too long for one datagram" },
    { "ENOBUFS", "the kernel has no room left" },
    { "EAFNOSUPPORT", "this kind of address is not known here" },
};

static const char script[] =
    "const es=[...document.querySelectorAll('.e')],r=document.querySelector('#r'),"
    "o=document.querySelector('#o'),box=document.querySelector('#d');\n"
    "let at=es.length;\n"
    "const parts=[...document.querySelectorAll('svg [data-i]')];\n"
    "function show(n,speak){at=Math.max(1,Math.min(es.length,n));r.value=at;"
    "const last=+es[at-1].dataset.i;\n"
    "parts.forEach(e=>e.classList.toggle('off',+e.dataset.i>last));\n"
    "es.forEach((e,i)=>e.classList.toggle('now',i===at-1));"
    "o.textContent=at+' of '+es.length;if(speak){tell(es[at-1]);"
    "es[at-1].scrollIntoView({block:'nearest'})}}\n"
    "function line(t){const p=document.createElement('p');p.textContent=t;"
    "box.append(p)}\n"
    "function tell(g){const e=E[g.dataset.i];box.replaceChildren();"
    "const h=document.createElement('h2');h.textContent=e.text;box.append(h);"
    "const c=C[e.call]||[];\n"
    "line(e.who+', at '+e.at+' ms'+(e.waited?', waited '+e.waited+' ms':'')+"
    "(e.kind==='B'?', waits':'')+'.');\n"
    "if(c[1])line(c[1]+(c[0]?' See '+e.call+'('+c[0]+').':''));\n"
    "if(e.args)line('Arguments: '+e.args);if(e.data)line('Bytes: '+e.data);"
    "if(e.result)line('Result: '+e.result);\n"
    "if(e.error)line('It failed with '+e.error+': '+(X[e.error]||'see errno(3)')+'.');"
    "if(e.local)line('This side: '+e.local+(e.peer?', the other: '+e.peer:''));"
    "if(e.fault)line('Done to it on order: '+e.fault)}\n"
    "es.forEach((g,i)=>{g.tabIndex=0;g.setAttribute('role','button');"
    "g.addEventListener('click',()=>show(i+1,true));"
    "g.addEventListener('keydown',k=>{if(k.key==='Enter'||k.key===' '){"
    "k.preventDefault();show(i+1,true)}})});\n"
    "r.max=es.length;r.addEventListener('input',()=>show(+r.value,true));\n"
    "addEventListener('keydown',k=>{const d={ArrowDown:1,ArrowRight:1,"
    "ArrowUp:-1,ArrowLeft:-1}[k.key];if(d&&k.target!==r){k.preventDefault();"
    "show(at+d,true)}if(k.key==='Home')show(1,true);"
    "if(k.key==='End')show(es.length,true)});\n"
    "document.querySelector('#b').onclick=()=>show(at-1,true);"
    "document.querySelector('#f').onclick=()=>show(at+1,true);\n"
    "const h=+location.hash.slice(1);show(h||es.length,h>0);\n";

static void json(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (*text == '<' || (unsigned char)*text < 32)
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, out);
    fputc('"', out);
}

static void member(FILE *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    fprintf(out, ",\"%s\":", name);
    json(out, value);
}

static void event_json(const struct picture *p, FILE *out,
                       const struct event *e)
{
    char result[32] = "";

    if (e->has_result)
        snprintf(result, sizeof result, "%lld", e->result);
    fprintf(out, "{\"kind\":\"%c\"", e->kind);
    member(out, "text", event_text(e, 0));
    member(out, "who", lane_name(p, e->lane));
    member(out, "at", milliseconds(e->at));
    member(out, "waited", e->waited >= 1000 ? milliseconds(e->waited) : "");
    member(out, "call", e->call);
    member(out, "args", e->args);
    member(out, "data", e->data);
    member(out, "result", result);
    member(out, "error", e->error);
    member(out, "local", e->local);
    member(out, "peer", e->peer);
    member(out, "fault", e->fault);
    fputs("},\n", out);
}

static void tables(const struct picture *p, FILE *out)
{
    fputs("<script>\nconst E=[\n", out);
    for (int i = 0; i < p->events; i++)
        event_json(p, out, p->event[i]);
    fputs("],C={", out);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        json(out, calls[i][0]);
        fprintf(out, ":[\"%s\",", calls[i][1]);
        json(out, calls[i][2]);
        fputs("],\n", out);
    }
    fputs("},X={", out);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        json(out, errors[i][0]);
        fputc(':', out);
        json(out, errors[i][1]);
        fputs(",\n", out);
    }
    fprintf(out, "};\n%s</script>\n", script);
}

/* All of it as a list, for who reads with the ears. */
static void list(const struct picture *p, FILE *out)
{
    fputs("<ol class=\"list\" aria-label=\"All events\">\n", out);
    for (int i = 0; i < p->events; i++) {
        const struct event *e = p->event[i];

        if (e->hidden)
            continue;
        fprintf(out, "<li>%s ms, ", milliseconds(e->at));
        xml_text(out, lane_name(p, e->lane));
        fputs(": ", out);
        xml_text(out, event_text(e, 0));
        if (e->arrow >= 0) {
            fputs(", from ", out);
            xml_text(out, lane_name(p, p->arrow[e->arrow].from->lane));
        }
        fputs("</li>\n", out);
    }
    fputs("</ol>\n", out);
}

void draw_html(struct picture *p, FILE *out, const char *title)
{
    fputs(head, out);
    fputs("<title>", out);
    xml_text(out, title);
    fputs("</title>\n</head>\n<body>\n<header><h1>", out);
    xml_text(out, title);
    fputs("</h1><button id=\"b\" aria-label=\"One step back\">&larr;</button>"
          "<input id=\"r\" type=\"range\" min=\"1\" aria-label=\"Step\">"
          "<button id=\"f\" aria-label=\"One step on\">&rarr;</button>"
          "<output id=\"o\"></output></header>\n<main>\n",
          out);
    draw_svg(p, out, false);
    list(p, out);
    fputs("</main>\n<aside id=\"d\" aria-live=\"polite\"><p>Step with the arrow "
          "keys or the slider; click a call to see what it is.</p></aside>\n",
          out);
    tables(p, out);
    fputs("</body>\n</html>\n", out);
}
