#include "runtime/generate/vocabulary.h"

#include "runtime/generate/rules_load.h"
#include "runtime/load/load.h"

#include <stdlib.h>
#include <string.h>

/* ---- end tokens ---- */

static void add_end(struct vocabulary *v, const struct net *m, int64_t id)
{
    if (id >= 0 && (uint64_t)id < m->hp.n_vocab && v->n_ends < MAX_ENDS && !vocabulary_is_end(v, (int32_t)id))
        v->ends[v->n_ends++] = (int32_t)id;
}

static int64_t id_of(const struct hone_model *model, const char *name)
{
    return tokenizer_id(model->target_tokenizer, (struct hone_text){name, strlen(name)});
}

/* Where answers come in several messages (gpt-oss), <|end|> ends one of them alone. */
static void keep_channels(struct vocabulary *v, const struct hone_model *model)
{
    int64_t end = id_of(model, "<|end|>"), last = id_of(model, "<|return|>"), call = id_of(model, "<|call|>");
    size_t n = 0;
    if (last < 0 || call < 0)
        return;
    for (size_t i = 0; i < v->n_ends; i++)
        if (v->ends[i] != end)
            v->ends[n++] = v->ends[i];
    v->n_ends = n;
    add_end(v, &model->net, last);
    add_end(v, &model->net, call);
}

/* Those that the file names, and those that chat models end an answer with, by their names. */
static enum hone_status find_ends(struct vocabulary *v, const struct hone_model *model,
                                  struct hone_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"};
    static const char *const names[] = {"<|eot_id|>",    "<|im_end|>",      "<end_of_turn>", "<|end|>",
                                        "<|endoftext|>", "<|end_of_text|>", "<|eom_id|>"};
    const struct net *m = &model->net;
    const bool is_own = model->target_tokenizer != model->tokenizer; /* the keys are of what is read */
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !is_own; i++) {
        size_t id = SIZE_MAX;
        enum hone_status status = gguf_get_size(m->gguf, keys[i], SIZE_MAX, &id, err);
        if (status != HONE_OK)
            return status;
        add_end(v, m, id < INT32_MAX ? (int64_t)id : -1);
        v->has_eos = v->has_eos || (i == 0 && v->n_ends > 0);
    }
    const struct gguf_value *more = gguf_find(m->gguf, "hone.end_token_ids");
    for (size_t i = 0; more && more->is_array && more->type == GGUF_U32 && i < more->n && i < MAX_ENDS; i++)
        add_end(v, m, gguf_int_at(more, i));
    v->has_eos = v->has_eos || (is_own && v->n_ends > 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_end(v, m, id_of(model, names[i]));
    keep_channels(v, model);
    return HONE_OK;
}

bool vocabulary_is_end(const struct vocabulary *v, int32_t id)
{
    for (size_t i = 0; i < v->n_ends; i++)
        if (v->ends[i] == id)
            return true;
    return false;
}

/* ---- bytes ---- */

/* A model may have rows for more tokens than its tokenizer has; these have no text. */
static bool pad(struct token_pieces *p, size_t n_vocab)
{
    if (p->n < n_vocab) {
        struct hone_text *grown = realloc(p->list, n_vocab * sizeof *grown);
        if (!grown)
            return false;
        p->list = grown;
        memset(grown + p->n, 0, (n_vocab - p->n) * sizeof *grown);
    }
    p->n = n_vocab;
    return true;
}

enum hone_status vocabulary_spell(struct vocabulary *v, const struct net *m, struct hone_error *err)
{
    if (v->trie)
        return HONE_OK;
    size_t n_vocab = m->hp.n_vocab;
    enum hone_status status = v->pieces.n == 0 ? vocab_pieces(&v->pieces, m->gguf, err) : HONE_OK;
    if (status == HONE_OK && !pad(&v->pieces, n_vocab))
        status = hone_no_memory(err, "the tokens' bytes", n_vocab * sizeof *v->pieces.list);
    if (status == HONE_OK)
        status = token_trie_new(&v->trie, v->pieces.list, n_vocab, v->ends, v->n_ends, err);
    return status;
}

enum hone_status vocabulary_find_breakers(struct vocabulary *v, const struct net *m, struct hone_error *err)
{
    static const struct hone_text usual[] = {{"\n", 1}, {":", 1}, {"\"", 1}, {"*", 1}};
    enum hone_status status = vocabulary_spell(v, m, err);
    if (status == HONE_OK && !v->breakers)
        status = token_pieces_with(&v->pieces, usual, 4, &v->breakers, &v->n_breakers, err);
    return status;
}

enum hone_status hone_token_bytes(struct hone_model *model, int32_t id, struct hone_text *out,
                                  struct hone_error *err)
{
    struct vocabulary *v;
    enum hone_status status;
    *out = (struct hone_text){"", 0};
    pthread_mutex_lock(&model->lock);
    status = vocabulary_of(model, &v, err);
    if (status == HONE_OK && v->pieces.n == 0)
        status = vocab_pieces(&v->pieces, model->net.gguf, err);
    if (status == HONE_OK && (id < 0 || (size_t)id >= v->pieces.n))
        status = hone_fail(err, HONE_USAGE, "there is no token %d", (int)id);
    if (status == HONE_OK && v->pieces.list[id].size > 0)
        *out = v->pieces.list[id];
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* ---- lifetime ---- */

enum hone_status vocabulary_of(struct hone_model *model, struct vocabulary **out, struct hone_error *err)
{
    *out = model->vocabulary;
    if (*out)
        return HONE_OK;
    struct vocabulary *v = calloc(1, sizeof *v);
    if (!v)
        return hone_no_memory(err, "the vocabulary", sizeof *v);
    v->rules = token_rules_none();
    enum hone_status status = find_ends(v, model, err);
    if (status == HONE_OK &&
        !model->options.vocab_only) /* which has no numbers to check them by, and generates nothing */
        status = rules_load(v, &model->net, err);
    if (status != HONE_OK) {
        vocabulary_free(v);
        return status;
    }
    *out = model->vocabulary = v;
    model->vocabulary_free = vocabulary_free;
    return HONE_OK;
}

void vocabulary_free(struct vocabulary *v)
{
    if (!v)
        return;
    token_pieces_release(&v->pieces);
    token_trie_free(v->trie);
    free(v->breakers);
    token_rules_release(&v->rules);
    free(v);
}
