#include "tokenizer/tokenizer_json.h"

#include "tokenizer/preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 24 /* of a made-up token, with its NUL */

/* The arrays that a struct tokenizer_file shows, and what their texts point into. */
struct memory {
    json_t *root;
    struct tok_text *tokens;
    struct tok_merge *merges;
    double *scores;
    int32_t *types;
    char *names, *pipeline, *lines;
    size_t n;
};

static bool allocate(struct memory *m, size_t n, bool scores)
{
    m->n = n;
    m->tokens = calloc(n + 1, sizeof *m->tokens);
    m->types = calloc(n + 1, sizeof *m->types);
    m->names = calloc(n + 1, NAME_SIZE);
    m->scores = scores ? calloc(n + 1, sizeof *m->scores) : NULL;
    return m->tokens && m->types && m->names && (!scores || m->scores);
}

static void set_token(struct memory *m, size_t id, struct tok_text text, enum tok_type type)
{
    m->tokens[id] = text;
    m->types[id] = type;
}

static void name_holes(struct memory *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->types[i])
            continue;
        char *name = m->names + i * NAME_SIZE;
        int size = snprintf(name, NAME_SIZE, "[unused%zu]", i);
        set_token(m, i, (struct tok_text){name, (size_t)size}, TOK_UNUSED);
    }
}

static bool is_byte_token(struct tok_text text)
{
    return text.size == 6 && memcmp(text.data, "<0x", 3) == 0 && text.data[5] == '>';
}

/* One more than the largest id in the model's vocabulary and the added tokens; 0: malformed. */
static size_t count_tokens(const json_t *vocab, const json_t *added)
{
    json_int_t most = (json_int_t)json_array_size(vocab) - 1, n = (json_int_t)json_array_size(added);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)vocab, key, value)
    {
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
static bool read_map(struct memory *m, const json_t *vocab, bool byte_fallback)
{
    for (void *i = json_object_iter((json_t *)vocab); i; i = json_object_iter_next((json_t *)vocab, i)) {
        struct tok_text text = {json_object_iter_key(i), json_object_iter_key_len(i)};
        size_t id = (size_t)json_integer_value(json_object_iter_value(i));
        if (m->types[id]) /* two tokens of one id */
            return false;
        set_token(m, id, text, byte_fallback && is_byte_token(text) ? TOK_BYTE : TOK_NORMAL);
    }
    return true;
}

/* [["token", score], ...] */
static bool read_list(struct memory *m, const json_t *vocab, bool byte_fallback)
{
    for (size_t id = 0; id < json_array_size(vocab); id++) {
        const json_t *token = json_array_get(json_array_get(vocab, id), 0);
        const json_t *score = json_array_get(json_array_get(vocab, id), 1);
        if (!json_is_string(token) || !json_is_number(score))
            return false;
        struct tok_text text = {json_string_value(token), json_string_length(token)};
        set_token(m, id, text, byte_fallback && is_byte_token(text) ? TOK_BYTE : TOK_NORMAL);
        m->scores[id] = json_number_value(score);
    }
    return true;
}

/* Whether the model's own vocabulary has a token; the id of it. */
static bool find_in_model(const struct memory *m, const json_t *vocab, struct tok_text text, size_t *id)
{
    const json_t *value = json_object_getn(vocab, text.data, text.size);
    if (value)
        *id = (size_t)json_integer_value(value);
    for (size_t i = json_array_size(vocab); i-- > 0 && !value;) {
        if (m->tokens[i].size == text.size && memcmp(m->tokens[i].data, text.data, text.size) == 0) {
            *id = i;
            return true;
        }
    }
    return value != NULL;
}

/* Added tokens keep the id they have in the model; others take the place the file gives them. */
static bool read_added(struct memory *m, const json_t *vocab, const json_t *added)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_t *spec = json_array_get(added, i);
        struct tok_text text = component_text(spec, "content");
        bool special = component_bool(spec, "special", false);
        size_t id = (size_t)json_integer_value(json_object_get(spec, "id"));
        if (!text.size)
            continue;
        if (find_in_model(m, vocab, text, &id)) {
            m->types[id] = special ? TOK_CONTROL : TOK_USER_DEFINED;
            continue;
        }
        if (m->types[id] || json_object_set_new(spec, "in_model", json_false()) < 0)
            return false;
        set_token(m, id, text, special ? TOK_CONTROL : TOK_USER_DEFINED);
        if (m->scores)
            m->scores[id] = 0;
    }
    return true;
}

