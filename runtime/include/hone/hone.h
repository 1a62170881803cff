/* hone: embed, rerank, classify and generate on a CPU.
 *
 * The public C API. Everything a program may rely on is in this header.
 *
 * Errors. A function that can fail returns enum hone_status and, where `err` is not NULL, leaves a sentence in
 * err->message that names the file, tensor, field or text and says what was expected. Nothing aborts. After a
 * failure every output pointer is NULL or untouched and nothing needs to be freed.
 *
 * Threads. Different models may be used from different threads at once. One model may be shared: calls on it
 * are serialised inside. A model must not be closed while a call on it runs.
 *
 * Texts are bytes with a length, UTF-8, and may hold NUL. Invalid UTF-8 is read with U+FFFD in place of each
 * maximal invalid part (as Python's errors="replace") and counted in struct hone_stats.
 *
 * Files. A model's file is mapped while the model is open. Where it is shortened meanwhile, or its disk fails, reading it
 * raises SIGBUS; the first file that is opened therefore installs a handler, and calls on that model fail with HONE_FAILED
 * and a sentence, until it is closed and opened anew. A SIGBUS from anywhere else goes to the handler that was there
 * before. A program with one of its own installs it first. Writing other bytes into a file that is open changes results.
 */
#ifndef HONE_H
#define HONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HONE_API __attribute__((visibility("default")))
#else
#define HONE_API
#endif

#define HONE_VERSION "0.1.0"

/* The values are the exit statuses of the command line. */
enum hone_status {
    HONE_OK = 0,
    HONE_FAILED = 1,    /* while running: memory, a file that cannot be read or written */
    HONE_USAGE = 2,     /* an argument that makes no sense, a task the model is not for */
    HONE_BAD_MODEL = 3, /* a model file that is damaged, incomplete or of an unknown kind */
    HONE_REFUSED = 4,   /* an input text was refused (too long in strict mode) */
    HONE_BUSY = 5,      /* a scheduler's queue is full: later there may be room */
    HONE_LATE = 6,      /* a request's time was over before its result was there */
    HONE_CANCELLED = 7, /* by hone_cancel, or since the scheduler was closed */
};

struct hone_error {
    enum hone_status status;
    char message[1024]; /* one sentence, NUL-terminated, no newline */
};

struct hone_text {
    const char *data;
    size_t size; /* bytes */
};

/* ---- models ------------------------------------------------------------------------------------------- */

enum hone_compute {
    HONE_COMPUTE_AUTO, /* int8 for files whose weights are quantised already, f32 for the others */
    HONE_COMPUTE_F32,  /* hone's own float32 products: a text's result never depends on its batch */
    HONE_COMPUTE_INT8, /* weights and activations as bytes, exact integer sums; never depends on the batch either */
    HONE_COMPUTE_BF16, /* bfloat16 products summed in float32 */
    HONE_COMPUTE_BLAS, /* float32 products by OpenBLAS: results may differ in the last bits with the batch */
};

enum hone_kv {
    HONE_KV_AUTO, /* f32 where f32 is computed, else f16 */
    HONE_KV_F32,
    HONE_KV_F16,
    HONE_KV_INT8,
};

struct hone_options {
    int n_threads; /* 0: as many as the affinity mask and the cgroup quota allow */
    enum hone_compute compute;
    size_t max_length;   /* tokens a text, special tokens included; 0: the model's own limit */
    size_t batch_tokens; /* tokens computed together; 0: 4096. Bounds the memory used for activations. */
    bool strict;         /* refuse a text that is too long instead of truncating it */
    bool force;          /* open a file with tensors that nothing reads */
    enum hone_kv kv;     /* how keys and values of generated texts are held */
    size_t
        kv_tokens; /* for how many tokens there is room, all sequences together; 0: as many as a call needs */
    bool vocab_only; /* load just the tokenizer; only hone_tokenize and hone_detokenize work then */
};

struct hone_model;

/* Opens a GGUF file or a Hugging Face folder. `options` may be NULL. On success *out is the caller's, to be
 * closed with hone_model_close; on failure *out is NULL. */
HONE_API enum hone_status hone_model_open(struct hone_model **out, const char *path,
                                          const struct hone_options *options, struct hone_error *err);

/* Closes *model and sets it to NULL. NULL and a pointer to NULL are allowed. */
HONE_API void hone_model_close(struct hone_model **model);

enum hone_task {
    HONE_TASK_NONE,     /* a vocabulary alone */
    HONE_TASK_EMBED,    /* hone_embed; hone_rerank by cosine similarity */
    HONE_TASK_CLASSIFY, /* hone_classify, and hone_rerank where there is one label */
    HONE_TASK_GENERATE, /* hone_generate */
};

