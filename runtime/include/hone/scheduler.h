/* hone: many requests on one model. Errors, threads and texts are as hone/hone.h says. */
#ifndef HONE_SCHEDULER_H
#define HONE_SCHEDULER_H

#include <hone/hone.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A scheduler takes requests from any number of threads, and one thread of its own computes them: texts of several
 * requests together, each result as if it had been alone. Requests wait in order of arrival in one of two queues;
 * interactive ones go first. Results are the same as those of the functions above. Of the schedulers in a process one
 * computes at a time, in turn, so that each has all threads of its model. */
enum hone_priority { HONE_PRIORITY_INTERACTIVE, HONE_PRIORITY_BULK, HONE_N_PRIORITIES };

/* What is kept of earlier requests. */
enum hone_cache {
    HONE_CACHE_TOKENS,     /* token ids of texts and pairs */
    HONE_CACHE_EMBEDDINGS, /* rows of HONE_REQUEST_EMBED */
    HONE_CACHE_SCORES,     /* rows of HONE_REQUEST_RERANK and HONE_REQUEST_CLASSIFY */
    HONE_N_CACHES,
};

struct hone_scheduler_options {
    size_t size;         /* of this struct, as its defaults set it; 0 counts as sizeof */
    size_t batch_tokens; /* computed together, about; 0: as the model was opened with */
    size_t max_queue;    /* requests of a class that may wait; 0: 1024 */
    size_t max_parallel; /* requests that are computed at once; 0: 512 in a batch, and 16 texts generated */
    double
        window_ms; /* how long a batch waits for clients that were there a moment ago; a client that is alone
                          * never waits */
    double starvation_ms; /* requests that waited so long get the next batch, whatever else waits */
    int n_tokenizers;     /* threads that make token ids while others compute; 0: 1 */
    /* Texts of a batch are of one class of length where enough of them wait: up to the first of these many tokens, up to
     * the second, ... rising, at most 8. NULL: 64, 128, 256, 512. */
    const size_t *lengths;
    size_t n_lengths;
    bool adaptive_window; /* 0.75, 1 or 2 ms by how many requests wait, instead of window_ms */
    bool adaptive_batch;  /* batches are smaller while little waits, so that who comes next waits less */
    /* Window and batch follow what was measured, within these bounds; 0: a quarter of what is set, and twice as much. */
    bool tune;
    double min_window_ms, max_window_ms;
    size_t min_batch_tokens, max_batch_tokens;
    size_t cache_bytes[HONE_N_CACHES]; /* 0: nothing is kept */
    double cache_seconds;              /* what is older is not used; 0: no limit */
    /* A Redis server that keeps embeddings and scores for several processes: "HOST:PORT", a socket's path,
     * "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]", the same with "rediss://" for TLS (and "?ssl_ca_certs=FILE",
     * "&ssl_cert_reqs=none", "&ssl_certfile=FILE&ssl_keyfile=FILE"), or "unix://[[USER]:PASSWORD@]/PATH[?db=DATABASE]";
     * NULL: none.
     * Where it is absent, slow or fails, requests are computed as if it were not there. */
    const char *redis;
    double redis_ms; /* to wait for an answer; 0: 5 */
    /* Of adaptive_window: how long the window is while at most few_waiting requests wait, while more do, and while more
     * than many_waiting do; 0: 0.75, 1, 2 ms, 4 and 16. */
    double low_window_ms, medium_window_ms, high_window_ms;
    size_t few_waiting, many_waiting;
    /* Of tune: nothing is changed while 99 of 100 requests have their reply within this time; 0: the mean is to be as short
     * as it can. */
    double p99_goal_ms;
};
#define HONE_SCHEDULER_DEFAULTS                                                                              \
    {                                                                                                        \
        .size = sizeof(struct hone_scheduler_options), .window_ms = 1, .starvation_ms = 500                  \
    }

struct hone_scheduler;

/* The model must outlive it. `options` may be NULL. HONE_USAGE: options that make no sense, Redis in a build without
 * hiredis, TLS in one without GnuTLS; HONE_FAILED: no GnuTLS here, or certificates that cannot be read. */
HONE_API enum hone_status hone_scheduler_open(struct hone_scheduler **out, struct hone_model *model,
                                              const struct hone_scheduler_options *options,
                                              struct hone_error *err);

/* Whether hone_scheduler_open takes the options, as far as that does not depend on the model; nothing is connected to.
 * HONE_USAGE, HONE_FAILED: as there. */
HONE_API enum hone_status hone_scheduler_check(const struct hone_scheduler_options *options,
                                               struct hone_error *err);

