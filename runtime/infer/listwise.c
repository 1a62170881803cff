#include "runtime/infer/listwise.h"

#include "runtime/base/buffer.h"
#include "runtime/infer/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the model's own code writes around texts. What follows the query's marker there is left out: no token before it sees it. */
#define BEFORE                                                                                               \
    "<|im_start|>system\nYou are a search relevance expert who can determine a ranking of the passages "     \
    "based on how relevant they are to the query. If the query is a question, how relevant a passage is "    \
    "depends on how well it answers the question. If not, try to analyze the intent of the query and "       \
    "assess how well each passage satisfies the intent. If an instruction is provided, you should follow "   \
    "the instruction when determining the ranking.<|im_end|>\n<|im_start|>user\n"
#define QUERY_MARKER    "<|rerank_token|>"
#define DOCUMENT_MARKER "<|embed_token|>"

#define MAX_DOCUMENTS 125 /* in a prompt */

/* A document, or the query, as it is read: cut, and without markers. */
struct passage {
    char *text;
    size_t size, n_tokens; /* before markers were taken out */
    size_t doc;            /* its place in the ask */
};

/* Documents that are read together. */
struct listwise_block {
    size_t first, end;
    struct tok_encoding prompt;
    float weight; /* of what becomes of the query here */
};

struct listwise {
    struct hone_model *model;
    const struct llm_rerank_ask *ask;
    struct passage query;
    struct passage *docs; /* [n] */
    size_t n;
    struct listwise_block *blocks; /* [n_blocks] */
    size_t n_blocks, width;
    int32_t query_marker, document_marker;
    float *vectors, *queries; /* [n, width], [n_blocks, width] */
    size_t *n_own;            /* [n]: tokens up to a document's marker, from the one before it on */
    struct hone_stats stats;
};

static int32_t marker(const struct hone_model *model, const char *name)
{
    return tokenizer_id(model->tokenizer, (struct hone_text){name, strlen(name)});
}

bool listwise_can(const struct hone_model *model)
{
    return model->net.hp.head == HEAD_LISTWISE;
}

enum hone_status listwise_check(const struct hone_model *model, struct hone_error *err)
{
    const struct net *m = &model->net;
    const bool computes =
        m->arch->causal && !m->hp.two_sided && m->hp.pooling == POOL_TOKENS && m->hp.n_labels == 0;
    if (!listwise_can(model))
        return HONE_OK;
    if (!computes || m->weights.n_steps == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: hone.head is listwise: expected a causal model with a vector of each token, "
                         "hone.modules, and no labels",
                         model->path ? model->path : gguf_path(m->gguf));
    if (marker(model, QUERY_MARKER) >= 0 && marker(model, DOCUMENT_MARKER) >= 0)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: a listwise reranker whose vocabulary has no token %s, or no %s", gguf_path(m->gguf),
                     QUERY_MARKER, DOCUMENT_MARKER);
}

/* ---- texts ---- */

static void take_out(char *text, size_t *size, const char *word)
{
    const size_t n = strlen(word);
    char *at;
    while (*size >= n && (at = memmem(text, *size, word, n))) {
        memmove(at, at + n, *size - (size_t)(at - text) - n);
        *size -= n;
    }
}

/* Markers that are written in a text would be taken for those of the prompt. Taking one out may leave another. */
static void take_out_markers(struct passage *p)
{
    size_t before;
    do {
        before = p->size;
        take_out(p->text, &p->size, QUERY_MARKER);
        take_out(p->text, &p->size, DOCUMENT_MARKER);
    } while (p->size < before);
}

static enum hone_status failure(struct hone_error *err, const struct hone_error *why)
{
    return hone_fail(err, why->status, "%s", why->message);
}

