/* The tokenizer that a file's metadata describes.
 *
 * Keys: tokenizer.ggml.* as llama.cpp's files have them, and hone.tokenizer.pipeline, the part of tokenizer.json that
 * is not vocabulary, which those files lose. A file without it gets the preset for its tokenizer.ggml.model.
 * Where a merge's sides hold spaces, hone.tokenizer.merge_sizes has the bytes of each left one; where scores are no
 * float32, hone.tokenizer.scores has them. */
#include "runtime/base/text.h"
#include "runtime/load/load.h"
#include "runtime/load/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vocab_reader {
    const struct gguf *g;
    struct tok_vocab vocab;
    struct hone_text *tokens;
    struct tok_merge *merges;
    double *scores;
    int32_t *types;
    /* What the model cuts words into, where that is not the tokens. */
    struct tok_vocab pieces;
    struct hone_text *piece_texts;
    struct tok_merge *piece_merges;
    double *piece_scores;
    int32_t *piece_types;
};

static enum hone_status wrong(const struct gguf *g, const char *key, const char *expected,
                              struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %s", gguf_path(g), key, expected);
}

static enum hone_status read_strings(const struct gguf *g, const char *key, struct hone_text **out, size_t *n,
                                     struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    if (!v)
        return HONE_OK;
    if (!v->is_array || v->type != GGUF_STRING)
        return wrong(g, key, "an array of strings", err);
    *out = malloc((v->n + 1) * sizeof **out);
    if (!*out)
        return hone_no_memory(err, key, v->n * sizeof **out);
    for (size_t i = 0; i < v->n; i++)
        (*out)[i] = (struct hone_text){v->strings[i].data, v->strings[i].size};
    *n = v->n;
    return HONE_OK;
}

/* An array of numbers, as long as the vocabulary. */
static enum hone_status find_numbers(const struct vocab_reader *r, const char *key,
                                     const struct gguf_value **out, struct hone_error *err)
{
    const struct gguf_value *v = *out = gguf_find(r->g, key);
    if (v && (!v->is_array || v->type == GGUF_STRING || v->type == GGUF_BOOL || v->n != r->vocab.n_tokens))
        return wrong(r->g, key, "an array of numbers, one a token", err);
    return HONE_OK;
}

/* "left right", parted at the first space behind a character, or where our own key says. */
static enum hone_status read_merges(struct vocab_reader *r, struct hone_error *err)
{
    const char *const key = "tokenizer.ggml.merges";
    const struct gguf_value *sizes = gguf_find(r->g, "hone.tokenizer.merge_sizes");
    struct hone_text *texts = NULL;
    size_t n = 0;
    enum hone_status status = read_strings(r->g, key, &texts, &n, err);
    if (status == HONE_OK && !(r->merges = calloc(n + 1, sizeof *r->merges)))
        status = hone_no_memory(err, key, n * sizeof *r->merges);
    if (status == HONE_OK && sizes && (!sizes->is_array || sizes->type != GGUF_U32 || sizes->n != n))
        status = wrong(r->g, "hone.tokenizer.merge_sizes", "an array of u32, one a merge", err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        struct hone_text t = texts[i];
        const char *space = t.size > 1 ? memchr(t.data + 1, ' ', t.size - 1) : NULL;
        size_t left = sizes ? (size_t)gguf_int_at(sizes, i) : space ? (size_t)(space - t.data) : t.size;
        if (left >= t.size)
            status = wrong(r->g, key, "an array of pairs with a space between", err);
        else
            r->merges[i] = (struct tok_merge){{t.data, left}, {t.data + left + 1, t.size - left - 1}};
    }
    r->vocab.n_merges = n;
    free(texts);
    return status;
}

