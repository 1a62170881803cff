/* Window and batch size that follow the latencies which were observed. It changes one of the two by a quarter, looks at
 * the mean latency of the next replies, and goes on that way, or back. With a goal it looks at the 99th percentile, and
 * changes nothing while that is reached. What it does depends on what it is told alone,
 * so that a simulation can repeat it. Not thread-safe. */
#ifndef RUNTIME_SERVE_TUNER_H
#define RUNTIME_SERVE_TUNER_H

#include "runtime/serve/policy.h"

#define TUNER_REPLIES 128 /* between two decisions */

struct tuner_bounds {
    uint64_t min_window, max_window; /* ns */
    size_t min_batch, max_batch;     /* tokens */
    uint64_t p99_goal;               /* ns; 0: none */
};

enum tuner_axis { TUNE_WINDOW, TUNE_BATCH, TUNE_N_AXES };

struct tuner {
    struct tuner_bounds bounds;
    uint64_t latencies[TUNER_REPLIES]; /* [n] since the last decision, ns */
    size_t n;
    double
        before; /* the mean latency before the last change (P99, where there is a goal); 0: there was none */
    enum tuner_axis axis;
    bool grows[TUNE_N_AXES];
    uint64_t n_steps, n_undone;
};

void tuner_init(struct tuner *t, const struct tuner_bounds *bounds);

/* A request was replied to `latency` ns after it came. Now and then this changes `options`. */
void tuner_reply(struct tuner *t, struct policy_options *options, uint64_t latency);

#endif
