/* A request on its way: what it needs computed, its token ids, and what came of it. */
#ifndef RUNTIME_SERVE_JOB_H
#define RUNTIME_SERVE_JOB_H

#include "runtime/infer/hybrid.h"
#include "runtime/serve/caches.h"
#include "runtime/serve/policy.h"

#include <hone/generate.h>

struct job {
    struct policy_entry entry; /* first, so that the policy's entries are jobs */
    struct hone_request request;
    struct hone_model *
        model; /* that reads its texts: the scheduler's model, or one of its routes. Which one reads a query to compare with is in `compared` */
    struct request compute; /* without its inputs: those of a whole batch are computed at once */
    struct inputs inputs;   /* how its token ids are made */
    struct compared
        *compared; /* of a rerank request whose query and documents become vectors; NULL (compared.h) */
    size_t width;  /* numbers a text, of results of one length */
    struct ragged ragged; /* the others, until the reply */
    struct hybrid hybrid; /* what OUTPUT_HYBRID makes, likewise */
    uint64_t id;
    uint64_t arrived, tokenized, started; /* ns; 0: not yet */

    /* Of each text, [n_texts]: */
    uint32_t *costs;
    struct token_run *runs; /* their arrays are one block each, the job's own */
    bool *found;            /* its row was in a cache */
    struct row_key *keys;   /* of its row; NULL: rows are not kept */
    enum hone_cache rows_cache;

    /* Under the scheduler's lock: */
    struct job *prev, *next; /* of all jobs */
    struct job_line *
        line; /* where it waits for a thread that tokenizes its texts or compiles its grammar; NULL: nowhere */
    struct job *next_in_line;
    size_t n_begun, n_tokenized; /* texts */
    size_t n_holders;            /* threads that work on it, and batches that it is in */
    enum hone_status
        ending; /* HONE_LATE or HONE_CANCELLED: that is the reply, as soon as nobody holds the job; HONE_OK: it goes on */
    const char *why_ending;
    size_t n_done; /* texts */

    /* Of a text to be generated: */
    struct generation {
        bool (*on_token)(void *arg, const struct hone_token *token); /* the caller's */
        void *arg;
        struct counters *counters;
        const struct clock *clock;
        uint64_t last_token;       /* ns; 0: none yet */
        struct compiled *compiled; /* what the text must look like; NULL: nothing, or not yet */
        bool is_new, is_over, timed_out;
    } generation;

    /* The first failure; any thread may say what it is. */
    _Atomic int failed; /* 0, or 1 for the thread that writes, then 2 */
    enum hone_status status;
    char message[256];
    uint64_t n_tokens;
    size_t n_found;
};

/* Jobs that wait for a thread, in order of arrival. */
struct job_line {
    struct job *first, **end;
};

/* Checks a request against the model. To be freed with job_free. */
enum hone_status job_new(struct job **out, struct hone_model *model, const struct hone_request *request,
                         const struct caches *caches, struct hone_error *err);
void job_free(struct job *job);

/* Whether its texts become token ids here; else it is computed as a whole. */
bool job_has_tokens(const struct job *job);

/* Whether its text must follow a grammar or a schema, which is compiled before it is begun. */
bool job_has_grammar(const struct job *job);

/* Which model reads one of its texts, what it computes of it, and how its ids are made. */
struct hone_model *job_model(const struct job *job, size_t i);
const struct request *job_compute(const struct job *job, size_t i);
const struct inputs *job_inputs(const struct job *job, size_t i);
/* Texts that its caller has given. */
size_t job_n_given(const struct job *job);

void job_fail(struct job *job, enum hone_status status, const char *message);
bool job_has_failed(const struct job *job);

/* Its results into the request's places, where that is still to be done. */
void job_finish(struct job *job, struct caches *caches);

#endif
