/* A request's life: read, worked on, answered, freed. For the core; handlers see http.h. */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include "server/http/http.h"
#include "server/service.h"

/* NULL: out of memory. The front's service has one request more until it is freed. */
struct http_request *request_new(struct front *front, struct client *client);

/* To be called by whoever is done with it last: the connection, or the last reply. */
void request_free(struct http_request *r);

/* More of the body. What is too much is dropped, and r->refused set. */
void request_upload(struct http_request *r, const char *data, size_t size);

/* The body is complete: calls the handler, or has a worker do that. */
void request_dispatch(struct http_request *r);

/* Forgets what the handler made and what came of it, and calls the handler once more. */
void request_again(struct http_request *r);

/* Calls the handler, or has a worker do that. */
void request_begin(struct http_request *r);

/* r goes on as it does after a reply; who calls this has counted itself in n_pending until then. It may be freed now. */
void request_let_go_on(struct http_request *r);

/* A worker has done what it was to do with a request. It may be freed now. */
void request_hand_back(struct http_request *r);
/* Has a worker do something with it; request_go_on is called when that is done. */
void request_hand_over(struct http_request *r, http_handler what);
/* Whether a worker has it. */
bool request_is_handed(struct http_request *r);

/* The client goes on, if it waits for that. Under the lock. */
void request_wake(struct http_request *r);

/* After the handler, and when the client was woken: waits for work, begins a stream that has its first words, or
 * calls `then` when all work has its reply. */
void request_go_on(struct http_request *r);

/* The connection is done with it, which ends what still works for it. Freed now, or with the last reply. */
void request_leave(struct http_request *r);

/* The work of a request whose client has left. */
struct abandoned {
    struct manager *manager;
    struct served_model *model;
    bool holds;    /* it is held until then */
    uint64_t *ids; /* [n_ids], to be freed */
    size_t n_ids;
};
/* 1: *out is to be given to abandoned_cancel, without any lock. 0: there is nothing to cancel. */
size_t request_abandon(struct http_request *r, struct abandoned *out);
void abandoned_cancel(struct abandoned *a);

/* Answers as the same request was answered before. false: it is not known how. */
bool request_repeat(struct http_request *r);

/* The answer's head. closes: the connection does after it. */
void reply_head(const struct http_request *r, struct reply_buffer *out, bool closes);

/* Begins an answer that comes bit by bit. */
void request_stream(struct http_request *r);

/* The body of an answer that comes bit by bit, from r->stream: bytes in `out`; 0: there are none, and the client
 * is woken when there are; -1: that was all. */
long request_read_stream(struct http_request *r, char *out, size_t max);

#endif
