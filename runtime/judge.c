#include "runtime/judge.h"

#include "runtime/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE                                                                                               \
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "      \
    "Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n"
#define INSTRUCT "Given a web search query, retrieve relevant passages that answer the query"
#define AFTER    "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"

#define MAX_GROUP  16   /* documents at once, */
#define MAX_TOKENS 2048 /* of so many tokens that are not shared, but for a single one */

struct judging {
    struct hone_model *model;
    int32_t **ids; /* [n] of each document, with all that is around it */
    size_t *n_ids, n, n_shared;
    struct stepper stepper;
    struct kv_seq *shared, *forks[MAX_GROUP];
    float *logits;
    int32_t yes, no;
    bool raw;
};

static int32_t id_of(const struct hone_model *model, const char *token)
{
    return tokenizer_id(model->model.tokenizer, (struct tok_text){token, strlen(token)});
}

bool judge_can(const struct hone_model *model)
{
    static const char *const tokens[] = {"<|im_start|>", "<|im_end|>", "yes", "no"};
    for (size_t i = 0; i < 4; i++)
        if (id_of(model, tokens[i]) < 0)
            return false;
    return model->model.arch->causal;
}

/* ---- tokens ---- */

static enum hone_status encode(const struct hone_model *model, struct hone_text text, size_t max,
                               struct tok_encoding *e, struct hone_error *err)
{
    char why[256] = "";
    struct tok_options options = {.max_length = max};
    if (tokenizer_encode(model->model.tokenizer, (struct tok_text){text.data, text.size}, NULL, &options, e,
                         why, sizeof why))
        return HONE_OK;
    return hone_fail(err, HONE_FAILED, "%s", why);
}

/* The part between: to be freed. */
static char *pair_text(struct hone_text query, struct hone_text doc, size_t *size)
{
    static const char head[] = "<Instruct>: " INSTRUCT "\n<Query>: ", middle[] = "\n<Document>: ";
    *size = sizeof head - 1 + query.size + sizeof middle - 1 + doc.size;
    char *text = malloc(*size + 1), *next = text;
    if (!text)
        return NULL;
    next = mempcpy(next, head, sizeof head - 1);
    next = query.size ? mempcpy(next, query.data, query.size) : next;
    next = mempcpy(next, middle, sizeof middle - 1);
    if (doc.size)
        memcpy(next, doc.data, doc.size);
    return text;
}

static enum hone_status add_document(struct judging *j, const struct tok_encoding around[2],
                                     struct hone_text query, struct hone_text doc, struct tok_encoding *e,
                                     struct hone_error *err)
{
    size_t size, n_around = around[0].n + around[1].n, max = j->model->model.hp.max_length;
    if (max <= n_around + 1)
        return hone_fail(err, HONE_USAGE, "a context of %zu tokens is too short to judge documents", max);
    char *text = pair_text(query, doc, &size);
    if (!text)
        return hone_no_memory(err, "a document", size);
    enum hone_status status = encode(j->model, (struct hone_text){text, size}, max - n_around, e, err);
    free(text);
    if (status != HONE_OK)
        return status;
    if (e->n_full > e->n && j->model->options.strict)
        return hone_fail(err, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu", j->n,
                         e->n_full + n_around, max);
    int32_t *ids = j->ids[j->n] = malloc((n_around + e->n) * sizeof *ids);
    if (!ids)
        return hone_no_memory(err, "tokens", e->n * sizeof *ids);
    j->n_ids[j->n++] = n_around + e->n;
    ids = mempcpy(ids, around[0].ids, around[0].n * sizeof *ids);
    ids = mempcpy(ids, e->ids, e->n * sizeof *ids);
    memcpy(ids, around[1].ids, around[1].n * sizeof *ids);
    return HONE_OK;
}

/* What all begin with, short of a whole one. */
static size_t shared_length(const struct judging *j)
{
    size_t n = j->n_ids[0] - 1;
    for (size_t i = 1; i < j->n; i++) {
        size_t k = 0, most = j->n_ids[i] - 1 < n ? j->n_ids[i] - 1 : n;
        while (k < most && j->ids[i][k] == j->ids[0][k])
            k++;
        n = k;
    }
    return n;
}

static enum hone_status make_tokens(struct judging *j, struct hone_text query, const struct hone_text *docs,
                                    size_t n_docs, struct hone_stats *stats, struct hone_error *err)
{
    struct tok_encoding around[2] = {{0}}, e = {0};
    enum hone_status status =
        encode(j->model, (struct hone_text){BEFORE, strlen(BEFORE)}, 0, &around[0], err);
    if (status == HONE_OK)
        status = encode(j->model, (struct hone_text){AFTER, strlen(AFTER)}, 0, &around[1], err);
    for (size_t i = 0; i < n_docs && status == HONE_OK; i++) {
        status = add_document(j, around, query, docs[i], &e, err);
        stats->n_truncated += e.n_full > e.n;
        stats->n_invalid += e.invalid;
    }
    if (status == HONE_OK)
        j->n_shared = shared_length(j);
    for (size_t i = 0; i < 2; i++)
        tok_encoding_release(&around[i]);
    tok_encoding_release(&e);
    return status;
}