/* A text of at most `most` tokens; one that is as long or longer is what its tokens stand for. *n_full: tokens that it had. */
static enum hone_status read_text(struct listwise *l, struct hone_text text, size_t most, struct passage *out,
                                  size_t *n_full, struct hone_error *err)
{
    struct hone_error why = {0};
    struct tok_encoding e = {0};
    struct tok_options options = {
        .add_special = true, .max_length = most, .may_stop = !l->model->options.strict};
    bool ok = tokenizer_encode(l->model->tokenizer, text, NULL, &options, &e, &why);
    out->n_tokens = e.n;
    *n_full = e.n_full;
    l->stats.n_invalid += ok && e.invalid;
    if (ok && e.n >= most)
        ok = tokenizer_decode(l->model->tokenizer, e.ids, e.n, false, &out->text, &out->size, &why);
    else if (ok && (out->text = malloc(text.size + 1))) {
        out->size = text.size;
        if (text.size)
            memcpy(out->text, text.data, text.size);
    }
    tok_encoding_release(&e);
    if (!ok)
        return failure(err, &why);
    if (!out->text)
        return hone_no_memory(err, "a text", text.size);
    take_out_markers(out);
    return HONE_OK;
}

static size_t limit(const struct listwise *l, size_t own)
{
    const size_t most = l->model->net.hp.max_length;
    return own > 0 && own < most ? own : most;
}

