#include "tokenizer/files/tokenizer_json.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/file_memory.h"
#include "tokenizer/files/pre_names.h"
#include "tokenizer/files/preset.h"
#include "tokenizer/files/token_list.h"
#include "tokenizer/stages/charsmap.h"
#include "tokenizer/stages/words.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>
#include <string.h>

static bool malformed(struct hone_error *err, const char *what)
{
    return tok_fail(err, HONE_BAD_MODEL, "tokenizer.json: %s", what);
}

static bool is_byte_token(struct hone_text text)
{
    return text.size == 6 && text_begins(text, "<0x") && text.data[5] == '>';
}

/* One more than the largest id in the model's vocabulary and the added tokens; 0: malformed. */
static size_t count_tokens(const json_t *vocab, const json_t *added)
{
    json_int_t most = (json_int_t)json_array_size(vocab) - 1, n = (json_int_t)json_array_size(added);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)vocab, key, value) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return 0;
        most = json_integer_value(value) > most ? json_integer_value(value) : most;
        n++;
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *id = json_object_get(json_array_get(added, i), "id");
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return 0;
        most = json_integer_value(id) > most ? json_integer_value(id) : most;
    }
    n += (json_int_t)json_array_size(vocab);
    return most < 0 || most > 4 * n + 65536 ? 0 : (size_t)most + 1;
}

/* {"token": id, ...} */
static bool read_map(struct file_memory *m, const json_t *vocab, bool byte_fallback)
{
    for (void *i = json_object_iter((json_t *)vocab); i; i = json_object_iter_next((json_t *)vocab, i)) {
        struct hone_text text = {json_object_iter_key(i), json_object_iter_key_len(i)};
        size_t id = (size_t)json_integer_value(json_object_iter_value(i));
        if (m->types[id]) /* two tokens of one id */
            return false;
        file_set_token(m, id, text, byte_fallback && is_byte_token(text) ? TOK_BYTE : TOK_NORMAL);
    }
    return true;
}

/* [["token", score], ...] */
static bool read_list(struct file_memory *m, const json_t *vocab, bool byte_fallback)
{
    for (size_t id = 0; id < json_array_size(vocab); id++) {
        const json_t *token = json_array_get(json_array_get(vocab, id), 0);
        const json_t *score = json_array_get(json_array_get(vocab, id), 1);
        if (!json_is_string(token) || !json_is_number(score))
            return false;
        struct hone_text text = {json_string_value(token), json_string_length(token)};
        file_set_token(m, id, text, byte_fallback && is_byte_token(text) ? TOK_BYTE : TOK_NORMAL);
        m->scores[id] = json_number_value(score);
    }
    return true;
}

/* Whether the model's own vocabulary has a token; the id of it. pieces: of a vocabulary that is a list. */
static bool find_in_model(const struct token_list *pieces, const json_t *vocab, struct hone_text text,
                          size_t *id)
{
    const json_t *value = json_object_getn(vocab, text.data, text.size);
    const struct listed_token *piece = value ? NULL : tok_list_find(pieces, text);
    if (value || piece)
        *id = (size_t)(value ? json_integer_value(value) : piece->id);
    return value || piece;
}

/* Of equal pieces the last counts. */
static bool list_pieces(struct token_list *list, const struct file_memory *m, const json_t *vocab)
{
    bool ok = true;
    for (size_t i = json_array_size(vocab); i-- > 0 && ok;)
        ok = tok_list_add(list, m->tokens[i], (json_int_t)i, NULL);
    return ok;
}

/* Added tokens keep the id they have in the model; others take the place the file gives them. */
static bool read_token(struct file_memory *m, const json_t *vocab, const struct token_list *pieces,
                       json_t *spec, struct hone_error *err)
{
    struct hone_text text = tok_component_text(spec, "content");
    const enum tok_type type = tok_component_bool(spec, "special", false) ? TOK_CONTROL : TOK_USER_DEFINED;
    size_t id = (size_t)json_integer_value(json_object_get(spec, "id"));
    if (!text.size)
        return true;
    if (find_in_model(pieces, vocab, text, &id)) {
        m->types[id] = type;
        return true;
    }
    if (m->types[id])
        return malformed(err, "an added token has the id of another one");
    if (json_object_set_new(spec, "in_model", json_false()) < 0)
        return tok_no_memory(err);
    file_set_token(m, id, text, type);
    if (m->scores)
        m->scores[id] = 0;
    return true;
}