static struct tok_text string_of(const json_t *value)
{
    return (struct tok_text){json_string_value(value), json_string_length(value)};
}

/* "a b" or ["a", "b"] */
static bool read_merge(struct tok_merge *out, const json_t *merge)
{
    struct tok_text text = string_of(merge);
    const char *space = text.data ? memchr(text.data, ' ', text.size) : NULL;
    if (space) {
        size_t left = (size_t)(space - text.data);
        *out = (struct tok_merge){{text.data, left}, {space + 1, text.size - left - 1}};
        return !memchr(out->right.data, ' ', out->right.size);
    }
    *out = (struct tok_merge){string_of(json_array_get(merge, 0)), string_of(json_array_get(merge, 1))};
    return out->left.data && out->right.data;
}

static bool read_merges(struct memory *m, const json_t *merges)
{
    m->merges = calloc(json_array_size(merges) + 1, sizeof *m->merges);
    bool ok = m->merges;
    for (size_t i = 0; ok && i < json_array_size(merges); i++)
        ok = read_merge(&m->merges[i], json_array_get(merges, i));
    return ok;
}

/* The file without what is told elsewhere. m->root keeps the rest alive for the texts that point into it. */
static bool dump_pipeline(struct memory *m)
{
    static const char *const parts[] = {"added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                                        "decoder"};
    json_t *pipeline = json_object(), *model = json_copy(json_object_get(m->root, "model"));
    json_object_del(model, "vocab");
    json_object_del(model, "merges");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (json_object_get(m->root, parts[i]))
            json_object_set(pipeline, parts[i], json_object_get(m->root, parts[i]));
    json_object_set_new(pipeline, "model", model);
    m->pipeline = json_dumps(pipeline, JSON_COMPACT);
    json_decref(pipeline);
    return m->pipeline != NULL;
}

static int32_t find_token(const struct memory *m, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 0; i < m->n; i++)
            if (m->tokens[i].size == strlen(*names) &&
                memcmp(m->tokens[i].data, *names, m->tokens[i].size) == 0)
                return (int32_t)i;
    return -1;
}

