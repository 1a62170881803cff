#include "tokenizer/files/piece_vocab.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "tokenizer/files/file_memory.h"
#include "tokenizer/files/preset.h"
#include "tokenizer/files/spiece.h"

#include <stdio.h>
#include <stdlib.h>

/* The largest such vocabularies have 256,206 (NLLB); memory is asked for by it. */
#define MAX_TOKENS (1 << 22)
#define CODE_SIZE  16 /* of "__en__", with its NUL */

/* In the order of their tokens. */
static const char *const of_m2m100[] = {
    "af", "am", "ar", "ast", "az", "ba",  "be", "bg", "bn", "br", "bs", "ca", "ceb", "cs", "cy", "da", "de",
    "el", "en", "es", "et",  "fa", "ff",  "fi", "fr", "fy", "ga", "gd", "gl", "gu",  "ha", "he", "hi", "hr",
    "ht", "hu", "hy", "id",  "ig", "ilo", "is", "it", "ja", "jv", "ka", "kk", "km",  "kn", "ko", "lb", "lg",
    "ln", "lo", "lt", "lv",  "mg", "mk",  "ml", "mn", "mr", "ms", "my", "ne", "nl",  "no", "ns", "oc", "or",
    "pa", "pl", "ps", "pt",  "ro", "ru",  "sd", "si", "sk", "sl", "so", "sq", "sr",  "ss", "su", "sv", "sw",
    "ta", "th", "tl", "tn",  "tr", "uk",  "ur", "uz", "vi", "wo", "xh", "yi", "yo",  "zh", "zu", NULL};
static const char *const of_wmt21[] = {"en", "ha", "is", "ja", "cs", "ru", "zh", "de", NULL};

const char *const *tok_piece_languages(const char *set)
{
    return strcmp(set, "m2m100") == 0 ? of_m2m100 : strcmp(set, "wmt21") == 0 ? of_wmt21 : NULL;
}

/* ---- the vocabulary ---- */

static size_t n_languages(const struct piece_vocab_options *o)
{
    size_t n = 0;
    while (o->languages && o->languages[n])
        n++;
    return n;
}

/* The tokens of the file by their ids, which leave out none. */
static bool place_tokens(struct file_memory *m, const json_t *vocab)
{
    const char *key;
    json_t *value;
    size_t n = json_object_size(vocab), size;
    json_object_keylen_foreach((json_t *)vocab, key, size, value)
    {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || (size_t)id >= n || m->types[id])
            return false;
        file_set_token(m, (size_t)id, (struct hone_text){key, size}, TOK_NORMAL);
    }
    return true;
}

static void place_languages(struct file_memory *m, size_t first, const struct piece_vocab_options *o)
{
    for (size_t i = 0; i < n_languages(o); i++) { /* the names have more room each */
        char *name = m->names + i * CODE_SIZE;
        int size = snprintf(name, CODE_SIZE, "__%s__", o->languages[i]);
        file_set_token(m, first + i, (struct hone_text){name, (size_t)size}, TOK_CONTROL);
    }
}

static int32_t id_of(const struct file_memory *m, const char *text)
{
    for (size_t i = 0; i < m->n; i++)
        if (text_is(m->tokens[i], text))
            return (int32_t)i;
    return -1;
}

static const char *named(const json_t *config, const char *key, const char *usual)
{
    const json_t *value = json_object_get(config, key);
    const char *text = json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
    return text ? text : usual;
}

/* ---- the pipeline ---- */