static enum hone_status read_vocab(struct vocab_reader *r, struct hone_error *err)
{
    const struct gguf_value *scores = NULL, *exact = NULL, *types = NULL;
    enum hone_status status =
        read_strings(r->g, "tokenizer.ggml.tokens", &r->tokens, &r->vocab.n_tokens, err);
    if (status == HONE_OK && !r->tokens)
        status = hone_fail(err, HONE_BAD_MODEL,
                           "%s: no vocabulary: the key 'tokenizer.ggml.tokens' is missing", gguf_path(r->g));
    if (status == HONE_OK)
        status = read_merges(r, err);
    if (status == HONE_OK)
        status = find_numbers(r, "tokenizer.ggml.scores", &scores, err);
    if (status == HONE_OK)
        status = find_numbers(r, "hone.tokenizer.scores", &exact, err);
    if (status == HONE_OK)
        status = find_numbers(r, "tokenizer.ggml.token_type", &types, err);
    if (status != HONE_OK)
        return status;
    size_t n = r->vocab.n_tokens;
    scores = exact ? exact : scores;
    r->scores = scores ? malloc(n * sizeof *r->scores + 1) : NULL;
    r->types = types ? malloc(n * sizeof *r->types + 1) : NULL;
    if ((scores && !r->scores) || (types && !r->types))
        return hone_no_memory(err, "the vocabulary", n * sizeof *r->types);
    for (size_t i = 0; i < n; i++) {
        if (scores)
            r->scores[i] = gguf_float_at(scores, i);
        if (types)
            r->types[i] = (int32_t)gguf_int_at(types, i);
    }
    r->vocab.tokens = r->tokens;
    r->vocab.merges = r->merges;
    r->vocab.scores = r->scores;
    r->vocab.types = r->types;
    return HONE_OK;
}

static enum hone_status read_charsmap(struct vocab_reader *r, struct hone_error *err)
{
    const char *const key = "tokenizer.ggml.precompiled_charsmap";
    const struct gguf_value *map = gguf_find(r->g, key);
    if (map && (!map->is_array || (map->type != GGUF_U8 && map->type != GGUF_I8)))
        return wrong(r->g, key, "an array of bytes", err);
    if (map)
        r->vocab.charsmap = (struct hone_text){map->data, map->n};
    return HONE_OK;
}

/* Numbers of pieces: an array as long as they are many. */
static enum hone_status find_piece_numbers(const struct vocab_reader *r, const char *key,
                                           const struct gguf_value **out, struct hone_error *err)
{
    const struct gguf_value *v = *out = gguf_find(r->g, key);
    if (!v || !v->is_array || v->type == GGUF_STRING || v->type == GGUF_BOOL || v->n != r->pieces.n_tokens)
        return wrong(r->g, key, "an array of numbers, one a piece", err);
    return HONE_OK;
}

static enum hone_status read_pieces(struct vocab_reader *r, bool merges, struct hone_error *err)
{
    const struct gguf_value *scores, *types;
    struct hone_error why = {0};
    enum hone_status status =
        read_strings(r->g, "hone.tokenizer.pieces", &r->piece_texts, &r->pieces.n_tokens, err);
    if (status == HONE_OK)
        status = gguf_get_bool(r->g, "hone.tokenizer.leading_codes", &r->vocab.leading_codes, err);
    if (status != HONE_OK || !r->piece_texts)
        return status;
    status = find_piece_numbers(r, "hone.tokenizer.piece_scores", &scores, err);
    if (status == HONE_OK)
        status = find_piece_numbers(r, "hone.tokenizer.piece_types", &types, err);
    if (status != HONE_OK)
        return status;
    size_t n = r->pieces.n_tokens;
    r->piece_scores = malloc((n + 1) * sizeof *r->piece_scores);
    r->piece_types = malloc((n + 1) * sizeof *r->piece_types);
    if (!r->piece_scores || !r->piece_types)
        return hone_no_memory(err, "the pieces", n * sizeof *r->piece_scores);
    for (size_t i = 0; i < n; i++) {
        r->piece_scores[i] = gguf_float_at(scores, i);
        r->piece_types[i] = (int32_t)gguf_int_at(types, i);
    }
    r->pieces.tokens = r->piece_texts;
    r->pieces.scores = r->piece_scores;
    r->pieces.types = r->piece_types;
    if (merges && !tokenizer_scored_merges(&r->pieces, &r->piece_merges, &r->pieces.n_merges, &why))
        return hone_fail(err, why.status, "%s: tokenizer: %s", gguf_path(r->g), why.message);
    r->pieces.merges = r->piece_merges;
    r->vocab.pieces = &r->pieces;
    return HONE_OK;
}