static bool read_added(struct file_memory *m, const json_t *vocab, const json_t *added,
                       struct hone_error *err)
{
    struct token_list pieces = {0};
    bool ok = list_pieces(&pieces, m, vocab) || tok_no_memory(err);
    for (size_t i = 0; i < json_array_size(added) && ok; i++)
        ok = read_token(m, vocab, &pieces, json_array_get(added, i), err);
    tok_list_release(&pieces);
    return ok;
}

static struct hone_text string_of(const json_t *value)
{
    return (struct hone_text){json_string_value(value), json_string_length(value)};
}

/* "a b" or ["a", "b"] */
static bool read_merge(struct tok_merge *out, const json_t *merge)
{
    struct hone_text text = string_of(merge);
    const char *space = text.data ? memchr(text.data, ' ', text.size) : NULL;
    if (space) {
        size_t left = (size_t)(space - text.data);
        *out = (struct tok_merge){{text.data, left}, {space + 1, text.size - left - 1}};
        return !memchr(out->right.data, ' ', out->right.size);
    }
    *out = (struct tok_merge){string_of(json_array_get(merge, 0)), string_of(json_array_get(merge, 1))};
    return out->left.data && out->right.data;
}

static bool read_merges(struct file_memory *m, const json_t *merges, struct hone_error *err)
{
    m->n_merges = json_array_size(merges);
    m->merges = calloc(m->n_merges + 1, sizeof *m->merges);
    if (!m->merges)
        return tok_no_memory(err);
    for (size_t i = 0; i < m->n_merges; i++)
        if (!read_merge(&m->merges[i], json_array_get(merges, i)))
            return malformed(err, "a merge is no pair of tokens");
    return true;
}

/* The map of the first Precompiled normalizer goes where GGUF has it. A malformed one stays, to be refused. */
static void take_charsmap(struct file_memory *m)
{
    const json_t *steps[COMPONENT_MAX_STEPS];
    struct complaint c = {NULL};
    int n = tok_component_steps(json_object_get(m->root, "normalizer"), "normalizers", steps, &c);
    for (int i = 0; i < n; i++) {
        if (strcmp(tok_component_type(steps[i]), "Precompiled") != 0)
            continue;
        if (tok_base64_decode(tok_component_text(steps[i], "precompiled_charsmap"), &m->charsmap))
            json_object_del((json_t *)steps[i], "precompiled_charsmap");
        else
            buffer_clear(&m->charsmap);
        return;
    }
}

/* The file without what is told elsewhere. m->root keeps the rest alive for the texts that point into it. */
static bool dump_pipeline(struct file_memory *m)
{
    static const char *const parts[] = {"added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                                        "decoder"};
    const json_t *truncation = json_object_get(m->root, "truncation");
    m->truncate_left = strcmp(tok_component_text(truncation, "direction").data, "Left") == 0;
    take_charsmap(m);
    json_t *pipeline = json_object(), *model = json_copy_object(json_object_get(m->root, "model"));
    json_object_del(model, "vocab");
    json_object_del(model, "merges");
    bool ok = model != NULL;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && ok; i++)
        if (json_object_get(m->root, parts[i]))
            ok = json_object_set(pipeline, parts[i], json_object_get(m->root, parts[i])) == 0;
    if (json_object_set_new(pipeline, "model", model) == 0 && ok)
        m->pipeline = json_write(pipeline, JSON_COMPACT);
    json_decref(pipeline);
    return m->pipeline != NULL;
}

/* The unknown token's type, which its being special does not tell. */
static void mark_unknown(struct file_memory *m, const json_t *model)
{
    const json_t *unk_id = json_object_get(model, "unk_id");
    struct hone_text unk = tok_component_text(model, "unk_token");
    if (json_is_integer(unk_id) && json_integer_value(unk_id) >= 0 &&
        (size_t)json_integer_value(unk_id) < m->n)
        m->types[json_integer_value(unk_id)] = TOK_UNKNOWN;
    for (size_t i = 0; i < m->n && unk.size; i++)
        if (text_equal(m->tokens[i], unk))
            m->types[i] = TOK_UNKNOWN;
}

