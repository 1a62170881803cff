#include "runtime/load/import/vocabulary.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

/* As float32, and as they are where these are not the same. */
static enum hone_status set_scores(struct folder *f, const struct tok_vocab *vocab, size_t n_rows,
                                   struct hone_error *err)
{
    float *scores = calloc(n_rows + 1, sizeof *scores);
    double *exact = calloc(n_rows + 1, sizeof *exact);
    bool same = true;
    enum hone_status status = HONE_OK;
    if (!scores || !exact)
        status = hone_no_memory(err, "the scores of tokens", n_rows * sizeof *exact);
    for (size_t i = 0; i < n_rows && status == HONE_OK; i++) {
        exact[i] = i < vocab->n_tokens ? vocab->scores[i] : -10000;
        scores[i] = (float)exact[i];
        same = same && (double)scores[i] == exact[i];
    }
    if (status == HONE_OK)
        status =
            folder_set(gguf_set_array(f->g, "tokenizer.ggml.scores", GGUF_F32, scores, n_rows) &&
                           (same || gguf_set_array(f->g, "hone.tokenizer.scores", GGUF_F64, exact, n_rows)),
                       "tokenizer.ggml.scores", err);
    free(scores);
    free(exact);
    return status;
}

/* "left right"; where one of them holds a space, the bytes of each left one, too. */
static enum hone_status set_merges(struct folder *f, const struct tok_vocab *vocab, struct hone_error *err)
{
    size_t bytes = 1, n = vocab->n_merges;
    bool spaces = false;
    for (size_t i = 0; i < n; i++)
        bytes += vocab->merges[i].left.size + 1 + vocab->merges[i].right.size;
    struct hone_text *merges = calloc(n + 1, sizeof *merges);
    uint32_t *sizes = calloc(n + 1, sizeof *sizes);
    char *text = malloc(bytes), *next = text;
    enum hone_status status = HONE_OK;
    if (!merges || !sizes || !text)
        status = hone_no_memory(err, "the merges of tokens", bytes);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        struct hone_text left = vocab->merges[i].left, right = vocab->merges[i].right;
        char *space = text_put(next, left);
        *space = ' ';
        text_put(space + 1, right);
        merges[i] = (struct hone_text){next, left.size + 1 + right.size};
        sizes[i] = (uint32_t)left.size;
        spaces = spaces || memchr(left.data, ' ', left.size) || memchr(right.data, ' ', right.size);
        next += merges[i].size;
    }
    if (status == HONE_OK)
        status = folder_set(
            gguf_set_texts(f->g, "tokenizer.ggml.merges", merges, n) &&
                (!spaces || gguf_set_array(f->g, "hone.tokenizer.merge_sizes", GGUF_U32, sizes, n)),
            "tokenizer.ggml.merges", err);
    free(merges);
    free(sizes);
    free(text);
    return status;
}

enum hone_status vocabulary_set_model(struct folder *f, const struct tok_vocab *vocab, size_t n_rows,
                                      struct hone_error *err)
{
    const char *const key = "tokenizer.ggml.precompiled_charsmap";
    enum hone_status status = HONE_OK;
    if (vocab->scores)
        status = set_scores(f, vocab, n_rows, err);
    if (status == HONE_OK && vocab->n_merges)
        status = set_merges(f, vocab, err);
    if (status == HONE_OK && vocab->charsmap.size)
        status = folder_set(gguf_set_array(f->g, key, GGUF_U8, vocab->charsmap.data, vocab->charsmap.size),
                            key, err);
    if (status == HONE_OK && vocab->truncate_left)
        status = folder_set(gguf_set_bool(f->g, "hone.tokenizer.truncate_left", true),
                            "hone.tokenizer.truncate_left", err);
    return status;
}

/* What the tokenizer makes of a letter. */
struct letter {
    struct tok_encoding plain, whole; /* without the template, and with it */
};

/* Tokens that the template puts before a text; those that follow it, too. */
static size_t n_around(const struct letter *l, size_t *after)
{
    size_t n = l->plain.n, spare = l->whole.n >= n ? l->whole.n - n : 0, before = 0;
    while (before < spare && memcmp(l->whole.ids + before, l->plain.ids, n * sizeof *l->plain.ids) != 0)
        before++;
    *after = spare - before;
    return before;
}

/* Other programs put nothing but the end token behind a text, so what an embedding model puts there is that. */
static enum hone_status set_flags(struct folder *f, const struct letter *l, struct hone_error *err)
{
    size_t after, before = n_around(l, &after);
    bool ends = after == 1 && f->arch->causal;
    int32_t last = l->whole.n ? l->whole.ids[l->whole.n - 1] : 0;
    enum hone_status status = HONE_OK;
    if (ends)
        status = folder_set(gguf_set_u32(f->g, "tokenizer.ggml.eos_token_id", (uint32_t)last),
                            "tokenizer.ggml.eos_token_id", err);
    return status == HONE_OK ? folder_set(gguf_set_bool(f->g, "tokenizer.ggml.add_bos_token", before > 0) &&
                                              gguf_set_bool(f->g, "tokenizer.ggml.add_eos_token", after > 0),
                                          "tokenizer.ggml.add_bos_token", err)
                             : status;
}

