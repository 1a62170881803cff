/* The head of a request of HTTP/1.0 and 1.1, read as strictly as RFC 9112 lets a server. What a proxy before us may
 * understand in another way is refused, never mended: else both could disagree where a request ends, and what one client
 * sent could become another's request. So lines end with CR LF, a name has no space behind it, no line goes on in the
 * next one, there is one Host, and one way at most that says how long the body is. */
#ifndef SERVER_WIRE_HEAD_H
#define SERVER_WIRE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX_FIELDS 100 /* of a head; browsers send some 20, proxies add a few */

struct http_head {
    char *text; /* to be freed; all strings lie in it */
    const char *method;
    const char *path; /* without escapes; NULL: they stand for no text */
    char *query;      /* behind '?', as it came; "" */
    const char *host; /* NULL: none, which HTTP/1.0 allows */
    char *argument;   /* room for head_argument */
    struct {
        const char *name, *value; /* without spaces around it */
    } fields[HEAD_MAX_FIELDS];
    size_t n_fields;
    uint64_t length; /* of the body; 0 where it is chunked */
    bool chunked;
    bool keeps;   /* the client would go on with the connection */
    bool old;     /* HTTP/1.0, which knows no chunks */
    bool expects; /* "100 Continue" before it sends the body */
};

/* Looks for a head's end. *seen: how many bytes need not be looked at again; 0 for the first call. > 0: its bytes, the
 * empty line included; 0: more is needed; < 0: it will never be one. */
long head_find(const char *data, size_t n, size_t *seen);

/* Reads one of n bytes, as head_find has it. NULL, or why it is refused: a sentence; *status is what for. *out is to be
 * released after a failure, too. */
const char *head_read(struct http_head *out, const char *data, size_t n, int *status);
void head_release(struct http_head *h);

/* The value of the first field of that name, in whatever case; NULL: there is none. */
const char *head_value(const struct http_head *h, const char *name);

/* The value of a parameter in the query, without escapes; NULL: there is none. Until the next call. */
const char *head_argument(const struct http_head *h, const char *name);

#endif