/* What GGUF calls the kinds of tokenizers. */
static const char *model_name(const json_t *model)
{
    const char *type = tok_component_type(model);
    if (strcmp(type, "WordPiece") == 0)
        return "bert";
    if (strcmp(type, "Unigram") == 0)
        return "t5";
    return tok_component_bool(model, "byte_fallback", false) ? "llama" : "gpt2";
}

/* What GGUF calls the expressions by which byte-level vocabularies cut text up. */
static const char *pre_name(const json_t *root)
{
    const json_t *steps[COMPONENT_MAX_STEPS];
    struct complaint c = {NULL};
    int n = tok_component_steps(json_object_get(root, "pre_tokenizer"), "pretokenizers", steps, &c);
    const char *cuts[PRE_MAX_CUTS + 1] = {NULL};
    bool digits = n == 2 && strcmp(tok_component_type(steps[0]), "Digits") == 0;
    if (n < 1 || n > PRE_MAX_CUTS + 1 || strcmp(tok_component_type(steps[n - 1]), "ByteLevel") != 0)
        return "default";
    if (n == 1 || digits)
        return digits ? "smollm" : "gpt-2";
    for (int i = 0; i < n - 1; i++)
        if (!(cuts[i] = tok_component_text(json_object_get(steps[i], "pattern"), "Regex").data))
            return "default";
    const char *name = tok_pre_name_of(cuts);
    if (name || n > 2)
        return name ? name : "default";
    switch (tok_words_find(cuts[0])) {
    case WORDS_GPT2:
        return "gpt-2";
    case WORDS_LLAMA3:
        return "llama-bpe";
    case WORDS_QWEN2:
        return "qwen2";
    default:
        return "default";
    }
}

/* m->root: the file. */
static bool read_root(struct file_memory *m, struct hone_error *err)
{
    const json_t *model = json_object_get(m->root, "model"),
                 *added = json_object_get(m->root, "added_tokens");
    const json_t *vocab = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    bool bytes = tok_component_bool(model, "byte_fallback", false);
    size_t n = count_tokens(vocab, added);
    if (!n)
        return tok_fail(err, HONE_BAD_MODEL,
                        "tokenizer.json has no vocabulary, or one with holes that are too large");
    if (!tok_file_allocate(m, n, json_is_array(vocab)))
        return tok_no_memory(err);
    if (!(json_is_object(vocab) ? read_map(m, vocab, bytes) : read_list(m, vocab, bytes)))
        return malformed(err, "the vocabulary is malformed");
    if (!read_added(m, vocab, added, err) || !read_merges(m, merges, err))
        return false;
    if (!dump_pipeline(m))
        return tok_no_memory(err);
    mark_unknown(m, model);
    return true;
}

bool tok_json_take(json_t *root, const struct tokenizer_folder *folder, struct tokenizer_file *out,
                   struct hone_error *err)
{
    struct file_memory *m = calloc(1, sizeof *m);
    *out = (struct tokenizer_file){.memory = m};
    bool ok = m && tok_amend(root, folder);
    if (m)
        m->root = root;
    else
        json_decref(root);
    ok = ok ? read_root(m, err) : tok_no_memory(err);
    if (!ok) {
        tok_file_release(out);
        return false;
    }
    tok_file_name_holes(m);
    tok_file_show(m, out);
    out->ids.model = model_name(json_object_get(root, "model"));
    out->ids.pre = pre_name(root);
    return true;
}

bool tok_json_read_in(struct hone_text json, const struct tokenizer_folder *folder,
                      struct tokenizer_file *out, struct hone_error *err)
{
    json_error_t error;
    json_t *root = json_read(json.data, json.size, JSON_ALLOW_NUL, &error);
    *out = (struct tokenizer_file){0};
    if (!root && json_had_no_memory(&error))
        return tok_no_memory(err);
    if (!root)
        return tok_fail(err, HONE_BAD_MODEL, "tokenizer.json is not JSON: %s (line %d)", error.text,
                        error.line);
    return tok_json_take(root, folder, out, err);
}

bool tok_json_read(struct hone_text json, struct tokenizer_file *out, struct hone_error *err)
{
    return tok_json_read_in(json, NULL, out, err);
}
