/* Threads for what takes long between a request and its work, and between its work and the answer: reading a large body,
 * token ids of a long text, a template, a schema, megabytes of numbers. The threads that speak with clients do only what
 * is short, so that one request keeps nobody waiting. */
#ifndef SERVER_HTTP_WORKERS_H
#define SERVER_HTTP_WORKERS_H

#include "server/http/http.h"

enum hone_status workers_start(struct hone_error *err);
/* No request may be handed over any more. */
void workers_stop(void);

/* r->worker(r) is called on one of them, unless its client has left, and then request_hand_back. */
void workers_take(struct http_request *r);

#endif
