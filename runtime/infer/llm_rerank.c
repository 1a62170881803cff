#include "runtime/infer/llm_rerank.h"

#include "runtime/infer/pair_template.h"
#include "runtime/infer/prompts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE                                                                                               \
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "      \
    "Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n"
#define USUAL "Given a web search query, retrieve relevant passages that answer the query"
#define AFTER "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"

#define MAX_GROUP  16   /* documents at once, */
#define MAX_TOKENS 2048 /* of so many tokens that are not shared, but for a single one */

struct llm_reranking {
    struct hone_model *model;
    int32_t **ids; /* [n] of each document, with all that is around it */
    size_t *n_ids,
        *place; /* [n]: of how many tokens, and of which document; refused ones are not among them */
    size_t n, n_shared;
    struct kv_seq *shared, *forks[MAX_GROUP];
    float *logits;
    int32_t yes, no;
    struct hone_text query;
    const struct hone_run_options *run;
    struct hone_stats stats;
    float *out; /* [of all documents] */
};

static int32_t id_of(const struct hone_model *model, const char *token)
{
    return tokenizer_id(model->tokenizer, (struct hone_text){token, strlen(token)});
}

/* Of the logits that step_run gives: a label of that name, or a token. -1: there is none. */
static int32_t answer(const struct hone_model *model, const char *name)
{
    const struct net *m = &model->net;
    for (size_t i = 0; i < m->hp.n_labels; i++)
        if (model->labels && strcmp(model->labels[i], name) == 0)
            return (int32_t)i;
    return m->hp.n_labels > 0 ? -1 : id_of(model, name);
}

/* The form of Qwen3-Reranker, where the file says no other. */
static bool is_qwens(const struct hone_model *model)
{
    return !model->logit_score.is_there && !model->pairs;
}

bool llm_rerank_can(const struct hone_model *model)
{
    const struct net *m = &model->net;
    if (!m->arch || !m->arch->causal || m->hp.two_sided || (!m->hp.generates && m->hp.n_labels != 2))
        return false;
    if (model->logit_score.is_there && m->hp.generates)
        return true;
    bool chats = model->pairs || (id_of(model, "<|im_start|>") >= 0 && id_of(model, "<|im_end|>") >= 0);
    return chats && answer(model, "yes") >= 0 && answer(model, "no") >= 0;
}

/* ---- tokens ---- */