static json_t *added_tokens(struct file_memory *m, const struct piece_vocab_options *o)
{
    static const char *const names[][2] = {{"bos_token", "<s>"},
                                           {"eos_token", "</s>"},
                                           {"unk_token", "<unk>"},
                                           {"pad_token", "<pad>"},
                                           {"sep_token", "</s>"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = id_of(m, named(o->config, names[i][0], names[i][1]));
        if (id >= 0 && m->types[id] == TOK_NORMAL)
            m->types[id] = i == 2 ? TOK_UNKNOWN : TOK_CONTROL;
    }
    for (size_t i = 0; i < m->n; i++)
        if (m->types[i] != TOK_NORMAL)
            json_list_add(&list, tok_preset_added_token(m->tokens[i], (int32_t)i, true, false));
    return list;
}

static json_t *template_of(const struct file_memory *m, const struct piece_vocab_options *o)
{
    char first[CODE_SIZE] = "";
    struct tok_vocab vocab = {.n_tokens = m->n, .tokens = m->tokens};
    struct preset_template t = {.before = -1, .after = id_of(m, named(o->config, "eos_token", "</s>"))};
    if (o->source && snprintf(first, sizeof first, "__%s__", o->source) >= (int)sizeof first)
        return NULL;
    t.before = o->source ? id_of(m, first) : -1;
    if (t.after < 0 || (o->source && t.before < 0))
        return NULL;
    return tok_preset_template(&vocab, &t);
}

static json_t *model_of(const struct tokenizer_file *pieces)
{
    const struct tok_vocab *v = &pieces->vocab;
    size_t unk = 0;
    while (unk < v->n_tokens && v->types[unk] != TOK_UNKNOWN)
        unk++;
    if (unk == v->n_tokens)
        return NULL;
    if (strcmp(pieces->ids.model, "llama") != 0)
        return json_pack("{s:s, s:I, s:b}", "type", "Unigram", "unk_id", (json_int_t)unk, "byte_fallback", 0);
    return json_pack("{s:s, s:s%, s:b, s:b}", "type", "BPE", "unk_token", v->tokens[unk].data,
                     v->tokens[unk].size, "fuse_unk", 1, "byte_fallback", 0);
}

static json_t *metaspace(void)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", "\xe2\x96\x81",
                     "prepend_scheme", "always", "split", 1);
}

/* As SentencePiece reads a text: characters by its map, spaces (and no other white space) run together, one before each
 * word. */