/* ---- judging ---- */

static enum hone_status read_shared(struct judging *j, struct hone_error *err)
{
    struct kv_cache *kv = j->model->kv;
    enum hone_status status = kv_seq_new(kv, &j->shared, 0, j->ids[0], j->n_shared, err);
    while (status == HONE_OK && kv_seq_length(j->shared) < j->n_shared) {
        size_t done = kv_seq_length(j->shared), n = j->n_shared - done;
        struct step_seq step = {
            .kv = j->shared, .ids = j->ids[0] + done, .n = n < STEP_TOKENS ? n : STEP_TOKENS};
        status = step_run(&j->stepper, j->model, kv, &step, 1, j->logits, err);
    }
    return status;
}

/* How many documents from i on make a group. */
static size_t group_size(const struct judging *j, size_t i)
{
    size_t n = 0, n_tokens = 0;
    while (i + n < j->n && n < MAX_GROUP &&
           (n == 0 || n_tokens + j->n_ids[i + n] - j->n_shared <= MAX_TOKENS)) {
        n_tokens += j->n_ids[i + n] - j->n_shared;
        n++;
    }
    return n;
}

static enum hone_status judge_group(struct judging *j, size_t first, size_t n, float *out,
                                    struct hone_error *err)
{
    struct step_seq steps[MAX_GROUP];
    struct kv_cache *kv = j->model->kv;
    size_t n_vocab = j->model->model.hp.n_vocab;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        status = kv_seq_fork(kv, j->shared, &j->forks[i], err);
        steps[i] = (struct step_seq){.kv = j->forks[i],
                                     .ids = j->ids[first + i] + j->n_shared,
                                     .n = j->n_ids[first + i] - j->n_shared,
                                     .n_logits = 1};
    }
    if (status == HONE_OK)
        status = step_run(&j->stepper, j->model, kv, steps, n, j->logits, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        const float *row = j->logits + i * n_vocab;
        float odds = row[j->yes] - row[j->no];
        out[first + i] = j->raw ? odds : 1 / (1 + expf(-odds));
    }
    for (size_t i = 0; i < n; i++) {
        kv_seq_free(kv, j->forks[i]);
        j->forks[i] = NULL;
    }
    return status;
}

static enum hone_status judge_all(struct judging *j, const struct hone_run_options *run, float *out,
                                  struct hone_error *err)
{
    size_t most = 0;
    for (size_t i = 0, n; i < j->n; i += n) {
        size_t n_tokens = 0;
        n = group_size(j, i);
        for (size_t k = 0; k < n; k++)
            n_tokens += j->n_ids[i + k] - j->n_shared;
        most = n_tokens > most ? n_tokens : most;
    }
    enum hone_status status = step_cache(j->model, j->n_shared + most, 2 * MAX_GROUP + 1, err);
    if (status == HONE_OK)
        status = read_shared(j, err);
    for (size_t i = 0, n; i < j->n && status == HONE_OK; i += n) {
        n = group_size(j, i);
        status = judge_group(j, i, n, out, err);
        if (run->on_progress)
            run->on_progress(run->progress_arg, i + n);
    }
    if (j->shared)
        kv_seq_free(j->model->kv, j->shared);
    return status;
}

enum hone_status judge(struct hone_model *model, struct hone_text query, const struct hone_text *docs,
                       size_t n_docs, const struct hone_run_options *run, float *out,
                       struct hone_stats *stats, struct hone_error *err)
{
    struct judging j = {
        .model = model, .yes = id_of(model, "yes"), .no = id_of(model, "no"), .raw = run->raw};
    struct hone_stats own = {.n_texts = n_docs};
    if (n_docs == 0)
        return HONE_OK;
    j.ids = calloc(n_docs, sizeof *j.ids);
    j.n_ids = calloc(n_docs, sizeof *j.n_ids);
    j.logits = malloc(MAX_GROUP * model->model.hp.n_vocab * sizeof *j.logits);
    enum hone_status status = HONE_OK;
    if (!j.ids || !j.n_ids || !j.logits)
        status = hone_no_memory(err, "documents", n_docs * sizeof *j.ids);
    pthread_mutex_lock(&model->lock);
    if (status == HONE_OK)
        status = make_tokens(&j, query, docs, n_docs, &own, err);
    if (status == HONE_OK)
        status = judge_all(&j, run, out, err);
    pthread_mutex_unlock(&model->lock);
    for (size_t i = 0; i < j.n; i++) {
        own.n_tokens += j.n_ids[i];
        free(j.ids[i]);
    }
    if (stats) {
        stats->n_texts += own.n_texts;
        stats->n_tokens += own.n_tokens;
        stats->n_truncated += own.n_truncated;
        stats->n_invalid += own.n_invalid;
    }
    free(j.ids);
    free(j.n_ids);
    free(j.logits);
    stepper_release(&j.stepper);
    return status;
}