/* SentencePiece's BPE is written without merges. */
static enum hone_status score_merges(struct vocab_reader *r, struct hone_error *err)
{
    struct hone_error why = {0};
    free(r->merges);
    r->merges = NULL;
    bool ok = tokenizer_scored_merges(&r->vocab, &r->merges, &r->vocab.n_merges, &why);
    r->vocab.merges = r->merges;
    return ok ? HONE_OK : hone_fail(err, why.status, "%s: tokenizer: %s", gguf_path(r->g), why.message);
}

/* -1 where the file names none. */
static enum hone_status read_id(const struct vocab_reader *r, const char *key, int32_t *out,
                                struct hone_error *err)
{
    size_t id = SIZE_MAX;
    *out = -1;
    if (!gguf_find(r->g, key))
        return HONE_OK;
    enum hone_status status = gguf_get_size(r->g, key, UINT32_MAX, &id, err);
    if (status == HONE_OK && id < r->vocab.n_tokens)
        *out = (int32_t)id;
    return status;
}

/* Files leave out the ids of special tokens that every BERT vocabulary calls by the same name. */
static void find_by_name(const struct vocab_reader *r, const char *name, int32_t *id)
{
    for (size_t i = 0; i < r->vocab.n_tokens && *id < 0; i++)
        if (text_is(r->tokens[i], name))
            *id = (int32_t)i;
}

/* SentencePiece's BPE with merges, and nothing before a text's first word: Gemma 4's files call it by a name of its own, others
 * "gpt2", whose bytes it does not have, with one of these names for the way of cutting text up, of which there is none. */
static bool has_merged_pieces(struct hone_text model, struct hone_text pre)
{
    return text_is(model, "gemma4") ||
           (text_is(model, "gpt2") && (text_is(pre, "gemma4") || text_is(pre, "granite-embed-multi-311m") ||
                                       text_is(pre, "sarvam-moe")));
}

/* The ids of special tokens: by their keys; BERT's by their names, too, since its files have no keys for them. */
static enum hone_status read_special(const struct vocab_reader *r, bool bert, struct tok_preset *preset,
                                     struct hone_error *err)
{
    const struct {
        const char *key;
        int32_t *id;
        const char *bert_name;
    } ids[] = {
        {"tokenizer.ggml.bos_token_id", &preset->bos, NULL},
        {"tokenizer.ggml.eos_token_id", &preset->eos, NULL},
        {"tokenizer.ggml.unknown_token_id", &preset->unk, "[UNK]"},
        {"tokenizer.ggml.seperator_token_id", &preset->sep, "[SEP]"}, /* the ecosystem's spelling */
        {"tokenizer.ggml.padding_token_id", &preset->pad, "[PAD]"},
        {"tokenizer.ggml.cls_token_id", &preset->cls, "[CLS]"},
        {"tokenizer.ggml.mask_token_id", &preset->mask, "[MASK]"},
    };
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof ids / sizeof *ids && status == HONE_OK; i++)
        status = read_id(r, ids[i].key, ids[i].id, err);
    for (size_t i = 0; bert && i < sizeof ids / sizeof *ids; i++)
        if (ids[i].bert_name)
            find_by_name(r, ids[i].bert_name, ids[i].id);
    for (size_t i = 0; i < r->vocab.n_tokens && r->types && preset->unk < 0; i++)
        preset->unk = r->types[i] == TOK_UNKNOWN ? (int32_t)i : -1;
    return status;
}

