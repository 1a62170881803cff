/* What is counted of a model's requests, by endpoint. Any number of threads may count and read at once; nobody waits. */
#ifndef SERVER_FIGURES_ENDPOINT_STATS_H
#define SERVER_FIGURES_ENDPOINT_STATS_H

#include "runtime/base/histogram.h"

/* What is counted apart. */
enum endpoint {
    ENDPOINT_EMBED,
    ENDPOINT_EMBED_TOKENS,
    ENDPOINT_EMBED_SPARSE,
    ENDPOINT_RERANK,
    ENDPOINT_CLASSIFY,
    ENDPOINT_SIMILARITY,
    ENDPOINT_COMPLETION,
    ENDPOINT_CHAT,
    ENDPOINT_N,
    ENDPOINT_NONE = ENDPOINT_N, /* what no scheduler computes */
};

/* Where a request's time goes. The scheduler's reply tells the middle ones, the connection the first and the last. */
enum stage { STAGE_RECEIVE, STAGE_TOKENIZE, STAGE_QUEUE, STAGE_INFER, STAGE_SEND, STAGE_N };

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_LATE, OUTCOME_CANCELLED, OUTCOME_N };

struct endpoint_counters {
    _Atomic uint64_t taken, busy, texts, tokens;
    struct histogram stages[STAGE_N], total[OUTCOME_N];
};

struct endpoint_stats {
    uint64_t n_taken,
        n_busy; /* requests that a scheduler took, and those that it refused since its queue was full */
    uint64_t n_texts, n_tokens; /* of replies that are HONE_OK; of generation: generated */
    struct hone_latency stages[STAGE_N];
    struct hone_latency total[OUTCOME_N]; /* from hone_submit to the reply; its n counts replies */
};

/* Takes its memory before the first request does. */
void endpoint_counters_touch(struct endpoint_counters *c);

/* What hone_submit said. */
void endpoint_count_submission(struct endpoint_counters *c, enum hone_status status);
/* now: ns of the clock that all these are told. */
void endpoint_count_reply(struct endpoint_counters *c, const struct hone_reply *reply, uint64_t now);
void endpoint_count_stage(struct endpoint_counters *c, enum stage stage, uint64_t ns, uint64_t now);

void endpoint_stats_read(const struct endpoint_counters *c, struct endpoint_stats *out, uint64_t now);

#endif