/* Whether a text without a space before it gets one. */
static enum hone_status set_space(struct folder *f, const struct tok_vocab *vocab, const struct letter *l,
                                  struct hone_error *err)
{
    struct hone_text first = {"", 0};
    if (l->plain.n && (size_t)l->plain.ids[0] < vocab->n_tokens)
        first = vocab->tokens[l->plain.ids[0]];
    bool space = text_begins(first, "\xe2\x96\x81");
    return folder_set(gguf_set_bool(f->g, "tokenizer.ggml.add_space_prefix", space),
                      "tokenizer.ggml.add_space_prefix", err);
}

/* SentencePiece's BPE with merges: other programs know it by scores alone, the higher the earlier the merge. */
static enum hone_status set_ranks(struct folder *f, const struct tok_vocab *vocab, const struct tokenizer *t,
                                  struct hone_error *err)
{
    size_t n_rows = gguf_find(f->g, "tokenizer.ggml.tokens")->n, size = 0;
    float *scores = calloc(n_rows + 1, sizeof *scores);
    for (size_t i = 0; i < vocab->n_merges; i++) {
        size_t joined = vocab->merges[i].left.size + vocab->merges[i].right.size;
        size = joined > size ? joined : size;
    }
    char *text = malloc(size + 1);
    enum hone_status status = HONE_OK;
    if (!scores || !text)
        status = hone_no_memory(err, "the scores of tokens", n_rows * sizeof *scores);
    for (size_t i = vocab->n_merges; i-- > 0 && status == HONE_OK;) {
        struct hone_text left = vocab->merges[i].left, right = vocab->merges[i].right;
        text_put(text_put(text, left), right);
        int32_t id = tokenizer_id(t, (struct hone_text){text, left.size + right.size});
        if (id >= 0)
            scores[id] = -(float)i - 1;
    }
    if (status == HONE_OK)
        status = folder_set(gguf_set_array(f->g, "tokenizer.ggml.scores", GGUF_F32, scores, n_rows),
                            "tokenizer.ggml.scores", err);
    free(scores);
    free(text);
    return status;
}

static bool encode_letter(const struct tokenizer *t, struct letter *l, struct hone_error *err)
{
    const struct hone_text text = {"a", 1};
    const struct tok_options plain = {.add_special = false}, whole = {.add_special = true};
    return tokenizer_encode(t, text, NULL, &plain, &l->plain, err) &&
           tokenizer_encode(t, text, NULL, &whole, &l->whole, err);
}

enum hone_status vocabulary_set_template(struct folder *f, const struct tokenizer_file *t,
                                         struct hone_error *err)
{
    struct hone_error why = {0};
    struct letter letter = {0};
    bool llama = strcmp(t->ids.model, "llama") == 0;
    struct tokenizer *tokenizer = tokenizer_new(&t->vocab, t->pipeline, &why);
    enum hone_status status = HONE_OK;
    if (!tokenizer || !encode_letter(tokenizer, &letter, &why))
        status = hone_fail(err, why.status, "%s: tokenizer: %s", f->dir, why.message);
    else if (strcmp(t->ids.model, "bert") != 0)
        status = set_flags(f, &letter, err);
    if (status == HONE_OK && llama)
        status = set_space(f, &t->vocab, &letter, err);
    if (status == HONE_OK && llama && !t->vocab.scores)
        status = set_ranks(f, &t->vocab, tokenizer, err);
    tok_encoding_release(&letter.plain);
    tok_encoding_release(&letter.whole);
    tokenizer_free(tokenizer);
    return status;
}

static enum hone_status set_normalizer(struct folder *f, const struct tokenizer_file *t,
                                       struct hone_error *err)
{
    static const char *const keys[][2] = {{"lowercase", "tokenizer.ggml.normalizer.lowercase"},
                                          {"strip_accents", "tokenizer.ggml.normalizer.strip_accents"}};
    json_t *pipeline = json_read(t->pipeline.data, t->pipeline.size, JSON_ALLOW_NUL, NULL);
    json_t *normalizer = json_object_get(pipeline, "normalizer");
    bool ok = pipeline != NULL; /* it was written a moment ago */
    for (size_t i = 0; i < 2 && ok; i++) {
        const json_t *value = json_object_get(normalizer, keys[i][0]);
        if (json_is_boolean(value))
            ok = gguf_set_bool(f->g, keys[i][1], json_is_true(value));
    }
    json_decref(pipeline);
    return folder_set(ok, "tokenizer.ggml.normalizer.lowercase", err);
}

enum hone_status vocabulary_set_words(struct folder *f, const struct tokenizer_file *t,
                                      struct hone_error *err)
{
    static const char *const ids[][2] = {
        {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.cls_token_id"},
        {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.seperator_token_id"}};
    const struct gguf_tensor *types = gguf_find_tensor(f->g, "token_types.weight");
    const char *const count = "tokenizer.ggml.token_type_count";
    enum hone_status status =
        folder_set(gguf_set_u32(f->g, count, types ? (uint32_t)types->dims[1] : 1), count, err);
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        size_t id = SIZE_MAX;
        status = gguf_get_size(f->g, ids[i][1], UINT32_MAX, &id, err);
        if (status == HONE_OK && id != SIZE_MAX && !gguf_find(f->g, ids[i][0]))
            status = folder_set(gguf_set_u32(f->g, ids[i][0], (uint32_t)id), ids[i][0], err);
    }
    return status == HONE_OK ? set_normalizer(f, t, err) : status;
}