static enum hone_status refuse(struct listwise *l, size_t i, size_t n_tokens, size_t most,
                               struct hone_error *err)
{
    const struct hone_run_options *run = l->ask->run;
    struct hone_error why = {0};
    hone_fail(&why, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu", i, n_tokens, most);
    if (!run->on_refused)
        return failure(err, &why);
    run->on_refused(run->refused_arg, i, why.message);
    l->ask->out[i] = NAN;
    l->stats.n_refused++;
    return HONE_OK;
}

static enum hone_status read_query(struct listwise *l, struct hone_error *err)
{
    const size_t most = limit(l, l->model->multi.query_length);
    size_t n_full;
    enum hone_status status = read_text(l, l->ask->query, most, &l->query, &n_full, err);
    if (status == HONE_OK && n_full > l->query.n_tokens && l->model->options.strict)
        return hone_fail(err, HONE_REFUSED, "the query has %zu tokens, expected at most %zu", n_full, most);
    return status;
}

/* One more document, unless it is refused. */
static enum hone_status read_document(struct listwise *l, size_t i, struct hone_error *err)
{
    const size_t most = limit(l, l->model->multi.document_length);
    struct passage *p = &l->docs[l->n];
    size_t n_full;
    p->doc = i;
    enum hone_status status = read_text(l, l->ask->docs[i], most, p, &n_full, err);
    if (status != HONE_OK)
        return status;
    const bool cut = n_full > p->n_tokens;
    if (cut && l->model->options.strict) {
        free(p->text);
        p->text = NULL;
        return refuse(l, i, n_full, most, err);
    }
    l->stats.n_truncated += cut;
    if (l->ask->truncated)
        l->ask->truncated[i] = cut;
    l->n++;
    return HONE_OK;
}

static enum hone_status read_texts(struct listwise *l, struct hone_error *err)
{
    enum hone_status status = read_query(l, err);
    for (size_t i = 0; i < l->ask->n_docs && status == HONE_OK; i++)
        status = read_document(l, i, err);
    return status;
}

/* ---- blocks ---- */

/* As the model's own code has it: a prompt is full when another document of full length might not fit. The query stands in it
 * twice; that there are words around the texts is not reckoned, since the last document leaves room for them. */
static void part(struct listwise *l)
{
    const int64_t most = (int64_t)limit(l, l->model->multi.document_length),
                  room = (int64_t)l->model->net.hp.max_length - 2 * (int64_t)l->query.n_tokens;
    int64_t left = room;
    size_t first = 0;
    for (size_t i = 0; i < l->n; i++) {
        left -= (int64_t)l->docs[i].n_tokens;
        if (i + 1 - first < MAX_DOCUMENTS && left > most && i + 1 < l->n)
            continue;
        l->blocks[l->n_blocks++] = (struct listwise_block){.first = first, .end = i + 1};
        first = i + 1;
        left = room;
    }
}

static void put(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

static void put_number(struct buffer *b, size_t n)
{
    char digits[24];
    buffer_append(b, digits, (size_t)snprintf(digits, sizeof digits, "%zu", n));
}

static void write_prompt(const struct listwise *l, const struct listwise_block *block, struct buffer *b)
{
    const char *instruction = l->ask->run->instruction;
    put(b, BEFORE "I will provide you with ");
    put_number(b, block->end - block->first);
    put(b,
        " passages, each indicated by a numerical identifier. Rank the passages based on their relevance to "
        "query: ");
    buffer_append(b, l->query.text, l->query.size);
    put(b, "\n");
    if (instruction && *instruction) {
        put(b, "<instruct>\n");
        put(b, instruction);
        put(b, "\n</instruct>\n");
    }
    for (size_t i = block->first; i < block->end; i++) {
        put(b, "<passage id=\"");
        put_number(b, i - block->first);
        put(b, "\">\n");
        buffer_append(b, l->docs[i].text, l->docs[i].size);
        put(b, DOCUMENT_MARKER "\n</passage>\n");
    }
    put(b, "<query>\n");
    buffer_append(b, l->query.text, l->query.size);
    put(b, QUERY_MARKER "\n</query>");
}

/* Ends the prompt with the query's marker, before which there should be one of each document. */
static enum hone_status find_markers(const struct listwise *l, struct listwise_block *block,
                                     struct hone_error *err)
{
    size_t n = 0, last = 0;
    struct tok_encoding *e = &block->prompt;
    for (size_t t = 0; t < e->n && e->ids[t] != l->query_marker; t++)
        if (e->ids[t] == l->document_marker) {
            if (block->first + n < block->end)
                l->n_own[block->first + n] = t + 1 - last;
            last = t + 1;
            n++;
        }
    size_t end = last;
    while (end < e->n && e->ids[end] != l->query_marker)
        end++;
    if (end == e->n || n != block->end - block->first)
        return hone_fail(
            err, HONE_USAGE,
            "%s: a prompt of %zu documents has %zu markers of them before the query's, or none of "
            "that: the instruction must not have any",
            l->model->path, block->end - block->first, n);
    l->n_own[block->end - 1] += end + 1 - last;
    e->n = end + 1;
    return HONE_OK;
}

static enum hone_status encode_block(const struct listwise *l, struct listwise_block *block,
                                     struct hone_error *err)
{
    struct buffer b = {0};
    struct hone_error why = {0};
    struct tok_options options = {.add_special = true};
    write_prompt(l, block, &b);
    bool ok = !b.failed && tokenizer_encode(l->model->tokenizer, (struct hone_text){b.data, b.size}, NULL,
                                            &options, &block->prompt, &why);
    const bool full = b.failed;
    buffer_release(&b);
    if (full)
        return hone_no_memory(err, "a prompt", b.size);
    return ok ? find_markers(l, block, err) : failure(err, &why);
}

/* ---- vectors ---- */

static float cosine(const struct listwise *l, const float *a, const float *b)
{
    const struct kernels *k = l->model->net.kernels;
    const float lengths = sqrtf(k->dot(a, a, l->width)) * sqrtf(k->dot(b, b, l->width));
    return k->dot(a, b, l->width) / fmaxf(lengths, 1e-12f);
}

struct kept {
    struct listwise *list;
    struct listwise_block *block;
};

/* Of a prompt's tokens those of the markers. */
static void keep(void *arg, size_t i, const float *rows, size_t n_rows)
{
    const struct kept *kept = arg;
    struct listwise *l = kept->list;
    struct listwise_block *block = kept->block;
    const struct tok_encoding *e = &block->prompt;
    float *query = l->queries + (size_t)(block - l->blocks) * l->width;
    size_t doc = block->first;
    float best = -1;
    (void)i;
    if (!rows || n_rows != e->n)
        return;
    memcpy(query, rows + (n_rows - 1) * l->width, l->width * sizeof *query);
    for (size_t t = 0; t + 1 < n_rows; t++)
        if (e->ids[t] == l->document_marker)
            memcpy(l->vectors + doc++ * l->width, rows + t * l->width, l->width * sizeof *query);
    for (size_t d = block->first; d < block->end; d++)
        best = fmaxf(best, cosine(l, query, l->vectors + d * l->width));
    block->weight = (1 + best) / 2;
}

/* One prompt after the other: each keeps all threads busy, and only its own activations are in the memory. */
static enum hone_status compute(struct listwise *l, struct hone_error *err)
{
    const struct hone_run_options *run = l->ask->run;
    enum hone_status status = HONE_OK;
    for (size_t k = 0; k < l->n_blocks && status == HONE_OK; k++) {
        struct listwise_block *block = &l->blocks[k];
        struct kept kept = {l, block};
        struct hone_stats stats = {0};
        struct request request = {
            .inputs = {.n = 1}, .output = OUTPUT_TOKENS, .n_dims = l->width, .sink = keep, .arg = &kept};
        struct token_run tokens = {.ids = NULL};
        status = encode_block(l, block, err);
        tokens.ids = block->prompt.ids;
        tokens.type_ids = block->prompt.type_ids;
        tokens.n = tokens.n_full = block->prompt.n;
        if (status == HONE_OK)
            status = engine_compute(l->model, &request, &tokens, &stats, err);
        l->stats.n_tokens += stats.n_tokens;
        tok_encoding_release(&block->prompt);
        block->prompt = (struct tok_encoding){0};
        if (status == HONE_OK && run->on_progress &&
            !run->on_progress(run->progress_arg, l->docs[block->end - 1].doc + 1))
            status = hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_progress");
    }
    return status;
}

/* All documents are compared with one vector: the mean of the query's, weighed by the best cosine in its prompt. */
static void score(struct listwise *l)
{
    float sum = 0, *query = l->queries;
    for (size_t k = 0; k < l->n_blocks; k++)
        sum += l->blocks[k].weight;
    for (size_t j = 0; j < l->width && l->n_blocks > 1; j++) {
        double x = 0;
        for (size_t k = 0; k < l->n_blocks; k++)
            x += (double)l->blocks[k].weight * (double)l->queries[k * l->width + j];
        query[j] = (float)(sum > 0 ? x / (double)sum : 0);
    }
    for (size_t i = 0; i < l->n; i++) {
        const size_t doc = l->docs[i].doc;
        l->ask->out[doc] = cosine(l, query, l->vectors + i * l->width);
        if (l->ask->n_tokens)
            l->ask->n_tokens[doc] = (uint32_t)l->n_own[i];
    }
}

/* ---- all of it ---- */

static enum hone_status allocate(struct listwise *l, struct hone_error *err)
{
    const size_t n = l->ask->n_docs + 1;
    l->docs = calloc(n, sizeof *l->docs);
    l->blocks = calloc(n, sizeof *l->blocks);
    l->n_own = calloc(n, sizeof *l->n_own);
    return l->docs && l->blocks && l->n_own ? HONE_OK : hone_no_memory(err, "documents", n * sizeof *l->docs);
}

static enum hone_status allocate_vectors(struct listwise *l, struct hone_error *err)
{
    l->vectors = calloc(l->n + 1, l->width * sizeof *l->vectors);
    l->queries = calloc(l->n_blocks + 1, l->width * sizeof *l->queries);
    return l->vectors && l->queries ? HONE_OK
                                    : hone_no_memory(err, "vectors", l->n * l->width * sizeof *l->vectors);
}

static void release(struct listwise *l)
{
    free(l->query.text);
    for (size_t i = 0; i <= l->n && l->docs; i++)
        free(l->docs[i].text);
    free(l->docs);
    free(l->blocks);
    free(l->n_own);
    free(l->vectors);
    free(l->queries);
}

enum hone_status listwise_rank(struct hone_model *model, const struct llm_rerank_ask *ask,
                               struct hone_stats *stats, struct hone_error *err)
{
    struct listwise l = {.model = model,
                         .ask = ask,
                         .width = model->net.hp.n_out,
                         .query_marker = marker(model, QUERY_MARKER),
                         .document_marker = marker(model, DOCUMENT_MARKER),
                         .stats = {.n_texts = ask->n_docs}};
    enum hone_status status = model_check_computes(model, err);
    if (status == HONE_OK)
        status = allocate(&l, err);
    if (status == HONE_OK)
        status = read_texts(&l, err);
    if (status == HONE_OK) {
        part(&l);
        status = allocate_vectors(&l, err);
    }
    if (status == HONE_OK)
        status = compute(&l, err);
    if (status == HONE_OK)
        score(&l);
    if (stats) {
        stats->n_texts += l.stats.n_texts;
        stats->n_tokens += l.stats.n_tokens;
        stats->n_truncated += l.stats.n_truncated;
        stats->n_invalid += l.stats.n_invalid;
        stats->n_refused += l.stats.n_refused;
    }
    release(&l);
    return status;
}
