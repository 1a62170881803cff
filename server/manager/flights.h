/* Generation that says the same whenever it is asked (greedy, or with a seed), and not streamed: an answer may be kept for the
 * next equal request, where the settings say so (completion-cache); and of equal requests at the same time one is computed,
 * for which the others wait. Equal: the same path, key, time to wait and body, byte by byte. */
#ifndef SERVER_MANAGER_FLIGHTS_H
#define SERVER_MANAGER_FLIGHTS_H

#include "server/http/http.h"

struct flights {
    pthread_mutex_t lock;
    struct http_request *first; /* that are computed, and may be waited for */
    _Atomic uint64_t n_joined;  /* that waited for another one instead */
};

/* Whether a request may be one of these, which only its handler can tell: its body is to be kept until then. */
bool flights_may(const struct http_request *r);

/* Before the handler: an equal one is being computed, and r waits for it. */
bool flights_join(struct http_request *r);

/* r->repeatable, and it is about to be computed: others may wait for it. */
void flights_lead(struct http_request *r);

/* r has its answer, or ends without one: whoever waits for it goes on. Does nothing for others. */
void flights_land(struct http_request *r);

/* r waited, and goes on: it is answered as the one that it waited for, or begins anew, if that one has no answer to give. */
void flights_go_on(struct http_request *r);

#endif