/* Waits until every request has its reply; meanwhile new ones are HONE_BUSY. */
HONE_API void hone_scheduler_drain(struct hone_scheduler *scheduler);

/* Requests that wait are HONE_CANCELLED. Closes *scheduler and sets it to NULL; NULL is allowed. Not from on_reply. */
HONE_API void hone_scheduler_close(struct hone_scheduler **scheduler);

enum hone_request_kind {
    HONE_REQUEST_EMBED,
    HONE_REQUEST_RERANK,
    HONE_REQUEST_CLASSIFY,
    HONE_REQUEST_EMBED_TOKENS,
    HONE_REQUEST_EMBED_SPARSE,
    HONE_REQUEST_GENERATE,
    HONE_REQUEST_CLASSIFY_TOKENS,
    HONE_REQUEST_FILL_MASKS,   /* how.n_dims words for each mask */
    HONE_REQUEST_EMBED_HYBRID, /* out, and out_rows and out_words where they are not NULL */
    HONE_REQUEST_ANSWER,       /* texts are questions, pairs contexts */
    HONE_REQUEST_FIND_SPANS,
};

struct hone_reply {
    uint64_t id;
    enum hone_status status;
    const char *message; /* a sentence, "" where all went well; lives during the call */
    size_t n_texts;      /* of the request */
    size_t
        n_tokens; /* of all texts, special ones included, whether computed or found in a cache; of generation:
                          * generated */
    size_t n_cached;    /* texts whose results were in a cache */
    double tokenize_ms; /* until all its token ids were there */
    double queue_ms;    /* from then until its first text was computed */
    double infer_ms;    /* from then until the reply */
    double total_ms;
    bool timed_out; /* its time was over, and what was there by then is the result: hone_request.partial */
};

struct hone_ids {
    const int32_t *ids;
    size_t n;
};

struct hone_generation;

/* As hone_embed, hone_rerank, hone_classify, hone_embed_tokens, hone_embed_sparse, hone_classify_tokens,
 * hone_fill_masks, hone_answer, hone_find_spans and hone_generate take it. What pointers point to must live until the reply. */
struct hone_request {
    size_t size; /* of this struct, as its defaults set it; 0 counts as sizeof */
    enum hone_request_kind kind;
    enum hone_priority priority;
    const struct hone_text *texts; /* [n_texts]; of HONE_REQUEST_RERANK the documents */
    const struct hone_text *pairs; /* of HONE_REQUEST_CLASSIFY: NULL or [n_texts]; of _ANSWER [n_texts] */
    /* [n_texts] instead of `texts`, but not for HONE_REQUEST_RERANK and _ANSWER: taken as they are, and cut at the end where they are
     * too many */
    const struct hone_ids *ids;
    size_t n_texts;
    struct hone_text query;      /* of HONE_REQUEST_RERANK */
    struct hone_run_options how; /* without its functions; a text that is refused fails the request */
    double queue_timeout_ms;     /* until the first text is computed; 0: no limit */
    double timeout_ms; /* until the reply; looked at between batches and steps, which are so small that
                                  * they should end before; a text is never divided. 0: no limit */

    /* What came of it, valid if the reply is HONE_OK. */
    float *out; /* the caller's, as large as that of the function */
    float **
        out_rows; /* of HONE_REQUEST_EMBED_TOKENS and _CLASSIFY_TOKENS: as the function, to be freed with hone_free; */
    struct hone_word **out_words; /* of HONE_REQUEST_EMBED_SPARSE and _FILL_MASKS, likewise; */
    size_t **out_starts;          /* of all these, and of HONE_REQUEST_ANSWER and _FIND_SPANS */
    uint32_t *out_n_tokens;       /* NULL or [n_texts]: of each text or pair, special ones included */
    bool *out_truncated;          /* NULL or [n_texts]: whether it was cut */
    /* Of HONE_REQUEST_GENERATE, alone. on_token is called from the scheduler's thread. To be released by the caller in
     * every case. */
    struct hone_generation *generation;

    /* Called once for each request that was taken, from a thread of the scheduler or one that cancels; it should be
     * quick, and may submit. */
    void (*on_reply)(void *arg, const struct hone_reply *reply);
    void *arg;

