/* What the server counts of its requests, from its start on, whatever is reloaded. Any number of threads may add and
 * read at once. */
#ifndef SERVER_FIGURES_TRAFFIC_H
#define SERVER_FIGURES_TRAFFIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_ROUTES  64 /* at most; what is no route is counted as the last of them */
#define TRAFFIC_BUCKETS 13

/* Upper bounds of durations (s); behind the last bucket there is one for all that took longer. */
extern const double traffic_bounds[TRAFFIC_BUCKETS];

struct traffic_route {
    _Atomic uint64_t n[6];      /* answers by the first digit of their status; [0]: the client left before */
    _Atomic uint64_t n_limited; /* of these 429 */
    _Atomic uint64_t ns, buckets[TRAFFIC_BUCKETS + 1]; /* from the request's first line to its answer's end */
};

struct traffic {
    struct traffic_route routes[TRAFFIC_ROUTES];
    _Atomic uint64_t received, sent;    /* bytes of bodies */
    _Atomic uint64_t connections, slow; /* taken; closed since they were too slow */
    _Atomic int64_t open, requests,
        streams;             /* now: connections, requests without an answer, of these streams */
    _Atomic uint64_t upload; /* bytes of requests that are on their way */
    _Atomic uint64_t reloads, failed_reloads;
    double started; /* Unix time */
};

extern struct traffic traffic;

/* status 0: the client left. */
void traffic_count(size_t route, int status, uint64_t ns);

#endif