struct hone_model_info {
    const char *path;
    const char *name;         /* general.name, or "" */
    const char *architecture; /* as in the file: "bert" */
    enum hone_task task;
    const char
        *pooling;   /* "mean", "cls", "last", "max"; "tokens": hone_embed_tokens; "splade": hone_embed_sparse;
                             * or "none" */
    bool normalize; /* embeddings are L2-normalised by default */
    const char *activation;         /* what turns logits into scores: "sigmoid", "softmax" or "none" */
    struct hone_text chat_template; /* Jinja, as the file has it; empty: there is none */
    size_t n_params, n_vocab, n_layers, n_embd, n_heads, n_ff;
    size_t n_kv_heads, head_dim; /* heads of keys and values, and numbers of each head */
    size_t n_local, window;      /* so many layers see so many tokens alone; 0: all see all */
    /* How they are told apart, in words: "rotary, base 10000"; "" where it is not so. */
    const char *positions;
    size_t n_dims;     /* width of an embedding; n_embd but for models that project it */
    size_t max_length; /* tokens a text, special tokens included */
    size_t n_labels;   /* 0 for embedding models */
    bool has_decoder;  /* behind an encoder, which reads the prompt */
    size_t n_prompts;
    size_t n_threads;
    const char *compute; /* what runs: "f32" */
    const char *cpu;     /* instruction set the kernels use: "avx512" */
};

/* The strings live as long as the model. */
HONE_API const struct hone_model_info *hone_model_info(const struct hone_model *model);

/* Name of label i < n_labels; "LABEL_0" and so on where the model names none. Lives as long as the model. */
HONE_API const char *hone_model_label(const struct hone_model *model, size_t i);

/* Name and text of prompt i < n_prompts. They live as long as the model. */
HONE_API const char *hone_model_prompt(const struct hone_model *model, size_t i, const char **text);

/* ---- texts to numbers --------------------------------------------------------------------------------- */

/* What happened to the inputs. The functions below add to it, so one struct can count a whole run. */
struct hone_stats {
    size_t n_texts;     /* texts or pairs */
    size_t n_tokens;    /* computed, special tokens included */
    size_t n_truncated; /* texts that were cut to max_length */
    size_t n_invalid;   /* texts with invalid UTF-8 */
    size_t n_refused;
};

/* Called now and then from the calling thread with the number of texts finished so far in this call. */
typedef void (*hone_progress)(void *arg, size_t n_done);

/* Called from the calling thread, before anything is computed, for a text that is refused: its index and a sentence. */
typedef void (*hone_refusal)(void *arg, size_t index, const char *sentence);

/* From which side of a text that is too long tokens are dropped. */
enum hone_side {
    HONE_USUAL_SIDE, /* as the model's tokenizer says */
    HONE_RIGHT,      /* its end */
    HONE_LEFT
};

struct hone_run_options {
    const char *pooling;       /* NULL: the model's own; "mean", "cls", "last", "max" */
    size_t n_dims;             /* the first so many of an embedding's dimensions (matryoshka); 0: all */
    const char *prompt;        /* NULL: the model's default; name of a prompt, "" for none */
    int normalize;             /* -1: the model's own; 0 or 1 */
    bool raw;                  /* logits instead of scores */
    enum hone_side cut;        /* not of what a model that generates judges */
    hone_progress on_progress; /* may be NULL */
    void *progress_arg;
    /* NULL: the first text that must be refused (strict mode) fails the call. Otherwise each is told here, its row
     * is filled with NaN, and the others are computed. */
    hone_refusal on_refused;
    void *refused_arg;
    /* What documents are judged by, in a sentence, where a model that generates reranks; NULL: whether they answer a web
     * search. Not for other models. */
    const char *instruction;
};
#define HONE_RUN_DEFAULTS                                                                                    \
    {                                                                                                        \
        .normalize = -1                                                                                      \
    }

/* out: float32 [n_texts, n_dims], caller's: the model's n_dims, or those of `run`. `run` and `stats` may be NULL. Texts are sorted by length inside and
 * computed in batches of at most batch_tokens tokens; row i is the embedding of text i. */
HONE_API enum hone_status hone_embed(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                     const struct hone_run_options *run, float *out, struct hone_stats *stats,
                                     struct hone_error *err);

/* A vector for each token, special ones included, for late interaction (ColBERT). *out: float32 [rows, n_dims]; those
 * of text i are rows (*starts)[i] up to (*starts)[i + 1], none where it was refused. n_dims is the model's where its
 * pooling is "tokens"; of other models these are the last hidden states, n_embd wide and as long as they are, unless
 * `run` says otherwise. *out and *starts [n_texts + 1] are to be freed with hone_free. */
HONE_API enum hone_status hone_embed_tokens(struct hone_model *model, const struct hone_text *texts,
                                            size_t n_texts, const struct hone_run_options *run, float **out,
                                            size_t **starts, struct hone_stats *stats,
                                            struct hone_error *err);

