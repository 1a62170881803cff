#include "runtime/infer/tokens.h"

#include "runtime/base/text.h"
#include "runtime/base/thread_pool.h"
#include "runtime/base/utf8.h"
#include "runtime/infer/pair_template.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool append(struct token_block *b, const struct tok_encoding *e)
{
    if (!e->n)
        return true;
    if (e->n > b->capacity - b->n) {
        size_t capacity = 2 * (b->n + e->n) + 256;
        int32_t *ids = realloc(b->ids, capacity * sizeof *ids);
        b->ids = ids ? ids : b->ids;
        uint8_t *type_ids = ids ? realloc(b->type_ids, capacity) : NULL;
        b->type_ids = type_ids ? type_ids : b->type_ids;
        if (!type_ids)
            return false;
        b->capacity = capacity;
    }
    memcpy(b->ids + b->n, e->ids, e->n * sizeof *e->ids);
    memcpy(b->type_ids + b->n, e->type_ids, e->n);
    b->n += e->n;
    return true;
}

/* prompt + text, to be freed. */
static char *with_prompt(const char *prompt, struct hone_text text, size_t *size)
{
    size_t prefix = strlen(prompt);
    char *joined = malloc(prefix + text.size + 1);
    if (!joined)
        return NULL;
    memcpy(joined, prompt, prefix);
    text_put(joined + prefix, text);
    *size = prefix + text.size;
    return joined;
}

/* Leaves out each token `id`. */
static void drop(struct tok_encoding *e, int32_t id)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        if (e->ids[i] != id) {
            e->ids[n] = e->ids[i];
            e->type_ids[n++] = e->type_ids[i];
        }
    e->n_full -= e->n - n;
    e->n = n;
}

/* Bytes of its first n characters. */
static size_t size_of_characters(struct hone_text text, size_t n)
{
    size_t at = 0, bytes;
    for (; at < text.size && n > 0; at += bytes, n--)
        utf8_character(text.data + at, text.size - at, &bytes);
    return at;
}

enum hone_status tokens_encode(const struct hone_model *model, const struct inputs *in, size_t i,
                               struct tok_encoding *e, struct hone_error *err)
{
    struct hone_text first = in->first[in->same_first ? 0 : i];
    struct hone_text a = {first.data, first.size}, b = {0};
    struct tok_options options = {.add_special = !in->no_special && !model->net.hp.bare_texts,
                                  .max_length = in->max_length,
                                  .may_stop = in->may_stop,
                                  .truncation = in->truncation,
                                  .side = in->cut};
    char *joined = NULL;
    struct hone_error why = {0};
    if (in->second && model->pairs)
        return pair_template_encode(model, &(struct pair){in->prompt, first, in->second[i]}, in->max_length,
                                    e, err);
    if (in->prompt && *in->prompt) {
        a.data = joined = with_prompt(in->prompt, first, &a.size);
        if (!joined)
            return hone_no_memory(err, "a text with its prompt", first.size);
    }
    const size_t most = model->net.hp.max_characters, whole = a.size;
    if (most > 0 && in->max_length > 0 && a.size > most)
        a.size = size_of_characters(a, most);
    if (in->second)
        b = (struct hone_text){in->second[i].data, in->second[i].size};
    bool ok = tokenizer_encode(model->tokenizer, a, in->second ? &b : NULL, &options, e, &why);
    free(joined);
    if (ok && a.size < whole && e->n_full == e->n)
        e->n_full++; /* how many more there would be, nobody knows */
    if (ok && model->net.hp.drops)
        drop(e, model->net.hp.dropped);
    return ok ? HONE_OK : hone_fail(err, why.status, "text %zu: %s", i, why.message);
}

/* Behind what was appended last. */
static bool fill_up(struct token_block *block, struct token_run *run, const struct inputs *in)
{
    int32_t id = in->filler;
    uint8_t type = 0;
    const struct tok_encoding one = {.ids = &id, .type_ids = &type, .n = 1};
    bool ok = true;
    while (ok && run->n < in->fill_to) {
        ok = append(block, &one);
        run->n++;
        run->n_unseen += in->fill_unseen;
        run->n_full = run->n_full < run->n ? run->n : run->n_full;
    }
    return ok;
}

static enum hone_status make_one(struct tokens *t, const struct hone_model *model, const struct inputs *in,
                                 size_t i, size_t thread, struct tok_encoding *e, struct hone_error *err)
{
    struct token_block *block = &t->blocks[thread];
    enum hone_status status = tokens_encode(model, in, i, e, err);
    if (status != HONE_OK)
        return status;
    t->runs[i] = (struct token_run){.n = e->n,
                                    .n_full = e->n_full,
                                    .task = in->task,
                                    .invalid = e->invalid,
                                    .block = thread,
                                    .start = block->n};
    if (!append(block, e) || !fill_up(block, &t->runs[i], in))
        return hone_no_memory(err, "token ids", (block->n + e->n) * sizeof *block->ids);
    return HONE_OK;
}

struct making {
    struct tokens *tokens;
    const struct hone_model *model;
    const struct inputs *inputs;
    struct tok_encoding *encodings; /* a thread's each */
    pthread_mutex_t *lock;          /* of *err */
    struct hone_error *err;
};

static void make_piece(const void *arg, struct work_range texts)
{
    const struct making *m = arg;
    for (size_t i = texts.first; i < texts.end; i++) {
        struct hone_error err = {0};
        if (make_one(m->tokens, m->model, m->inputs, i, texts.thread, &m->encodings[texts.thread], &err) ==
            HONE_OK)
            continue;
        pthread_mutex_lock(m->lock);
        *m->err = err;
        pthread_mutex_unlock(m->lock);
    }
}

enum hone_status tokens_make(struct tokens *out, const struct hone_model *model, const struct inputs *in,
                             struct tok_encoding *encodings, int n_threads, struct hone_error *err)
{
    n_threads = in->n > 8 ? n_threads : 1;
    *out = (struct tokens){.n = in->n, .n_blocks = (size_t)n_threads};
    out->runs = calloc(in->n + 1, sizeof *out->runs);
    out->blocks = calloc((size_t)n_threads, sizeof *out->blocks);
    if (!out->runs || !out->blocks)
        return hone_no_memory(err, "token ids", in->n * sizeof *out->runs);
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct hone_error own = {.status = HONE_OK};
    const struct making making = {out, model, in, encodings, &lock, &own};
    thread_pool_run(n_threads, in->n, in->n / 16 + 1, make_piece, &making);
    if (own.status != HONE_OK) {
        if (err)
            *err = own;
        return own.status;
    }
    for (size_t i = 0; i < in->n; i++) {
        struct token_run *run = &out->runs[i];
        run->ids = out->blocks[run->block].ids + run->start;
        run->type_ids = out->blocks[run->block].type_ids + run->start;
    }
    return HONE_OK;
}

void tokens_release(struct tokens *t)
{
    for (size_t i = 0; t->blocks && i < t->n_blocks; i++) {
        free(t->blocks[i].ids);
        free(t->blocks[i].type_ids);
    }
    free(t->blocks);
    free(t->runs);
    *t = (struct tokens){0};
}