static struct tok_preset find_ids(const struct memory *m)
{
    static const char *const bos[] = {"<s>", "<bos>", "<|begin_of_text|>", NULL};
    static const char *const eos[] = {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", NULL};
    static const char *const unk[] = {"[UNK]", "<unk>", NULL}, *const sep[] = {"[SEP]", "</s>", NULL};
    static const char *const pad[] = {"[PAD]", "<pad>", NULL}, *const cls[] = {"[CLS]", "<s>", NULL};
    static const char *const mask[] = {"[MASK]", "<mask>", NULL};
    return (struct tok_preset){
        .model = "",
        .pre = "",
        .bos = find_token(m, bos),
        .eos = find_token(m, eos),
        .unk = find_token(m, unk),
        .sep = find_token(m, sep),
        .pad = find_token(m, pad),
        .cls = find_token(m, cls),
        .mask = find_token(m, mask),
    };
}

/* The unknown token's type, which its being special does not tell. */
static void mark_unknown(struct memory *m, const json_t *model)
{
    const json_t *unk_id = json_object_get(model, "unk_id");
    struct tok_text unk = component_text(model, "unk_token");
    if (json_is_integer(unk_id) && json_integer_value(unk_id) >= 0 &&
        (size_t)json_integer_value(unk_id) < m->n)
        m->types[json_integer_value(unk_id)] = TOK_UNKNOWN;
    for (size_t i = 0; i < m->n && unk.size; i++)
        if (m->tokens[i].size == unk.size && memcmp(m->tokens[i].data, unk.data, unk.size) == 0)
            m->types[i] = TOK_UNKNOWN;
}

static void show(const struct memory *m, size_t n_merges, struct tokenizer_file *out)
{
    out->vocab = (struct tok_vocab){.n_tokens = m->n,
                                    .tokens = m->tokens,
                                    .scores = m->scores,
                                    .types = m->types,
                                    .merges = m->merges,
                                    .n_merges = n_merges};
    out->pipeline = (struct tok_text){m->pipeline, strlen(m->pipeline)};
    out->ids = find_ids(m);
}

bool tokenizer_json_read(struct tok_text json, struct tokenizer_file *out, char *why, size_t why_size)
{
    json_error_t error;
    struct memory *m = calloc(1, sizeof *m);
    *out = (struct tokenizer_file){.memory = m};
    if (!m)
        return tok_no_memory(why, why_size);
    m->root = json_loadb(json.data, json.size, JSON_ALLOW_NUL, &error);
    if (!m->root) {
        tok_fail(why, why_size, "tokenizer.json is not JSON: %s (line %d)", error.text, error.line);
        goto error;
    }
    const json_t *model = json_object_get(m->root, "model"),
                 *added = json_object_get(m->root, "added_tokens");
    const json_t *vocab = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    bool bytes = component_bool(model, "byte_fallback", false);
    size_t n = count_tokens(vocab, added);
    if (!n) {
        tok_fail(why, why_size, "tokenizer.json has no vocabulary, or one with holes that are too large");
        goto error;
    }
    if (!allocate(m, n, json_is_array(vocab))) {
        tok_no_memory(why, why_size);
        goto error;
    }
    if (!(json_is_object(vocab) ? read_map(m, vocab, bytes) : read_list(m, vocab, bytes))) {
        tok_fail(why, why_size, "tokenizer.json: the vocabulary is malformed");
        goto error;
    }
    if (!read_added(m, vocab, added) || !read_merges(m, merges) || !dump_pipeline(m)) {
        tok_fail(why, why_size, "tokenizer.json: added tokens or merges are malformed");
        goto error;
    }
    mark_unknown(m, model);
    name_holes(m);
    show(m, json_array_size(merges), out);
    return true;
error:
    tokenizer_file_release(out);
    return false;
}

/* Splits the text at line ends; *n counts on. With tokens NULL it only counts. */
static size_t read_lines(struct tok_text text, struct memory *m)
{
    size_t n = 0;
    for (size_t at = 0; at < text.size; n++) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
        size_t size = end ? (size_t)(end - line) : text.size - at;
        at += size + 1;
        if (size && line[size - 1] == '\r')
            size--;
        if (m)
            set_token(m, n, (struct tok_text){m->lines + (line - text.data), size}, TOK_NORMAL);
    }
    return n;
}

bool vocab_txt_read(struct tok_text lines, const struct vocab_txt_options *options,
                    struct tokenizer_file *out, char *why, size_t why_size)
{
    struct memory *m = calloc(1, sizeof *m);
    *out = (struct tokenizer_file){.memory = m};
    if (!m || !allocate(m, read_lines(lines, NULL), false) || !(m->lines = malloc(lines.size + 1))) {
        tok_no_memory(why, why_size);
        goto error;
    }
    memcpy(m->lines, lines.data, lines.size);
    read_lines(lines, m);
    struct tok_preset p = find_ids(m);
    const int32_t specials[] = {p.pad, p.unk, p.cls, p.sep, p.mask};
    json_t *added = json_array();
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (specials[i] < 0)
            continue;
        m->types[specials[i]] = specials[i] == p.unk ? TOK_UNKNOWN : TOK_CONTROL;
        json_array_append_new(added, preset_added_token(m->tokens[specials[i]], specials[i], true, false));
    }
    struct tok_vocab vocab = {.n_tokens = m->n, .tokens = m->tokens};
    json_t *pipeline = preset_bert(&p, &vocab, options->do_lower_case, options->tokenize_chinese_chars,
                                   options->strip_accents, added);
    m->pipeline = pipeline ? json_dumps(pipeline, JSON_COMPACT) : NULL;
    json_decref(pipeline);
    if (!m->pipeline) {
        tok_fail(why, why_size, "vocab.txt lacks [UNK], [CLS] or [SEP]");
        goto error;
    }
    show(m, 0, out);
    return true;
error:
    tokenizer_file_release(out);
    return false;
}

void tokenizer_file_release(struct tokenizer_file *file)
{
    struct memory *m = file->memory;
    if (m) {
        json_decref(m->root);
        free(m->tokens);
        free(m->types);
        free(m->names);
        free(m->scores);
        free(m->merges);
        free(m->pipeline);
        free(m->lines);
        free(m);
    }
    *file = (struct tokenizer_file){0};
}