struct hone_word {
    int32_t id; /* of a token of the vocabulary */
    float weight;
};

/* The words of the vocabulary that fit a text, with their weights, by rising id (SPLADE; the model's pooling is
 * "splade"). Those of text i are (*out)[(*starts)[i]] up to (*starts)[i + 1]. *out and *starts are to be freed with
 * hone_free. */
HONE_API enum hone_status hone_embed_sparse(struct hone_model *model, const struct hone_text *texts,
                                            size_t n_texts, const struct hone_run_options *run,
                                            struct hone_word **out, size_t **starts, struct hone_stats *stats,
                                            struct hone_error *err);

/* out: float32 [n_docs], caller's; larger is better. A cross-encoder's score (or logit, with run->raw); how probable a
 * model that generates and knows Qwen's form of a chat finds "yes" (raw: the odds' logarithm); or the
 * cosine similarity of the two embeddings where the model only embeds. */
HONE_API enum hone_status hone_rerank(struct hone_model *model, struct hone_text query,
                                      const struct hone_text *docs, size_t n_docs,
                                      const struct hone_run_options *run, float *out,
                                      struct hone_stats *stats, struct hone_error *err);

/* out: float32 [n_texts, n_labels], caller's. `pairs` is NULL or holds the second text of each. */
HONE_API enum hone_status hone_classify(struct hone_model *model, const struct hone_text *texts,
                                        const struct hone_text *pairs, size_t n_texts,
                                        const struct hone_run_options *run, float *out,
                                        struct hone_stats *stats, struct hone_error *err);

/* ---- many requests ------------------------------------------------------------------------------------ */

/* A scheduler takes requests from any number of threads, and one thread of its own computes them: texts of several
 * requests together, each result as if it had been alone. Requests wait in order of arrival in one of two queues;
 * interactive ones go first. Results are the same as those of the functions above. Of the schedulers in a process one
 * computes at a time, in turn, so that each has all threads of its model. */
enum hone_priority { HONE_INTERACTIVE, HONE_BULK, HONE_N_PRIORITIES };

/* What is kept of earlier requests. */
enum hone_cache {
    HONE_CACHE_TOKENS,     /* token ids of texts and pairs */
    HONE_CACHE_EMBEDDINGS, /* rows of HONE_REQUEST_EMBED */
    HONE_CACHE_SCORES,     /* rows of HONE_REQUEST_RERANK and HONE_REQUEST_CLASSIFY */
    HONE_N_CACHES,
};

struct hone_scheduler_options {
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
    /* A Redis server that keeps embeddings and scores for several processes: "HOST:PORT", or a socket's path; NULL: none.
     * Where it is absent, slow or fails, requests are computed as if it were not there. */
    const char *redis;
    double redis_ms; /* to wait for an answer; 0: 5 */
};
#define HONE_SCHEDULER_DEFAULTS                                                                              \
    {                                                                                                        \
        .window_ms = 1, .starvation_ms = 500                                                                 \
    }

struct hone_scheduler;

/* The model must outlive it. `options` may be NULL. HONE_USAGE: options that make no sense, or Redis in a build without
 * hiredis. */
HONE_API enum hone_status hone_scheduler_open(struct hone_scheduler **out, struct hone_model *model,
                                              const struct hone_scheduler_options *options,
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
};

struct hone_reply {
    uint64_t id;
    enum hone_status status;
    const char *message; /* a sentence, "" where all went well; lives during the call */
    size_t n_tokens;     /* of all texts, special ones included, whether computed or found in a cache */
    size_t n_cached;     /* texts whose results were in a cache */
    double tokenize_ms;  /* until all its token ids were there */
    double queue_ms;     /* from then until its first text was computed */
    double infer_ms;     /* from then until the reply */
    double total_ms;
};

struct hone_ids {
    const int32_t *ids;
    size_t n;
};

#define HONE_MAX_ENDPOINTS 16

struct hone_generation;

/* As hone_embed, hone_rerank, hone_classify, hone_embed_tokens, hone_embed_sparse and hone_generate take it. What
 * pointers point to must live until the reply. */
struct hone_request {
    enum hone_request_kind kind;
    enum hone_priority priority;
    unsigned endpoint; /* the caller's own number, below HONE_MAX_ENDPOINTS: statistics are kept of each */
    const struct hone_text *texts; /* [n_texts]; of HONE_REQUEST_RERANK the documents */
    const struct hone_text *pairs; /* of HONE_REQUEST_CLASSIFY: NULL or [n_texts] */
    /* [n_texts] instead of `texts`, but not for HONE_REQUEST_RERANK: taken as they are, and cut at the end where they are
     * too many */
    const struct hone_ids *ids;
    size_t n_texts;
    struct hone_text query;      /* of HONE_REQUEST_RERANK */
    struct hone_run_options how; /* without its functions; a text that is refused fails the request */
    double queue_timeout_ms;     /* until the first text is computed; 0: no limit */
    double timeout_ms;           /* until the reply; looked at between batches and steps; 0: no limit */

