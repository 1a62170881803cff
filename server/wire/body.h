/* A request's body as it comes in: so many bytes, or chunks (RFC 9112, 7.1), which are read strictly for the reasons that
 * head.h gives. */
#ifndef SERVER_WIRE_BODY_H
#define SERVER_WIRE_BODY_H

#include "server/wire/head.h"

struct body {
    uint64_t left; /* bytes of it, or of this chunk */
    enum {
        BODY_PLAIN,     /* so many bytes */
        BODY_SIZE,      /* a chunk's size, in digits */
        BODY_EXTENSION, /* behind it, up to the line's end */
        BODY_SIZE_END,  /* LF */
        BODY_CHUNK,
        BODY_CHUNK_CR,
        BODY_CHUNK_LF,
        BODY_TRAILER,     /* at the start of a line behind the last chunk */
        BODY_TRAILER_ROW, /* in such a line */
        BODY_TRAILER_END, /* its LF */
        BODY_LAST,        /* the last line's LF */
        BODY_DONE,
        BODY_BAD,
    } state;
    unsigned n_digits;
    size_t n_beside; /* bytes of extensions and trailers, which are read over and have a limit */
};

/* What follows a head. */
struct body body_of(const struct http_head *h);

/* Takes some of n bytes, > 0, and returns how many. *out and *n_out: those that are the body's own, which lie in data.
 * Nothing is taken any more when the state is BODY_DONE or BODY_BAD. */
size_t body_take(struct body *b, const char *data, size_t n, const char **out, size_t *n_out);

#endif