/* What is true or false; of some it matters whether the file says either, -1 where it does not. */
static enum hone_status read_choices(const struct gguf *g, struct tok_preset *preset, struct hone_error *err)
{
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"tokenizer.ggml.add_space_prefix", &preset->add_space_prefix},
        {"tokenizer.ggml.remove_extra_whitespaces", &preset->remove_extra_whitespaces},
    };
    const struct {
        const char *key;
        int *choice;
    } choices[] = {
        {"tokenizer.ggml.add_bos_token", &preset->add_bos},
        {"tokenizer.ggml.add_eos_token", &preset->add_eos},
        {"tokenizer.ggml.add_sep_token", &preset->add_sep},
        {"tokenizer.ggml.normalizer.lowercase", &preset->lowercase},
        {"tokenizer.ggml.normalizer.strip_accents", &preset->strip_accents},
    };
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof flags / sizeof *flags && status == HONE_OK; i++)
        status = gguf_get_bool(g, flags[i].key, flags[i].flag, err);
    for (size_t i = 0; i < sizeof choices / sizeof *choices && status == HONE_OK; i++) {
        bool choice = false;
        status = gguf_get_bool(g, choices[i].key, &choice, err);
        *choices[i].choice = gguf_find(g, choices[i].key) ? choice : -1;
    }
    return status;
}

static enum hone_status read_preset(const struct vocab_reader *r, struct hone_text model,
                                    struct hone_text pre, char **pipeline, struct hone_error *err)
{
    char model_name[32], pre_name[64];
    struct hone_error why = {0};
    const bool merged = has_merged_pieces(model, pre);
    struct tok_preset preset = {.model = model_name, .pre = pre_name, .add_space_prefix = !merged};
    enum hone_status status = read_special(r, text_is(model, "bert"), &preset, err);
    if (status == HONE_OK)
        status = read_choices(r->g, &preset, err);
    if (status != HONE_OK)
        return status;
    if (merged && preset.add_bos < 0) /* "gpt2" says so where it does */
        preset.add_bos = !text_is(model, "gpt2");
    model = merged ? (struct hone_text){"llama", 5} : model;
    snprintf(model_name, sizeof model_name, "%.*s", (int)(model.size < 31 ? model.size : 31), model.data);
    snprintf(pre_name, sizeof pre_name, "%.*s", (int)(pre.size < 63 ? pre.size : 63), pre.data);
    *pipeline = tokenizer_preset(&preset, &r->vocab, &why);
    if (!*pipeline)
        return hone_fail(err, why.status, "%s: tokenizer: %s", gguf_path(r->g), why.message);
    return HONE_OK;
}

/* All but the tokenizer itself; *preset is to be freed, after a failure too. */
static enum hone_status read_file(struct vocab_reader *r, struct hone_text *pipeline, char **preset,
                                  struct hone_error *err)
{
    const struct gguf *g = r->g;
    struct hone_text model = {"", 0}, pre = {"", 0};
    enum hone_status status = read_vocab(r, err);
    if (status == HONE_OK)
        status = gguf_get_text(g, "tokenizer.ggml.model", &model, err);
    if (status == HONE_OK)
        status = gguf_get_text(g, "tokenizer.ggml.pre", &pre, err);
    if (status == HONE_OK)
        status = gguf_get_text(g, "hone.tokenizer.pipeline", pipeline, err);
    if (status == HONE_OK)
        status = read_charsmap(r, err);
    if (status == HONE_OK)
        status = gguf_get_bool(g, "hone.tokenizer.truncate_left", &r->vocab.truncate_left, err);
    if (status == HONE_OK)
        status = read_pieces(r, text_is(model, "llama"), err);
    if (status == HONE_OK && !pipeline->data && text_is(model, "llama") && !r->vocab.n_merges)
        status = score_merges(r, err);
    if (status == HONE_OK && has_merged_pieces(model, pre) && !r->vocab.n_merges)
        status = wrong(g, "tokenizer.ggml.merges",
                       "there, since nothing else says how pieces are put together", err);
    if (status == HONE_OK && !pipeline->data) {
        status = read_preset(r, model, pre, preset, err);
        *pipeline = (struct hone_text){*preset, *preset ? strlen(*preset) : 0};
    }
    r->vocab.phantom_space = text_is(model, "bert");
    return status;
}