    /* What came of it, valid if the reply is HONE_OK. */
    float *out;       /* the caller's, as large as that of the function */
    float **out_rows; /* of HONE_REQUEST_EMBED_TOKENS: as hone_embed_tokens, to be freed with hone_free; */
    struct hone_word **out_words; /* of HONE_REQUEST_EMBED_SPARSE: as hone_embed_sparse; */
    size_t **out_starts;          /* of both */
    uint32_t *out_n_tokens;       /* NULL or [n_texts]: of each text or pair, special ones included */
    bool *out_truncated;          /* NULL or [n_texts]: whether it was cut */
    /* Of HONE_REQUEST_GENERATE, alone. on_token is called from the scheduler's thread. To be released by the caller in
     * every case. */
    struct hone_generation *generation;

    /* Called once for each request that was taken, from a thread of the scheduler or one that cancels; it should be
     * quick, and may submit. */
    void (*on_reply)(void *arg, const struct hone_reply *reply);
    void *arg;
};

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
};
HONE_API double hone_latency_bound(size_t i); /* ms; i < HONE_N_BOUNDS. Rising powers of two, from 1/16 */

/* Numbers of things. */
struct hone_sizes {
    uint64_t n;
    double mean, p50, p95, p99, max;
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
};

/* From any thread at any time. */
HONE_API void hone_scheduler_stats(struct hone_scheduler *scheduler, struct hone_scheduler_stats *out);

/* Where a request's time goes. The scheduler knows the middle ones; who talks to the client the first and the last. */
enum hone_stage {
    HONE_STAGE_RECEIVE,
    HONE_STAGE_TOKENIZE,
    HONE_STAGE_QUEUE,
    HONE_STAGE_INFER,
    HONE_STAGE_SEND,
    HONE_N_STAGES,
};

enum hone_outcome {
    HONE_OUTCOME_OK,
    HONE_OUTCOME_FAILED,
    HONE_OUTCOME_LATE,
    HONE_OUTCOME_CANCELLED,
    HONE_N_OUTCOMES
};

struct hone_endpoint_stats {
    uint64_t n_taken, n_busy;
    uint64_t n_texts, n_tokens; /* of replies that are HONE_OK; of generation: generated */
    struct hone_latency stages[HONE_N_STAGES];
    struct hone_latency total[HONE_N_OUTCOMES]; /* from hone_submit to the reply; its n counts replies */
};

/* endpoint: as in struct hone_request. From any thread at any time. */
HONE_API void hone_endpoint_stats(struct hone_scheduler *scheduler, unsigned endpoint,
                                  struct hone_endpoint_stats *out);
/* Adds what HONE_STAGE_RECEIVE or HONE_STAGE_SEND of a request took. From any thread at any time. */
HONE_API void hone_record(struct hone_scheduler *scheduler, unsigned endpoint, enum hone_stage stage,
                          double ms);

/* ---- checking ----------------------------------------------------------------------------------------- */

/* Called for each check: what was looked at, whether it is as it should be, and a phrase that says what was found. */
typedef void (*hone_on_check)(void *arg, const char *name, bool passed, const char *found);

/* Looks at a model as a whole: that every tensor of the file is used, that weights are finite, what the tokenizer puts
 * around a text, pooling and head, that results do not depend on the batch; and, where `golden` is the path of a
 * golden.json (docs/formats.md), compares with what it says. HONE_BAD_MODEL where a check fails; all are made anyway.
 * A model that was opened with `force` may hold tensors that nothing reads, and fails for them here. */
HONE_API enum hone_status hone_verify(struct hone_model *model, const char *golden, hone_on_check on_check,
                                      void *arg, struct hone_error *err);

/* ---- generation ----------------------------------------------------------------------------------------- */

/* How the next token is chosen; 0 temperature: the most probable one. Filters in this order: bias, penalties, DRY, top_k,
 * typical_p, top_p, min_p, temperature. The same seed, prompt and options give the same text, whatever else runs. */
