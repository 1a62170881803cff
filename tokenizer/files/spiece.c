#include "tokenizer/files/spiece.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "tokenizer/files/file_memory.h"
#include "tokenizer/files/protobuf.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE 32 /* of a sentinel, with its NUL */

enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

/* What a model file says; texts point into it. */
struct spiece {
    size_t n_pieces;
    struct hone_text charsmap;
    uint64_t kind;
    int64_t unk, bos, eos, pad;
    bool remove_extra_whitespaces;
};

static bool read_trainer(struct hone_text message, struct spiece *s)
{
    struct protobuf p = {message, false};
    struct protobuf_field f;
    while (tok_protobuf_next(&p, &f)) {
        int64_t id = (int64_t)f.value;
        s->kind = f.number == 3 ? f.value : s->kind;
        s->unk = f.number == 40 ? id : s->unk;
        s->bos = f.number == 41 ? id : s->bos;
        s->eos = f.number == 42 ? id : s->eos;
        s->pad = f.number == 43 ? id : s->pad;
    }
    return !p.bad;
}

static bool read_normalizer(struct hone_text message, struct spiece *s)
{
    struct protobuf p = {message, false};
    struct protobuf_field f;
    while (tok_protobuf_next(&p, &f)) {
        if (f.number == 2 && f.text.data)
            s->charsmap = f.text;
        s->remove_extra_whitespaces = f.number == 4 ? f.value != 0 : s->remove_extra_whitespaces;
    }
    return !p.bad;
}

static bool read_model(struct hone_text model, struct spiece *s)
{
    struct protobuf p = {model, false};
    struct protobuf_field f;
    bool ok = true;
    *s = (struct spiece){.kind = MODEL_UNIGRAM, .bos = 1, .eos = 2, .pad = -1};
    s->remove_extra_whitespaces = true;
    while (ok && tok_protobuf_next(&p, &f)) {
        s->n_pieces += f.number == 1 && f.text.data;
        if (f.number == 2 && f.text.data)
            ok = read_trainer(f.text, s);
        else if (f.number == 3 && f.text.data)
            ok = read_normalizer(f.text, s);
    }
    return ok && !p.bad && s->n_pieces;
}

/* A piece, at the place `id`. */
static bool read_piece(struct file_memory *m, size_t id, struct hone_text message)
{
    struct protobuf p = {message, false};
    struct protobuf_field f;
    struct hone_text text = {"", 0};
    uint64_t type = TOK_NORMAL;
    while (tok_protobuf_next(&p, &f)) {
        if (f.number == 1 && f.text.data)
            text = f.text;
        if (f.number == 2) {
            uint32_t bits = (uint32_t)f.value;
            float score;
            memcpy(&score, &bits, sizeof score);
            m->scores[id] = (double)score;
        }
        type = f.number == 3 ? f.value : type;
    }
    if (p.bad || type < TOK_NORMAL || type > TOK_BYTE)
        return false;
    file_set_token(m, id, text, (enum tok_type)type);
    return true;
}

/* Pieces from `first` on, at the places from `id` on. */
static bool read_pieces(struct file_memory *m, size_t first, size_t id, struct hone_text model)
{
    struct protobuf p = {model, false};
    struct protobuf_field f;
    size_t i = 0;
    while (tok_protobuf_next(&p, &f))
        if (f.number == 1 && f.text.data && i++ >= first && !read_piece(m, id++, f.text))
            return false;
    return true;
}

static void set_name(struct file_memory *m, size_t id, const char *name, enum tok_type type)
{
    file_set_token(m, id, (struct hone_text){name, strlen(name)}, type);
    m->scores[id] = 0;
}

/* The ids behind the pieces that "added_tokens_decoder" has. */
static size_t count_added(const json_t *added, size_t n)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)added, key, value) {
        unsigned long id = strtoul(key, NULL, 10);
        if (id >= n && id < n + SPIECE_MAX_EXTRA)
            n = id + 1;
    }
    return n;
}

