#include "server/figures/traffic.h"

struct traffic traffic;

const double traffic_bounds[TRAFFIC_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,    0.25,  0.5,    1,     5,    25};

void traffic_count(size_t route, int status, uint64_t ns)
{
    struct traffic_route *r = &traffic.routes[route < TRAFFIC_ROUTES ? route : TRAFFIC_ROUTES - 1];
    size_t i = 0;
    while (i < TRAFFIC_BUCKETS && (double)ns > traffic_bounds[i] * 1e9)
        i++;
    atomic_fetch_add_explicit(&r->n[status / 100 % 6], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->ns, ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->buckets[i], 1, memory_order_relaxed);
    if (status == 429)
        atomic_fetch_add_explicit(&r->n_limited, 1, memory_order_relaxed);
}