struct hone_sampling {
    float temperature;
    size_t top_k;             /* 0: all */
    float top_p;              /* 1: all */
    float min_p;              /* 0: all */
    float typical_p;          /* 1: all */
    float repetition_penalty; /* 1: none */
    float frequency_penalty, presence_penalty;
    size_t penalty_last_n; /* tokens that the penalties look back; SIZE_MAX: all */
    /* DRY: a token that would prolong a repetition of at least dry_allowed_length tokens loses dry_multiplier *
     * dry_base^(length - dry_allowed_length). */
    float dry_multiplier; /* 0: no DRY */
    float dry_base;
    size_t dry_allowed_length, dry_last_n; /* dry_last_n: tokens that DRY looks back; SIZE_MAX: all */
    /* [n_dry_breakers] No repetition reaches across a token that holds one of these; NULL: new line, colon, quote, star. */
    const struct hone_text *dry_breakers;
    size_t n_dry_breakers;
    int mirostat; /* 0: off; 1; 2 */
    float mirostat_tau, mirostat_eta;
    uint64_t seed;
};
#define HONE_SAMPLING_DEFAULTS                                                                               \
    {                                                                                                        \
        .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .typical_p = 1,                    \
        .repetition_penalty = 1, .penalty_last_n = 64, .dry_base = 1.75f, .dry_allowed_length = 2,           \
        .dry_last_n = SIZE_MAX, .mirostat_tau = 5, .mirostat_eta = 0.1f                                      \
    }

enum hone_finish {
    HONE_FINISH_NONE,
    HONE_FINISH_STOP,      /* an end token, a stop string, or the end of a grammar */
    HONE_FINISH_LENGTH,    /* max_tokens, or the model's context is full */
    HONE_FINISH_CANCELLED, /* on_token said so */
};

/* Beam search instead of sampling: of n beams, at most 64, the results with the greatest sum of log-probabilities divided
 * by their tokens to the power of length_penalty. */
struct hone_beams {
    size_t n;
    size_t n_best;        /* results that are wanted, at most n; 0: one */
    float length_penalty; /* 1 is usual */
    /* Ends with n results, whatever might beat them; else when no live beam would. */
    bool stop_early;
};

/* Added to the logit of a token; -INFINITY: it never comes. */
struct hone_bias {
    int32_t id;
    float bias;
};

/* Natural logarithms of probabilities, by the model's own logits: before biases, penalties, filters and temperature. */
struct hone_logprob {
    int32_t id; /* -1: there are no more tokens that can come */
    float logprob;
};
#define HONE_MAX_LOGPROBS 20

/* A token that was chosen. What it points to lives during the call. */
struct hone_token {
    int32_t id;                     /* -1: the text is over, and this is what was held back of it */
    struct hone_text text;          /* what is certain now, whole characters; it may be empty */
    float logprob;                  /* of id, where logprobs were asked for; else 0 */
    const struct hone_logprob *top; /* [n_top] the most probable tokens, best first */
    size_t n_top;
};

/* A text that came of a generation. */
struct hone_generated {
    int32_t *ids; /* [n_ids] without the end token */
    size_t n_ids;
    char *text; /* NUL-terminated, text_size bytes */
    size_t text_size;
    enum hone_finish finish;
    float score;              /* of beams: what they are compared by; else 0 */
    float *logprobs;          /* [n_ids], where they were asked for; else NULL */
    struct hone_logprob *top; /* [n_ids, n_logprobs], likewise */
};

/* One text to go on with. Zero means none, or as usual. */
struct hone_generation {
    struct hone_text prompt; /* tokenized with the special tokens that the model puts in front; or */
    const int32_t *ids;      /* [n_ids], as they are */
    size_t n_ids;
    /* Of a model with an encoder, which reads the prompt: what the decoder begins with. Its start token may be left out. */
    const int32_t *decoder_ids; /* [n_decoder_ids] */
    size_t n_decoder_ids;
    bool no_special;   /* a text that has its special tokens in it (a rendered chat), and gets no others */
    size_t max_tokens; /* 0: until the model ends, its context is full, or there are 8192 */
    struct hone_sampling sampling;
    const struct hone_bias *biases; /* [n_biases] */
    size_t n_biases;
    const struct hone_beams *beams; /* or NULL: sampling. All tokens come at the end */
    bool ignore_end;                /* the end token is never chosen, others do not end the text */
    bool past_end;                  /* end tokens are text like all others */
    const struct hone_text *stops;
    size_t n_stops;
    /* What the text must look like: a grammar as llama.cpp writes them (GBNF), or a JSON Schema, "{}" being any JSON value;
     * NUL-terminated. Not both, and not with beams. */
    const char *grammar, *json_schema;
    bool logprobs; /* of the tokens that are chosen, */
    size_t
        n_logprobs; /* and of so many of the most probable ones, at most HONE_MAX_LOGPROBS. Not with beams */
    /* So many tokens at most are guessed, and checked at once; the text stays what it would be without. They are guessed
     * from the text so far (prompt lookup), or by draft_model, a smaller one with the same vocabulary. Another call may use
     * that one meanwhile: then nothing is guessed. Not with beams, nor of a model with an encoder. Two models must not
     * draft for each other at once. */
    size_t n_draft;
    struct hone_model *draft_model;
    /* Gets each token, from the calling thread. false: enough. May be NULL. */
    bool (*on_token)(void *arg, const struct hone_token *token);
    void *arg;