/* Older vocabularies of Gemma have no tab but as a byte. */
static void name_tab(struct file_memory *m)
{
    size_t byte = m->n;
    for (size_t i = 0; i < m->n; i++) {
        struct hone_text token = m->tokens[i];
        if (token.size == 1 && token.data[0] == '\t')
            return;
        if (text_is(token, "<0x09>"))
            byte = i;
    }
    if (byte < m->n)
        set_name(m, byte, "\t", TOK_NORMAL);
}

static size_t n_sentinels(const struct spiece_options *o)
{
    if (o->family != SPIECE_T5 || o->added || o->extra_ids < 0)
        return 0;
    return o->extra_ids < SPIECE_MAX_EXTRA ? (size_t)o->extra_ids : SPIECE_MAX_EXTRA;
}

/* The tokens in the family's order. model: at the start of m->text, which has room for the sentinels. */
static bool place_tokens(struct file_memory *m, struct spiece *s, const struct spiece_options *o,
                         struct hone_text model)
{
    static const char *const fairseq[] = {"<s>", "<pad>", "</s>", "<unk>"};
    bool xlmr = o->family == SPIECE_XLMR;
    size_t n = s->n_pieces + (xlmr ? 2 : 0), sentinels = n_sentinels(o);
    if (s->n_pieces < 3 || !tok_file_allocate(m, count_added(o->added, n + sentinels), true) ||
        !read_pieces(m, xlmr ? 3 : 0, xlmr ? 4 : 0, model))
        return false;
    for (size_t i = 0; xlmr && i < 4; i++)
        set_name(m, i, fairseq[i], i == 3 ? TOK_UNKNOWN : TOK_CONTROL);
    if (xlmr) {
        set_name(m, n - 1, "<mask>", TOK_CONTROL);
        s->bos = 0;
        s->pad = 1;
        s->eos = 2;
        s->unk = 3;
    }
    for (size_t i = 0; i < sentinels; i++) {
        char *name = m->text + model.size + i * NAME_SIZE;
        snprintf(name, NAME_SIZE, "<extra_id_%zu>", sentinels - 1 - i);
        set_name(m, n + i, name, TOK_CONTROL);
    }
    if (o->family == SPIECE_GEMMA)
        name_tab(m);
    return true;
}

/* Entries of "added_tokens_decoder" go over those of the preset; the tokens that they bring are not the model's. */
static bool add_added(struct file_memory *m, json_t *pipeline, const json_t *added)
{
    json_t *list = json_object_get(pipeline, "added_tokens"), *value;
    const char *key;
    bool ok = true;
    json_object_foreach ((json_t *)added, key, value) {
        size_t id = strtoul(key, NULL, 10), i = 0;
        struct hone_text content = tok_component_text(value, "content");
        json_t *entry = json_copy_all(value);
        if (id >= m->n || !content.size ||
            json_object_set_new(entry, "id", json_integer((json_int_t)id)) < 0) {
            json_decref(entry);
            return false;
        }
        while (i < json_array_size(list) &&
               json_integer_value(json_object_get(json_array_get(list, i), "id")) != (json_int_t)id)
            i++;
        if (!m->types[id]) {
            file_set_token(m, id, content,
                           tok_component_bool(value, "special", false) ? TOK_CONTROL : TOK_USER_DEFINED);
            ok = json_object_set_new(entry, "in_model", json_false()) == 0 && ok;
        } else if (!text_equal(m->tokens[id], content)) {
            ok = false;
        }
        if ((i < json_array_size(list) ? json_array_set_new(list, i, entry)
                                       : json_array_append_new(list, entry)) < 0)
            return false;
    }
    return ok;
}

static int32_t id_of(int64_t id, const struct file_memory *m)
{
    return id >= 0 && (uint64_t)id < m->n && m->types[id] ? (int32_t)id : -1;
}