    /* What is there when timeout_ms are over is the result, HONE_OK: a text as far as it came, if it has a token
     * (HONE_FINISH_TIME; not with beams); of results of one length those
     * that out_done tells, the others being as they were. */
    bool partial;
    bool *out_done; /* NULL or [n_texts], false before */
    size_t **
        out_word_starts; /* of HONE_REQUEST_EMBED_HYBRID with out_words, whose out_starts are those of out_rows */
    /* Of HONE_REQUEST_ANSWER: NULL or how; and what is found, to be freed with hone_free. */
    const struct hone_answer_options *answering;
    struct hone_answer **out_answers;
    /* Of HONE_REQUEST_FIND_SPANS: the labels; NULL or how; and what is found, to be freed with hone_free. */
    const struct hone_text *labels; /* [n_labels] */
    size_t n_labels;
    const struct hone_span_options *spanning;
    struct hone_labeled_span **out_spans;
};
#define HONE_REQUEST_DEFAULTS                                                                                \
    {                                                                                                        \
        .size = sizeof(struct hone_request), .how = HONE_RUN_DEFAULTS                                        \
    }

/* Takes a request: *id (may be NULL) names it. After HONE_BUSY *retry_ms (may be NULL) is when to try again. */
HONE_API enum hone_status hone_submit(struct hone_scheduler *scheduler, const struct hone_request *request,
                                      uint64_t *id, double *retry_ms, struct hone_error *err);

/* The same, and waits for the reply; on_reply is not called. */
HONE_API enum hone_status hone_submit_and_wait(struct hone_scheduler *scheduler,
                                               const struct hone_request *request, struct hone_error *err);

/* The reply will be HONE_CANCELLED, at once where nothing of it is being computed, unless it has been given already. */
HONE_API void hone_cancel(struct hone_scheduler *scheduler, uint64_t id);

/* ---- statistics of schedulers ---- */

/* Durations; P50: half of them are shorter. Within a 16th. */
#define HONE_N_BOUNDS 24
struct hone_latency {
    uint64_t n;
    double sum_ms, mean_ms, p50_ms, p95_ms, p99_ms, max_ms;
    uint64_t at_most[HONE_N_BOUNDS]; /* how many took up to hone_latency_bound(i) ms; n took any time */
    struct {
        uint64_t n;
        double mean_ms, p50_ms, p95_ms, p99_ms, max_ms;
    } recent; /* those of this minute and the four before it */
};
HONE_API double hone_latency_bound(size_t i); /* ms; i < HONE_N_BOUNDS. Rising powers of two, from 1/16 */

/* Numbers of things. */
struct hone_sizes {
    uint64_t n;
    double mean, p50, p95, p99, max;
    struct {
        uint64_t n;
        double mean, p50, p95, p99, max;
    } recent; /* as in struct hone_latency */
};

struct hone_cache_stats {
    uint64_t n_hits, n_misses;
    uint64_t n_evicted, n_expired;           /* for want of room; of age */
    uint64_t n_remote_hits, n_remote_misses; /* in Redis, of those that missed here */
    uint64_t n_remote_failures;              /* it was absent, slow or failed */
    size_t n_entries, n_bytes, max_bytes;
};

struct hone_scheduler_stats {
    uint64_t n_taken, n_busy;                     /* requests: put in a queue; or not */
    uint64_t n_ok, n_failed, n_late, n_cancelled; /* replies */
    uint64_t n_fast;                              /* requests that were alone and did not wait */
    uint64_t n_batches;
    struct hone_stats texts; /* of all batches */
    size_t n_waiting[HONE_N_PRIORITIES], n_tokenizing, n_running;
    struct hone_latency queue[HONE_N_PRIORITIES],
        total[HONE_N_PRIORITIES];                                /* of requests that were computed */
    struct hone_latency batch;                                   /* computing one */
    struct hone_sizes batch_requests, batch_texts, batch_tokens; /* in a batch */
    double tokens_per_s; /* of texts, while batches were computed lately; 0: none yet */
    double window_ms;    /* as they are now: */
    size_t max_batch_tokens;
    struct hone_cache_stats caches[HONE_N_CACHES];
    struct {
        uint64_t n_steps, n_prompt_tokens, n_cached_tokens,
            n_tokens;               /* cached: of prompts; n_tokens: generated */
        size_t n_active, n_waiting; /* texts, now */
        struct hone_latency first_token, between_tokens, step;
        double tokens_per_s; /* generated, while steps were computed lately */
        /* of memory for keys and values: all; those of active texts; those of none whose tokens are still known */
        size_t kv_blocks, kv_used, kv_known;
        uint64_t n_preempted;
    } generation;
    uint64_t n_tuned, n_untuned; /* steps of `tune`, and those that were taken back */
};

/* From any thread at any time. */
HONE_API void hone_scheduler_stats(struct hone_scheduler *scheduler, struct hone_scheduler_stats *out);

#ifdef __cplusplus
}
#endif
#endif