    /* What came of it, to be given back with hone_generation_release, after a failure too. */
    struct hone_generated *results; /* [n_results] the best first; the fields below are those of the first */
    size_t n_results;
    const int32_t *out_ids; /* [n_out] */
    size_t n_out;
    const char *text;
    size_t text_size;
    enum hone_finish finish;
    size_t n_prompt;              /* tokens of the prompt, without decoder_ids; */
    size_t n_cached;              /* of these, known from earlier ones, and not computed again */
    size_t n_drafted, n_accepted; /* tokens that were guessed, and rightly so */
};

/* Bytes of memory that keys and values of n_tokens take; 0 for a model that does not generate. */
HONE_API size_t hone_kv_bytes(const struct hone_model *model, enum hone_kv kv, size_t n_tokens);

/* Goes on with n texts, several at once. What a prompt shares with another one or with one of earlier calls, from its
 * start on, is computed once. HONE_USAGE: a prompt that leaves no room in the model's context or in kv_tokens; options
 * that make no sense; a grammar that cannot be read or met. */
HONE_API enum hone_status hone_generate(struct hone_model *model, struct hone_generation *list, size_t n,
                                        struct hone_stats *stats, struct hone_error *err);
HONE_API void hone_generation_release(struct hone_generation *g);

/* Writes the keys and values that the cache holds of ids [n], a prompt and what followed it, as a file: whole blocks of
 * their beginning, *n_saved tokens (may be NULL). It appears under its name only when it is complete. Not of a model with
 * an encoder. */
HONE_API enum hone_status hone_kv_save(struct hone_model *model, const int32_t *ids, size_t n,
                                       const char *path, size_t *n_saved, struct hone_error *err);
/* Reads such a file, and prompts that begin with its tokens (*n_loaded, may be NULL) find them. HONE_BAD_MODEL: the file is
 * damaged, or of another model, type of cache or instruction set; HONE_FAILED: kv_tokens has no room for it. */
HONE_API enum hone_status hone_kv_load(struct hone_model *model, const char *path, size_t *n_loaded,
                                       struct hone_error *err);

struct hone_message {
    const char *role; /* "system", "user", "assistant" */
    struct hone_text content;
};

/* A conversation. Texts of JSON are NUL-terminated, or NULL. */
struct hone_chat {
    const struct hone_message *messages; /* [n_messages]; or */
    size_t n_messages;
    /* a JSON array of them as clients send it: {"role", "content", "tool_calls", "tool_call_id", ...}, where the content
     * may be a list of parts {"type": "text", "text"} */
    const char *json_messages;
    const char *tools; /* a JSON array: what the model may call */
    const char
        *variables; /* a JSON object of what else the template may look at: {"enable_thinking": false} */
    bool answer;    /* up to where the model's answer begins */
};

/* What a conversation looks like to the model, by its own chat template. It is to be generated from with no_special.
 * *text: NUL-terminated, *size bytes, to be freed with hone_free. HONE_USAGE: the model has no template, or the template
 * refuses the messages. */
HONE_API enum hone_status hone_chat_prompt(const struct hone_model *model, const struct hone_chat *chat,
                                           char **text, size_t *size, struct hone_error *err);

/* out: float32 [n_ids, n_vocab], caller's: row i is what follows ids[0] to ids[i]. */
HONE_API enum hone_status hone_logits(struct hone_model *model, const int32_t *ids, size_t n_ids, float *out,
                                      struct hone_error *err);

/* The same of a model with an encoder, which reads ids; out: [n_decoder_ids, n_vocab], or [1, n_vocab] where n_decoder_ids
 * is 0: after the decoder's start token. decoder_ids are taken as they are, and begin with that token. */
HONE_API enum hone_status hone_decoder_logits(struct hone_model *model, const int32_t *ids, size_t n_ids,
                                              const int32_t *decoder_ids, size_t n_decoder_ids, float *out,
                                              struct hone_error *err);

/* exp of the mean negative log-probability of each token but the first, given those before it, in pieces of at most
 * `context` tokens (0: the model's). */
HONE_API enum hone_status hone_perplexity(struct hone_model *model, const int32_t *ids, size_t n_ids,
                                          size_t context, double *out, struct hone_error *err);

/* ---- tokens ------------------------------------------------------------------------------------------- */

/* The ids of many texts, made by all threads: those of text i are (*ids)[(*starts)[i]] up to (*starts)[i + 1].
 * `pairs` is NULL or holds the second text of each; nothing is truncated. *ids and *starts [n_texts + 1] are to be
 * freed with hone_free. `stats` may be NULL. */