/* A space before the text only if it has none, and before nothing else. */
static bool prefix_first_only(json_t *pipeline)
{
    json_object_del(pipeline, "normalizer");
    return json_object_set_new(pipeline, "pre_tokenizer",
                               json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", "\u2581",
                                         "prepend_scheme", "first", "split", 0)) == 0;
}

/* The preset of the family, with the added tokens. */
static bool make_pipeline(struct file_memory *m, const struct spiece *s, const struct spiece_options *o,
                          struct hone_error *err)
{
    bool bpe = s->kind == MODEL_BPE;
    struct tok_vocab vocab = {.n_tokens = m->n, .tokens = m->tokens, .scores = m->scores, .types = m->types};
    struct tok_preset preset = {
        .model = bpe ? "llama" : "t5",
        .pre = "default",
        .bos = id_of(s->bos, m),
        .eos = id_of(s->eos, m),
        .unk = id_of(s->unk, m),
        .sep = -1,
        .pad = id_of(s->pad, m),
        .cls = -1,
        .mask = o->family == SPIECE_XLMR ? (int32_t)s->n_pieces + 1 : -1,
        .add_bos = o->family == SPIECE_XLMR ? 1 : o->add_bos,
        .add_eos = o->family == SPIECE_XLMR ? 1 : o->add_eos,
        .add_space_prefix = o->family != SPIECE_GEMMA,
        .remove_extra_whitespaces = s->remove_extra_whitespaces,
    };
    buffer_append(&m->charsmap, s->charsmap.data, s->charsmap.size);
    vocab.charsmap = (struct hone_text){m->charsmap.data, m->charsmap.size};
    if (bpe && !tokenizer_scored_merges(&vocab, &m->merges, &m->n_merges, err))
        return false;
    char *text = tokenizer_preset(&preset, &vocab, err);
    json_t *pipeline = text ? json_read(text, strlen(text), JSON_ALLOW_NUL, NULL) : NULL;
    bool ok = pipeline || (text && tok_no_memory(err));
    free(text);
    if (ok && bpe && o->family == SPIECE_LLAMA && !o->legacy && !prefix_first_only(pipeline))
        ok = tok_no_memory(err);
    if (ok && !add_added(m, pipeline, o->added))
        ok = tok_fail(err, HONE_BAD_MODEL, "the added tokens are not those of the vocabulary");
    if (ok && !(m->pipeline = json_write(pipeline, JSON_COMPACT)))
        ok = tok_no_memory(err);
    json_decref(pipeline);
    return ok;
}

bool tok_spiece_read(struct hone_text model, const struct spiece_options *options, struct tokenizer_file *out,
                     struct hone_error *err)
{
    struct spiece s;
    struct file_memory *m = calloc(1, sizeof *m);
    *out = (struct tokenizer_file){.memory = m};
    bool ok =
        (m && (m->text = malloc(model.size + n_sentinels(options) * NAME_SIZE + 1))) || tok_no_memory(err);
    if (ok && model.size) { /* a copy, for the texts to point into */
        memcpy(m->text, model.data, model.size);
        model.data = m->text;
    }
    if (ok)
        ok = read_model(model, &s) || tok_fail(err, HONE_BAD_MODEL, "it is not a SentencePiece model");
    if (ok && s.kind != MODEL_UNIGRAM && s.kind != MODEL_BPE)
        ok = tok_fail(err, HONE_BAD_MODEL,
                      "only SentencePiece models of the types unigram and bpe are supported");
    if (ok)
        ok = place_tokens(m, &s, options, model) || tok_fail(err, HONE_BAD_MODEL, "its pieces are malformed");
    if (ok)
        ok = make_pipeline(m, &s, options, err);
    if (!ok) {
        tok_file_release(out);
        return false;
    }
    tok_file_name_holes(m);
    tok_file_show(m, out);
    out->ids.model = s.kind == MODEL_BPE ? "llama" : "t5";
    out->ids.pre = "default";
    return true;
}