static enum hone_status encode(const struct hone_model *model, struct hone_text text, size_t max,
                               struct tok_encoding *e, struct hone_error *err)
{
    struct hone_error why = {0};
    struct tok_options options = {.max_length = max};
    if (tokenizer_encode(model->tokenizer, (struct hone_text){text.data, text.size}, NULL, &options, e, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s", why.message);
}

/* The part between: to be freed. */
static char *pair_text(const struct llm_reranking *j, struct hone_text doc, size_t *size)
{
    const char *instruction = j->run->instruction ? j->run->instruction : USUAL;
    const struct hone_text parts[] = {{"<Instruct>: ", 12},   {instruction, strlen(instruction)},
                                      {"\n<Query>: ", 10},    j->query,
                                      {"\n<Document>: ", 13}, doc};
    size_t n_parts = sizeof parts / sizeof *parts;
    *size = 0;
    for (size_t i = 0; i < n_parts; i++)
        *size += parts[i].size;
    char *text = malloc(*size + 1), *next = text;
    for (size_t i = 0; i < n_parts && text; i++)
        next = parts[i].size ? mempcpy(next, parts[i].data, parts[i].size) : next;
    return text;
}

/* A document that is too long, in strict mode. */
static enum hone_status refuse(struct llm_reranking *j, size_t i, size_t n_tokens, struct hone_error *err)
{
    const struct hone_run_options *run = j->run;
    struct hone_error why = {0};
    enum hone_status status = hone_fail(&why, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu",
                                        i, n_tokens, j->model->net.hp.max_length);
    if (!run->on_refused) {
        if (err)
            *err = why;
        return status;
    }
    run->on_refused(run->refused_arg, i, why.message);
    j->out[i] = NAN;
    j->stats.n_refused++;
    return HONE_OK;
}

/* Where none is refused, ids of a document have a place. */
static enum hone_status add_ids(struct llm_reranking *j, size_t i, size_t n, int32_t **ids,
                                struct hone_error *err)
{
    *ids = j->ids[j->n] = malloc((n + 1) * sizeof **ids);
    if (!*ids)
        return hone_no_memory(err, "tokens", n * sizeof **ids);
    j->place[j->n] = i;
    j->n_ids[j->n++] = n;
    return HONE_OK;
}

static enum hone_status count_cut(struct llm_reranking *j, const struct tok_encoding *e, size_t i,
                                  size_t n_around, bool *refused, struct hone_error *err)
{
    j->stats.n_invalid += e->invalid;
    *refused = e->n_full > e->n && j->model->options.strict;
    if (*refused)
        return refuse(j, i, e->n_full + n_around, err);
    j->stats.n_truncated += e->n_full > e->n;
    return HONE_OK;
}

static enum hone_status add_document(struct llm_reranking *j, const struct tok_encoding around[2], size_t i,
                                     struct hone_text doc, struct tok_encoding *e, struct hone_error *err)
{
    size_t size, n_around = around[0].n + around[1].n, max = j->model->net.hp.max_length;
    bool refused;
    int32_t *ids;
    if (max <= n_around + 1)
        return hone_fail(err, HONE_USAGE, "a context of %zu tokens is too short to judge documents", max);
    char *text = pair_text(j, doc, &size);
    if (!text)
        return hone_no_memory(err, "a document", size);
    enum hone_status status = encode(j->model, (struct hone_text){text, size}, max - n_around, e, err);
    free(text);
    if (status == HONE_OK)
        status = count_cut(j, e, i, n_around, &refused, err);
    if (status != HONE_OK || refused)
        return status;
    status = add_ids(j, i, n_around + e->n, &ids, err);
    if (status != HONE_OK)
        return status;
    ids = mempcpy(ids, around[0].ids, around[0].n * sizeof *ids);
    ids = mempcpy(ids, e->ids, e->n * sizeof *ids);
    memcpy(ids, around[1].ids, around[1].n * sizeof *ids);
    return HONE_OK;
}

/* As the model's own template, or its tokenizer, puts query and document together. */
static enum hone_status add_pair(struct llm_reranking *j, const struct hone_text *docs, size_t i,
                                 struct tok_encoding *e, struct hone_error *err)
{
    bool refused = false;
    int32_t *ids;
    struct request request = {.inputs = {.n = 1, .first = &j->query, .second = docs + i}};
    request.inputs.max_length = j->model->net.hp.max_length;
    enum hone_status status = prompts_choose(j->model, j->run->prompt, &request, err);
    if (j->run->instruction)
        request.inputs.prompt = j->run->instruction;
    if (status == HONE_OK)
        status = tokens_encode(j->model, &request.inputs, 0, e, err);
    if (status == HONE_OK)
        status = count_cut(j, e, i, 0, &refused, err);
    if (status != HONE_OK || refused)
        return status;
    status = add_ids(j, i, e->n, &ids, err);
    if (status == HONE_OK)
        memcpy(ids, e->ids, e->n * sizeof *ids);
    return status;
}

/* What all begin with, short of a whole one. */
static size_t shared_length(const struct llm_reranking *j)
{
    size_t n = j->n > 0 ? j->n_ids[0] - 1 : 0;
    for (size_t i = 1; i < j->n; i++) {
        size_t k = 0, most = j->n_ids[i] - 1 < n ? j->n_ids[i] - 1 : n;
        while (k < most && j->ids[i][k] == j->ids[0][k])
            k++;
        n = k;
    }
    return n;
}

static enum hone_status make_tokens(struct llm_reranking *j, const struct hone_text *docs, size_t n_docs,
                                    struct hone_error *err)
{
    struct tok_encoding around[2] = {{0}}, e = {0};
    bool qwens = is_qwens(j->model);
    enum hone_status status =
        encode(j->model, (struct hone_text){BEFORE, strlen(BEFORE)}, 0, &around[0], err);
    if (status == HONE_OK)
        status = encode(j->model, (struct hone_text){AFTER, strlen(AFTER)}, 0, &around[1], err);
    for (size_t i = 0; i < n_docs && status == HONE_OK; i++)
        status = qwens ? add_document(j, around, i, docs[i], &e, err) : add_pair(j, docs, i, &e, err);
    if (status == HONE_OK)
        j->n_shared = shared_length(j);
    for (size_t i = 0; i < 2; i++)
        tok_encoding_release(&around[i]);
    tok_encoding_release(&e);
    return status;
}

/* ---- judging ---- */

/* A sequence's tokens up to the first n, in pieces. */
static enum hone_status read_up_to(struct llm_reranking *j, struct kv_seq *seq, const int32_t *ids, size_t n,
                                   struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    while (status == HONE_OK && kv_seq_length(seq) < n) {
        size_t done = kv_seq_length(seq), left = n - done;
        struct step_seq step = {.kv = seq, .ids = ids + done, .n = left < STEP_TOKENS ? left : STEP_TOKENS};
        status = step_run(&j->model->stepper, &step, 1, j->logits, err);
    }
    return status;
}

static size_t longest(const struct llm_reranking *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++)
        n = j->n_ids[i] > n ? j->n_ids[i] : n;
    return n;
}

static enum hone_status read_shared(struct llm_reranking *j, struct hone_error *err)
{
    uint64_t salt = step_salt(&j->model->net, longest(j)) ^ (j->run ? j->run->partition : 0);
    enum hone_status status = kv_seq_new(j->model->stepper.kv, &j->shared, salt, j->ids[0], j->n_shared, err);
    return status == HONE_OK ? read_up_to(j, j->shared, j->ids[0], j->n_shared, err) : status;
}

/* How many documents from i on make a group. */
static size_t group_size(const struct llm_reranking *j, size_t i)
{
    size_t n = 0, n_tokens = 0;
    while (i + n < j->n && n < MAX_GROUP &&
           (n == 0 || n_tokens + j->n_ids[i + n] - j->n_shared <= MAX_TOKENS)) {
        n_tokens += j->n_ids[i + n] - j->n_shared;
        n++;
    }
    return n;
}

static enum hone_status rerank_group(struct llm_reranking *j, size_t first, size_t n, struct hone_error *err)
{
    struct step_seq steps[MAX_GROUP];
    struct kv_cache *kv = j->model->stepper.kv;
    const struct hparams *hp = &j->model->net.hp;
    size_t width = hp->n_labels > 0 ? hp->n_labels : hp->n_vocab;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        size_t n_ids = j->n_ids[first + i];
        const int32_t *ids = j->ids[first + i];
        status = kv_seq_fork(kv, j->shared, &j->forks[i], err);
        if (status == HONE_OK && n_ids - j->n_shared > MAX_TOKENS)
            status = read_up_to(j, j->forks[i], ids, n_ids - 1, err);
        size_t done = status == HONE_OK ? kv_seq_length(j->forks[i]) : 0;
        steps[i] = (struct step_seq){.kv = j->forks[i], .ids = ids + done, .n = n_ids - done, .n_logits = 1};
    }
    if (status == HONE_OK)
        status = step_run(&j->model->stepper, steps, n, j->logits, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        const float *row = j->logits + i * width;
        float odds = row[j->yes] - (j->no >= 0 ? row[j->no] : 0);
        bool raw = j->run->raw || j->model->score == SCORE_NONE;
        j->out[j->place[first + i]] = raw ? odds : 1 / (1 + expf(-odds));
    }
    for (size_t i = 0; i < n; i++) {
        kv_seq_free(kv, j->forks[i]);
        j->forks[i] = NULL;
    }
    return status;
}