HONE_API enum hone_status hone_tokenize(struct hone_model *model, const struct hone_text *texts,
                                        const struct hone_text *pairs, size_t n_texts, bool add_special,
                                        int32_t **ids, size_t **starts, struct hone_stats *stats,
                                        struct hone_error *err);

/* Which bytes of its text a token stands for, [start, end): those of whole characters, so that tokens may share one, and
 * none of a special token that was added: start and end are SIZE_MAX. */
struct hone_span {
    size_t start, end;
};

/* The ids of one text and what each of them stands for, as Hugging Face's tokenizers tells it. *ids and *spans [*n] are
 * to be freed with hone_free; after a failure they are NULL. HONE_USAGE: the text cannot be tokenized; HONE_FAILED: no
 * memory. The model may be used by others at the same time. */
HONE_API enum hone_status hone_tokenize_spans(const struct hone_model *model, const struct hone_text *text,
                                              bool add_special, int32_t **ids, struct hone_span **spans,
                                              size_t *n, struct hone_error *err);

/* text: NUL-terminated, *size bytes without the NUL, to be freed with hone_free. */
HONE_API enum hone_status hone_detokenize(const struct hone_model *model, const int32_t *ids, size_t n_ids,
                                          bool skip_special, char **text, size_t *size,
                                          struct hone_error *err);

/* The bytes that a token adds to a text: whole characters, or parts of one; none of a special token. They live as long as
 * the model. The first call takes as long as the vocabulary is large, and waits for what is computed; a model that was
 * opened with vocab_only never does. HONE_USAGE: an id that there is not, or a tokenizer that does not tell. */
HONE_API enum hone_status hone_token_bytes(struct hone_model *model, int32_t id, struct hone_text *out,
                                           struct hone_error *err);

HONE_API void hone_free(void *p);

/* ---- measuring ---------------------------------------------------------------------------------------- */

/* Numbers are the best of several short runs each, since whatever else a machine does can only make one longer. They
 * say what the machine gives now, not what it gives when it is idle. */

struct hone_machine {
    const char *cpu;   /* "NAME, family F, model M", as the system tells it */
    const char *level; /* the highest instruction set, capped by HONE_CPU */
    int n_threads;     /* as many as the affinity mask and the cgroup quota allow */
};
HONE_API const struct hone_machine *hone_machine(void); /* thread-safe; lives as long as the program */

/* The profile that hone_tune stored for this CPU, or NULL where the sizes that are built in are used. *why_not, which
 * may be left NULL: a sentence where there is one that had to be ignored, else NULL. Thread-safe. */
HONE_API const char *hone_tuning(const char **why_not);

/* What is multiplied: float32; bfloat16, added up in float32; bytes, unsigned by signed, added up in 32 bits. */
enum hone_number { HONE_F32, HONE_BF16, HONE_INT8, HONE_N_NUMBERS };
enum hone_memory { HONE_L1, HONE_L2, HONE_L3, HONE_MEMORY, HONE_N_MEMORIES };

/* What n_threads threads can do at most, all together. */
struct hone_limits {
    int n_threads;
    double
        ops[HONE_N_NUMBERS]; /* a second, from registers; a multiply-add is two. 0: there is no instruction */
    const char *ops_level[HONE_N_NUMBERS]; /* the instruction set that does it; NULL where ops is 0 */
    double read[HONE_N_MEMORIES];          /* bytes a second; 0: there is no such cache */
};

/* level: an instruction set, with what it takes over from those below it; NULL: the best that the machine has.
 * n_threads 0: as many as there are. Takes about a second and memory of 16 times the last cache. */
HONE_API enum hone_status hone_bench_limits(struct hone_limits *out, const char *level, int n_threads,
                                            struct hone_error *err);

/* What hone_bench_kernels runs. */
struct hone_bench_selection {
    const char *slot;  /* a kernel: "gemm_u8i8"; NULL: each */
    const char *level; /* an instruction set; NULL: the best one; "all": each that the machine has */
    const char *model; /* whose shapes: "bert-base"; NULL: each */
    size_t m;          /* rows, at most 4096; 0: 1, 4, 16, ... 4096 */
    int n_threads;     /* 0: as many as there are */
};

struct hone_bench_result {
    const char *slot, *level, *model;
    const char *shape; /* which of the model's matrices, or what makes up a row */
    /* Rows, outputs, inputs; of other kernels rows and width; of attention tokens, heads and head size. */
    size_t m, n, k;
    size_t n_measured;             /* columns computed, since of a large product a part is enough; else n */
    int n_threads;                 /* that had something to do */
    double seconds;                /* a call */
    double ops, bytes;             /* a second; bytes that are read. ops 0: not counted */
    enum hone_number number;       /* what is computed with, and */
    enum hone_memory memory;       /* where the bytes come from; */
    double ops_limit, bytes_limit; /* what these allow at most, a second, by the level's own instructions */
    const char *bound; /* which of them is the tighter: "f32", "bf16", "int8"; "l1", "l2", "l3", "memory" */
    double share;      /* of what that limit allows */
};