static char *make_pipeline(struct file_memory *m, const struct tokenizer_file *pieces,
                           const struct piece_vocab_options *o)
{
    json_t *space = metaspace();
    json_t *words = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "String", " ",
                              "behavior", "Removed", "invert", 0);
    json_t *root = json_pack(
        "{s:o, s:o, s:{s:s, s:[o, O]}, s:o, s:o, s:o}", "added_tokens", added_tokens(m, o), "normalizer",
        pieces->vocab.charsmap.size ? json_pack("{s:s}", "type", "Precompiled") : json_null(),
        "pre_tokenizer", "type", "Sequence", "pretokenizers", words, space, "post_processor",
        template_of(m, o), "decoder", space, "model", model_of(pieces));
    char *text = root ? json_write(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

/* ---- both ---- */

/* The pieces that a text may be cut into: no special ones. */
static bool keep_pieces(struct file_memory *m, struct tokenizer_file *pieces)
{
    struct tok_vocab *v = &pieces->vocab;
    int32_t *types = (int32_t *)v->types;
    m->pieces = calloc(1, sizeof *m->pieces);
    if (!m->pieces)
        return false;
    for (size_t i = 0; i < v->n_tokens; i++)
        if (types[i] == TOK_CONTROL)
            types[i] = TOK_UNUSED;
    *m->pieces = *pieces;
    *pieces = (struct tokenizer_file){0};
    buffer_append(&m->charsmap, m->pieces->vocab.charsmap.data, m->pieces->vocab.charsmap.size);
    return !m->charsmap.failed;
}

/* The tokens of m->root, read from a file `name`. */
static bool make_tokens(struct file_memory *m, const char *name, const struct piece_vocab_options *o,
                        struct hone_error *err)
{
    size_t n = json_object_size(m->root), n_codes = n_languages(o);
    if (!json_is_object(m->root) || n == 0 || n > MAX_TOKENS)
        return tok_fail(err, HONE_BAD_MODEL, "%s is no table of tokens", name);
    if (!tok_file_allocate(m, n + n_codes, false))
        return tok_no_memory(err);
    if (!place_tokens(m, m->root))
        return tok_fail(err, HONE_BAD_MODEL, "the ids of %s are not those from 0 to %zu, each once", name,
                        n - 1);
    place_languages(m, n, o);
    return true;
}

static bool make(struct file_memory *m, struct tokenizer_file *pieces, const struct piece_vocab_options *o,
                 struct hone_error *err)
{
    if (!make_tokens(m, "vocab.json", o, err))
        return false;
    m->pipeline = make_pipeline(m, pieces, o);
    if (!m->pipeline)
        return tok_fail(err, HONE_BAD_MODEL,
                        "the vocabulary lacks the token that ends a text, an unknown one, or that of the "
                        "language '%.32s'",
                        o->source ? o->source : "(none)");
    if (id_of(m, "<unk>") < 0)
        return tok_fail(err, HONE_BAD_MODEL, "vocab.json has no token '<unk>'");
    m->leading_codes = o->leading_codes;
    return keep_pieces(m, pieces) || tok_no_memory(err);
}

bool tok_piece_vocab_read(struct hone_text vocab, struct hone_text model,
                          const struct piece_vocab_options *options, struct tokenizer_file *out,
                          struct hone_error *err)
{
    struct tokenizer_file pieces = {0};
    const struct spiece_options plain = {.family = SPIECE_T5, .extra_ids = 0, .add_bos = 0, .add_eos = 0};
    struct file_memory *m = calloc(1, sizeof *m);
    json_error_t at;
    *out = (struct tokenizer_file){.memory = m};
    bool ok = m || tok_no_memory(err);
    if (ok && !(m->root = json_read(vocab.data, vocab.size, JSON_ALLOW_NUL, &at)))
        ok = tok_fail(err, HONE_BAD_MODEL, "vocab.json: %s", at.text);
    ok = ok && tok_spiece_read(model, &plain, &pieces, err) && make(m, &pieces, options, err);
    tok_file_release(&pieces);
    if (!ok) {
        tok_file_release(out);
        return false;
    }
    tok_file_show(m, out);
    out->ids.model = strcmp(m->pieces->ids.model, "llama") == 0 ? "llama" : "t5";
    out->ids.pre = "default";
    return true;
}

/* ---- of what is written ---- */

/* A model there must be, and this one has the least: nothing is ever cut up by it. */
static bool make_target(struct file_memory *m, const struct piece_vocab_options *o, struct hone_error *err)
{
    if (!make_tokens(m, "target_vocab.json", o, err))
        return false;
    json_t *root =
        json_pack("{s:o, s:n, s:n, s:n, s:o, s:{s:s, s:n, s:b, s:b}}", "added_tokens", added_tokens(m, o),
                  "normalizer", "pre_tokenizer", "post_processor", "decoder", metaspace(), "model", "type",
                  "BPE", "unk_token", "fuse_unk", 0, "byte_fallback", 0);
    m->pipeline = root ? json_write(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return m->pipeline || tok_no_memory(err);
}

bool tok_piece_target_read(struct hone_text vocab, const json_t *config, struct tokenizer_file *out,
                           struct hone_error *err)
{
    const struct piece_vocab_options options = {.config = config};
    struct file_memory *m = calloc(1, sizeof *m);
    json_error_t at;
    *out = (struct tokenizer_file){.memory = m};
    bool ok = m || tok_no_memory(err);
    if (ok && !(m->root = json_read(vocab.data, vocab.size, JSON_ALLOW_NUL, &at)))
        ok = tok_fail(err, HONE_BAD_MODEL, "target_vocab.json: %s", at.text);
    ok = ok && make_target(m, &options, err);
    if (!ok) {
        tok_file_release(out);
        return false;
    }
    tok_file_show(m, out);
    return true;
}
