#include "runtime/infer/llm_rerank.h"

#include "runtime/infer/listwise.h"
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

/* A document that is judged; refused ones are not among them. */
struct judged {
    int32_t *ids; /* [n_ids], with all that is around it */
    size_t n_ids, ask, doc;
};

/* What the documents of one ask have in front. */
struct common {
    size_t n;           /* tokens */
    size_t first, last; /* of the documents, which lie between */
    struct kv_seq *seq; /* while a group needs it */
};

struct llm_reranking {
    struct hone_model *model;
    const struct llm_rerank_ask *asks; /* [n_asks] */
    size_t n_asks;
    struct common *commons; /* [n_asks] */
    struct judged *docs;    /* [n] by ask */
    size_t n;
    struct kv_seq *forks[MAX_GROUP];
    float *logits;
    int32_t yes, no;
    struct hone_stats stats;
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
    if (listwise_can(model))
        return true;
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
static char *pair_text(const struct llm_rerank_ask *ask, struct hone_text doc, size_t *size)
{
    const char *instruction = ask->run->instruction ? ask->run->instruction : USUAL;
    const struct hone_text parts[] = {{"<Instruct>: ", 12},   {instruction, strlen(instruction)},
                                      {"\n<Query>: ", 10},    ask->query,
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
static enum hone_status refuse(struct llm_reranking *j, const struct llm_rerank_ask *ask, size_t i,
                               size_t n_tokens, struct hone_error *err)
{
    const struct hone_run_options *run = ask->run;
    struct hone_error why = {0};
    enum hone_status status = hone_fail(&why, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu",
                                        i, n_tokens, j->model->net.hp.max_length);
    if (!run->on_refused) {
        if (err)
            *err = why;
        return status;
    }
    run->on_refused(run->refused_arg, i, why.message);
    ask->out[i] = NAN;
    j->stats.n_refused++;
    return HONE_OK;
}

/* A document more, with room for its ids; it has its place where none is refused. */
static enum hone_status add_ids(struct llm_reranking *j, const struct llm_rerank_ask *ask, size_t i, size_t n,
                                int32_t **ids, struct hone_error *err)
{
    *ids = malloc((n + 1) * sizeof **ids);
    if (!*ids)
        return hone_no_memory(err, "tokens", n * sizeof **ids);
    j->docs[j->n++] = (struct judged){*ids, n, (size_t)(ask - j->asks), i};
    if (ask->n_tokens)
        ask->n_tokens[i] = (uint32_t)n;
    return HONE_OK;
}

static enum hone_status count_cut(struct llm_reranking *j, const struct llm_rerank_ask *ask,
                                  const struct tok_encoding *e, size_t i, size_t n_around, bool *refused,
                                  struct hone_error *err)
{
    bool cut = e->n_full > e->n;
    j->stats.n_invalid += e->invalid;
    *refused = cut && j->model->options.strict;
    if (*refused)
        return refuse(j, ask, i, e->n_full + n_around, err);
    j->stats.n_truncated += cut;
    if (ask->truncated)
        ask->truncated[i] = cut;
    return HONE_OK;
}

static enum hone_status add_document(struct llm_reranking *j, const struct llm_rerank_ask *ask,
                                     const struct tok_encoding around[2], size_t i, struct tok_encoding *e,
                                     struct hone_error *err)
{
    size_t size, n_around = around[0].n + around[1].n, max = j->model->net.hp.max_length;
    bool refused;
    int32_t *ids;
    if (max <= n_around + 1)
        return hone_fail(err, HONE_USAGE, "a context of %zu tokens is too short to judge documents", max);
    char *text = pair_text(ask, ask->docs[i], &size);
    if (!text)
        return hone_no_memory(err, "a document", size);
    enum hone_status status = encode(j->model, (struct hone_text){text, size}, max - n_around, e, err);
    free(text);
    if (status == HONE_OK)
        status = count_cut(j, ask, e, i, n_around, &refused, err);
    if (status != HONE_OK || refused)
        return status;
    status = add_ids(j, ask, i, n_around + e->n, &ids, err);
    if (status != HONE_OK)
        return status;
    ids = mempcpy(ids, around[0].ids, around[0].n * sizeof *ids);
    ids = mempcpy(ids, e->ids, e->n * sizeof *ids);
    memcpy(ids, around[1].ids, around[1].n * sizeof *ids);
    return HONE_OK;
}

/* As the model's own template, or its tokenizer, puts query and document together. */
static enum hone_status add_pair(struct llm_reranking *j, const struct llm_rerank_ask *ask, size_t i,
                                 struct tok_encoding *e, struct hone_error *err)
{
    bool refused = false;
    int32_t *ids;
    struct request request = {.inputs = {.n = 1, .first = &ask->query, .second = ask->docs + i}};
    request.inputs.max_length = j->model->net.hp.max_length;
    enum hone_status status = prompts_choose(j->model, ask->run->prompt, &request, err);
    if (ask->run->instruction)
        request.inputs.prompt = ask->run->instruction;
    if (status == HONE_OK)
        status = tokens_encode(j->model, &request.inputs, 0, e, err);
    if (status == HONE_OK)
        status = count_cut(j, ask, e, i, 0, &refused, err);
    if (status != HONE_OK || refused)
        return status;
    status = add_ids(j, ask, i, e->n, &ids, err);
    if (status == HONE_OK)
        memcpy(ids, e->ids, e->n * sizeof *ids);
    return status;
}

/* What all of an ask begin with, short of a whole one. One alone shares nothing: it is computed with those of others. */
static size_t shared_length(const struct judged *docs, size_t n_docs)
{
    size_t n = n_docs > 1 ? docs[0].n_ids - 1 : 0;
    for (size_t i = 1; i < n_docs; i++) {
        size_t k = 0, most = docs[i].n_ids - 1 < n ? docs[i].n_ids - 1 : n;
        while (k < most && docs[i].ids[k] == docs[0].ids[k])
            k++;
        n = k;
    }
    return n;
}

static enum hone_status make_tokens(struct llm_reranking *j, struct hone_error *err)
{
    struct tok_encoding around[2] = {{0}}, e = {0};
    bool qwens = is_qwens(j->model);
    enum hone_status status =
        encode(j->model, (struct hone_text){BEFORE, strlen(BEFORE)}, 0, &around[0], err);
    if (status == HONE_OK)
        status = encode(j->model, (struct hone_text){AFTER, strlen(AFTER)}, 0, &around[1], err);
    for (size_t a = 0; a < j->n_asks && status == HONE_OK; a++) {
        const struct llm_rerank_ask *ask = &j->asks[a];
        struct common *c = &j->commons[a];
        c->first = j->n;
        for (size_t i = 0; i < ask->n_docs && status == HONE_OK; i++)
            status = qwens ? add_document(j, ask, around, i, &e, err) : add_pair(j, ask, i, &e, err);
        c->last = j->n;
        c->n = shared_length(&j->docs[c->first], c->last - c->first);
    }
    for (size_t i = 0; i < 2; i++)
        tok_encoding_release(&around[i]);
    tok_encoding_release(&e);
    return status;
}

/* ---- judging ---- */

static size_t own_length(const struct llm_reranking *j, size_t i)
{
    return j->docs[i].n_ids - j->commons[j->docs[i].ask].n;
}

static uint64_t salt_of(const struct llm_reranking *j, size_t ask)
{
    const struct common *c = &j->commons[ask];
    size_t longest = 0;
    for (size_t i = c->first; i < c->last; i++)
        longest = j->docs[i].n_ids > longest ? j->docs[i].n_ids : longest;
    return step_salt(&j->model->net, longest) ^ j->asks[ask].run->partition;
}

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

/* How many documents from i on make a group; *n_tokens: of all of it, with what they have in front. */
static size_t group_size(const struct llm_reranking *j, size_t i, size_t *n_tokens)
{
    size_t n = 0, n_own = 0, n_common = 0;
    while (i + n < j->n && n < MAX_GROUP && (n == 0 || n_own + own_length(j, i + n) <= MAX_TOKENS)) {
        bool first = n == 0 || j->docs[i + n].ask != j->docs[i + n - 1].ask;
        n_common += first ? j->commons[j->docs[i + n].ask].n : 0;
        n_own += own_length(j, i + n++);
    }
    *n_tokens = n_own + n_common;
    return n;
}

/* The sequence of document i as far as it is there already: what it has in front, or what is known of it. */
static enum hone_status begin(struct llm_reranking *j, size_t i, struct kv_seq **out, struct hone_error *err)
{
    const struct judged *d = &j->docs[i];
    struct common *c = &j->commons[d->ask];
    struct kv_cache *kv = j->model->stepper.kv;
    enum hone_status status = HONE_OK;
    if (c->n == 0)
        return kv_seq_new(kv, out, salt_of(j, d->ask), d->ids, d->n_ids, err);
    if (!c->seq) {
        status = kv_seq_new(kv, &c->seq, salt_of(j, d->ask), d->ids, c->n, err);
        if (status == HONE_OK)
            status = read_up_to(j, c->seq, d->ids, c->n, err);
    }
    return status == HONE_OK ? kv_seq_fork(kv, c->seq, out, err) : status;
}

static void note(struct llm_reranking *j, const struct judged *d, const float *row)
{
    const struct llm_rerank_ask *ask = &j->asks[d->ask];
    float odds = row[j->yes] - (j->no >= 0 ? row[j->no] : 0);
    bool raw = ask->run->raw || j->model->score == SCORE_NONE;
    ask->out[d->doc] = raw ? odds : 1 / (1 + expf(-odds));
}

static enum hone_status rerank_group(struct llm_reranking *j, size_t first, size_t n, struct hone_error *err)
{
    struct step_seq steps[MAX_GROUP];
    struct kv_cache *kv = j->model->stepper.kv;
    const struct hparams *hp = &j->model->net.hp;
    size_t width = hp->n_labels > 0 ? hp->n_labels : hp->n_vocab;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        const struct judged *d = &j->docs[first + i];
        status = begin(j, first + i, &j->forks[i], err);
        if (status == HONE_OK && own_length(j, first + i) > MAX_TOKENS)
            status = read_up_to(j, j->forks[i], d->ids, d->n_ids - 1, err);
        size_t done = status == HONE_OK ? kv_seq_length(j->forks[i]) : 0;
        steps[i] =
            (struct step_seq){.kv = j->forks[i], .ids = d->ids + done, .n = d->n_ids - done, .n_logits = 1};
    }
    if (status == HONE_OK)
        status = step_run(&j->model->stepper, steps, n, j->logits, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        note(j, &j->docs[first + i], j->logits + i * width);
    for (size_t i = 0; i < n; i++) {
        kv_seq_free(kv, j->forks[i]);
        j->forks[i] = NULL;
    }
    return status;
}

/* What no document behind these needs any more. */
static void end_commons(struct llm_reranking *j, size_t done)
{
    for (size_t a = 0; a < j->n_asks; a++) {
        if (j->commons[a].last > done || !j->commons[a].seq)
            continue;
        kv_seq_free(j->model->stepper.kv, j->commons[a].seq);
        j->commons[a].seq = NULL;
    }
}

static enum hone_status rerank_all(struct llm_reranking *j, struct hone_error *err)
{
    const struct hone_run_options *run = j->asks[0].run;
    size_t most = 0;
    for (size_t i = 0, n_tokens; i < j->n;) {
        i += group_size(j, i, &n_tokens);
        most = n_tokens > most ? n_tokens : most;
    }
    /* Each has blocks that are not full: a copy of the one that it shares, and its last. */
    enum hone_status status = step_cache(&j->model->stepper, most, 3 * MAX_GROUP + 1, err);
    for (size_t i = 0, n, n_tokens; i < j->n && status == HONE_OK; i += n) {
        n = group_size(j, i, &n_tokens);
        status = rerank_group(j, i, n, err);
        end_commons(j, i + n);
        if (status == HONE_OK && run->on_progress &&
            !run->on_progress(run->progress_arg, j->docs[i + n - 1].doc + 1))
            status = hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_progress");
    }
    end_commons(j, SIZE_MAX);
    return status;
}

static void add_stats(const struct llm_reranking *j, struct hone_stats *stats)
{
    stats->n_texts += j->stats.n_texts;
    stats->n_truncated += j->stats.n_truncated;
    stats->n_invalid += j->stats.n_invalid;
    stats->n_refused += j->stats.n_refused;
    for (size_t i = 0; i < j->n; i++)
        stats->n_tokens += i == j->commons[j->docs[i].ask].first ? j->docs[i].n_ids : own_length(j, i);
}

static void release(struct llm_reranking *j)
{
    for (size_t i = 0; i < j->n; i++)
        free(j->docs[i].ids);
    free(j->docs);
    free(j->commons);
    free(j->logits);
}

static enum hone_status rank_lists(struct hone_model *model, const struct llm_rerank_ask *asks, size_t n_asks,
                                   struct hone_stats *stats, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    pthread_mutex_lock(&model->lock);
    for (size_t i = 0; i < n_asks && status == HONE_OK; i++)
        status = listwise_rank(model, &asks[i], stats, err);
    pthread_mutex_unlock(&model->lock);
    return status;
}

enum hone_status llm_rerank(struct hone_model *model, const struct llm_rerank_ask *asks, size_t n_asks,
                            struct hone_stats *stats, struct hone_error *err)
{
    bool named = model->logit_score.is_there;
    struct llm_reranking j = {.model = model,
                              .asks = asks,
                              .n_asks = n_asks,
                              .yes = named ? model->logit_score.yes : answer(model, "yes"),
                              .no = named ? model->logit_score.no : answer(model, "no")};
    enum hone_status status = HONE_OK;
    if (listwise_can(model))
        return rank_lists(model, asks, n_asks, stats, err);
    for (size_t i = 0; i < n_asks; i++) {
        if (is_qwens(model) && !asks[i].run->instruction && strcmp(model->net.arch->name, "qwen3") != 0)
            return hone_fail(
                err, HONE_USAGE,
                "%s does not say how it judges documents; --instruction says what they are judged by",
                model->path);
        j.stats.n_texts += asks[i].n_docs;
    }
    j.docs = calloc(j.stats.n_texts + 1, sizeof *j.docs);
    j.commons = calloc(n_asks, sizeof *j.commons);
    j.logits = malloc(MAX_GROUP * model->net.hp.n_vocab * sizeof *j.logits);
    if (!j.docs || !j.commons || !j.logits)
        status = hone_no_memory(err, "documents", j.stats.n_texts * sizeof *j.docs);
    pthread_mutex_lock(&model->lock);
    if (status == HONE_OK)
        status = make_tokens(&j, err);
    if (status == HONE_OK && j.n > 0)
        status = rerank_all(&j, err);
    pthread_mutex_unlock(&model->lock);
    if (stats)
        add_stats(&j, stats);
    release(&j);
    return status;
}