/* Gets each result at once; its strings live as long as the program. */
typedef void (*hone_bench_sink)(void *arg, const struct hone_bench_result *result);

/* Weights come from memory in every call, as they do in a model that is larger than the caches; rows stay in the
 * caches where they fit. Needs memory of 16 times the last cache. */
HONE_API enum hone_status hone_bench_kernels(const struct hone_bench_selection *select, hone_bench_sink sink,
                                             void *arg, struct hone_error *err);

/* What hone_tune found about one question. */
struct hone_tuned {
    const char *name;             /* "int8, up to 1024 inputs" */
    char before[64], after[64];   /* what was chosen: "rows of 256 KiB by 512 outputs" */
    double before_ops, after_ops; /* a second */
};
typedef void (*hone_tune_sink)(void *arg, const struct hone_tuned *tuned);

/* Searches the sizes that products and tasks are cut into for what this CPU computes fastest, tells each answer at
 * once, uses them, and stores them where later processes find them: hone_tuning. Nothing else may compute meanwhile. n_threads 0:
 * as many as there are; seconds 0: about half a minute. More time helps where the machine is busy. */
HONE_API enum hone_status hone_tune(int n_threads, double seconds, hone_tune_sink sink, void *arg,
                                    struct hone_error *err);

/* ---- files -------------------------------------------------------------------------------------------- */

/* Writes the Hugging Face folder `dir` as one GGUF file. type: what hone_quantize takes, of the matrices (vectors are
 * f32); or NULL to keep the folder's own. The file appears under its name only when it is complete. */
HONE_API enum hone_status hone_convert(const char *dir, const char *out_path, const char *type,
                                       struct hone_error *err);

/* What became of one tensor. */
struct hone_quantized {
    const char *name;
    const char *from, *type; /* before and after; the same where it stays as it is */
    const char *wanted; /* NULL, or the type it did not get, since its rows are no whole blocks of that */
    unsigned n_dims;
    uint64_t dims[4];           /* as in struct hone_file_tensor */
    uint64_t size_before, size; /* bytes */
    bool weighted;              /* by the importance matrix */
    double error;               /* root of the mean squared change, over that of the mean square */
};

struct hone_quantize_options {
    int n_threads;       /* 0: as many as the affinity mask and the cgroup quota allow */
    const char *imatrix; /* an importance matrix as llama.cpp writes it (GGUF, or the older form), or NULL */
    /* Both are called from the calling thread, and may be NULL: after each tensor, and now and then with the bytes of
     * tensors that are done. Strings last as long as the call. */
    void (*on_tensor)(void *arg, const struct hone_quantized *tensor);
    void (*on_progress)(void *arg, uint64_t n_done, uint64_t n_bytes);
    void *arg;
};

/* Writes the GGUF file in_path anew with its matrices in another type: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1,
 * iq4_nl, iq4_xs, q2_k, q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m (or q4_k), q5_k_s, q5_k_m (or q5_k), q6_k. Where llama.cpp's files of
 * that name give a tensor more bits, so do these. Vectors, norms and small tables stay as they are. Memory stays bounded, and the file
 * appears under its name only when it is complete. `options` may be NULL. */
HONE_API enum hone_status hone_quantize(const char *in_path, const char *out_path, const char *type,
                                        const struct hone_quantize_options *options, struct hone_error *err);

/* A model file's metadata and tensor list, without loading it as a model. */
struct hone_file;
struct hone_file_tensor {
    const char *name;
    const char *type; /* "f32", "q8_0", ... */
    unsigned n_dims;
    uint64_t dims[4]; /* fastest first, as GGUF stores them: a matrix of n_out rows is {n_in, n_out} */
    uint64_t size;    /* bytes */
};
HONE_API enum hone_status hone_file_open(struct hone_file **out, const char *path, struct hone_error *err);
HONE_API void hone_file_close(struct hone_file **file);
HONE_API size_t hone_file_n_keys(const struct hone_file *file);
/* Key i. *value gets its value as JSON text (long arrays are cut, their length told); *value is to be freed with
 * hone_free and may be NULL on lack of memory. The key lives as long as the file. */
HONE_API const char *hone_file_key(const struct hone_file *file, size_t i, char **value);
HONE_API size_t hone_file_n_tensors(const struct hone_file *file);
HONE_API struct hone_file_tensor hone_file_tensor(const struct hone_file *file, size_t i);

#ifdef __cplusplus
}
#endif
#endif
