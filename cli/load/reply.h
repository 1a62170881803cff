/* A reply of HTTP/1.1 as it comes, piece by piece: its head, and its body by length, in chunks or until the end. */
#ifndef CLI_LOAD_REPLY_H
#define CLI_LOAD_REPLY_H

#include "cli/load/dialect.h"

/* What a server under load may send is bounded like anything from outside; thousands of replies are read at once. */
#define REPLY_MAX_HEAD 65536u
#define REPLY_MAX_BODY (256u << 20)
/* Of a stream: each line becomes a tree of JSON, which may take a hundred times as much. */
#define REPLY_MAX_LINE (4u << 20)

enum reply_state { REPLY_HEAD, REPLY_BODY, REPLY_DONE, REPLY_BAD };

struct reply {
    const struct load_dialect *dialect; /* NULL: any answer will do */
    enum reply_state state;
    int status;
    bool keeps;     /* the connection may be used again */
    bool streams;   /* the body is read line by line, and not kept */
    bool has_begun; /* a byte has come */
    char *in;       /* of the head; then of chunks' sizes */
    size_t n_in, n_room;
    char *body; /* NUL-terminated; of a stream: the line that is not complete */
    size_t n_body, body_room;
    size_t left; /* of the body, or of the chunk */
    enum { BY_LENGTH, BY_CHUNKS, BY_END } by;
    enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER } chunk;
    /* Of a stream. */
    size_t n_events, n_tokens;
    bool ended, failed;
    uint64_t first;
};

/* Forgets the reply before, and keeps its memory. */
void reply_begin(struct reply *r, const struct load_dialect *dialect);
void reply_release(struct reply *r);

/* n bytes have come, at that time. */
void reply_read(struct reply *r, const char *data, size_t n, uint64_t now);
/* The connection has ended. */
void reply_end(struct reply *r, uint64_t now);

/* What a complete reply is worth. */
struct load_result reply_result(const struct reply *r);

#endif