static void release(struct vocab_reader *r, char *preset)
{
    free(preset);
    free(r->tokens);
    free(r->merges);
    free(r->scores);
    free(r->types);
    free(r->piece_texts);
    free(r->piece_merges);
    free(r->piece_scores);
    free(r->piece_types);
}

enum hone_status vocab_load(struct tokenizer **out, const struct gguf *g, struct hone_error *err)
{
    struct vocab_reader r = {.g = g};
    struct hone_text pipeline = {NULL, 0};
    char *preset = NULL;
    struct hone_error why = {0};
    *out = NULL;
    enum hone_status status = read_file(&r, &pipeline, &preset, err);
    if (status == HONE_OK) {
        *out = tokenizer_new(&r.vocab, (struct hone_text){pipeline.data, pipeline.size}, &why);
        if (!*out)
            status = hone_fail(err, why.status, "%s: tokenizer: %s", gguf_path(g), why.message);
    }
    release(&r, preset);
    return status;
}

/* Of what is written: its tokens, and how they become text. */
static enum hone_status read_target(struct vocab_reader *r, struct hone_text *pipeline,
                                    struct hone_error *err)
{
    const char *const types_key = "hone.target.token_types";
    const struct gguf_value *types = NULL;
    enum hone_status status = read_strings(r->g, "hone.target.tokens", &r->tokens, &r->vocab.n_tokens, err);
    if (status == HONE_OK && !r->tokens)
        status = wrong(r->g, "hone.target.tokens", "there", err);
    if (status == HONE_OK)
        status = find_numbers(r, types_key, &types, err);
    if (status == HONE_OK && !types)
        status = wrong(r->g, types_key, "an array of numbers, one a token", err);
    if (status == HONE_OK)
        status = gguf_get_text(r->g, "hone.target.pipeline", pipeline, err);
    if (status == HONE_OK && !pipeline->data)
        status = wrong(r->g, "hone.target.pipeline", "a string", err);
    if (status == HONE_OK && !(r->types = malloc((r->vocab.n_tokens + 1) * sizeof *r->types)))
        status = hone_no_memory(err, types_key, r->vocab.n_tokens * sizeof *r->types);
    for (size_t i = 0; i < r->vocab.n_tokens && status == HONE_OK; i++)
        r->types[i] = (int32_t)gguf_int_at(types, i);
    r->vocab.tokens = r->tokens;
    r->vocab.types = r->types;
    return status;
}

enum hone_status vocab_load_target(struct tokenizer **out, const struct gguf *g, struct hone_error *err)
{
    struct vocab_reader r = {.g = g};
    struct hone_text pipeline = {NULL, 0};
    struct hone_error why = {0};
    *out = NULL;
    enum hone_status status = read_target(&r, &pipeline, err);
    if (status == HONE_OK) {
        *out = tokenizer_new(&r.vocab, (struct hone_text){pipeline.data, pipeline.size}, &why);
        if (!*out)
            status = hone_fail(err, why.status, "%s: hone.target: %s", gguf_path(g), why.message);
    }
    release(&r, NULL);
    return status;
}

enum hone_status vocab_pieces(struct token_pieces *out, const struct gguf *g, struct hone_error *err)
{
    struct vocab_reader r = {.g = g};
    struct hone_text pipeline = {NULL, 0};
    char *preset = NULL;
    enum hone_status status = gguf_find(g, "hone.target.tokens") ? read_target(&r, &pipeline, err)
                                                                 : read_file(&r, &pipeline, &preset, err);
    if (status == HONE_OK)
        status = token_pieces_init(out, &r.vocab, (struct hone_text){pipeline.data, pipeline.size}, err);
    release(&r, preset);
    return status;
}