static enum hone_status rerank_all(struct llm_reranking *j, struct hone_error *err)
{
    const struct hone_run_options *run = j->run;
    size_t most = 0;
    for (size_t i = 0, n; i < j->n; i += n) {
        size_t n_tokens = 0;
        n = group_size(j, i);
        for (size_t k = 0; k < n; k++)
            n_tokens += j->n_ids[i + k] - j->n_shared;
        most = n_tokens > most ? n_tokens : most;
    }
    enum hone_status status = step_cache(&j->model->stepper, j->n_shared + most, 2 * MAX_GROUP + 1, err);
    if (status == HONE_OK)
        status = read_shared(j, err);
    for (size_t i = 0, n; i < j->n && status == HONE_OK; i += n) {
        n = group_size(j, i);
        status = rerank_group(j, i, n, err);
        if (status == HONE_OK && run->on_progress &&
            !run->on_progress(run->progress_arg, j->place[i + n - 1] + 1))
            status = hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_progress");
    }
    if (j->shared)
        kv_seq_free(j->model->stepper.kv, j->shared);
    return status;
}

static void add_stats(const struct llm_reranking *j, struct hone_stats *stats)
{
    stats->n_texts += j->stats.n_texts;
    stats->n_truncated += j->stats.n_truncated;
    stats->n_invalid += j->stats.n_invalid;
    stats->n_refused += j->stats.n_refused;
    for (size_t i = 0; i < j->n; i++)
        stats->n_tokens += j->n_ids[i] - (i > 0 ? j->n_shared : 0);
}

static void release(struct llm_reranking *j)
{
    for (size_t i = 0; i < j->n; i++)
        free(j->ids[i]);
    free(j->ids);
    free(j->n_ids);
    free(j->place);
    free(j->logits);
}

enum hone_status llm_rerank(struct hone_model *model, struct hone_text query, const struct hone_text *docs,
                            size_t n_docs, const struct hone_run_options *run, float *out,
                            struct hone_stats *stats, struct hone_error *err)
{
    bool named = model->logit_score.is_there;
    if (is_qwens(model) && !run->instruction && strcmp(model->net.arch->name, "qwen3") != 0)
        return hone_fail(
            err, HONE_USAGE,
            "%s does not say how it judges documents; --instruction says what they are judged by",
            model->path);
    struct llm_reranking j = {.model = model,
                              .run = run,
                              .out = out,
                              .query = query,
                              .yes = named ? model->logit_score.yes : answer(model, "yes"),
                              .no = named ? model->logit_score.no : answer(model, "no"),
                              .stats = {.n_texts = n_docs}};
    enum hone_status status = HONE_OK;
    j.ids = calloc(n_docs + 1, sizeof *j.ids);
    j.n_ids = calloc(n_docs + 1, sizeof *j.n_ids);
    j.place = calloc(n_docs + 1, sizeof *j.place);
    j.logits = malloc(MAX_GROUP * model->net.hp.n_vocab * sizeof *j.logits);
    if (!j.ids || !j.n_ids || !j.place || !j.logits)
        status = hone_no_memory(err, "documents", n_docs * sizeof *j.ids);
    pthread_mutex_lock(&model->lock);
    if (status == HONE_OK)
        status = make_tokens(&j, docs, n_docs, err);
    if (status == HONE_OK && j.n > 0)
        status = rerank_all(&j, err);
    pthread_mutex_unlock(&model->lock);
    if (stats)
        add_stats(&j, stats);
    release(&j);
    return status;
}
