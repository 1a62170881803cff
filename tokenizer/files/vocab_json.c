#include "tokenizer/files/vocab_json.h"

#include "runtime/base/json.h"
#include "tokenizer/text/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- merges ---- */

/* A list of "LEFT RIGHT"; NULL: no memory, or what is no text. The first line may be a remark. */
static json_t *read_merges(struct hone_text text)
{
    static const char remark[] = "#version";
    json_t *list = json_array();
    for (size_t at = 0; at < text.size && list;) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
        size_t size = end ? (size_t)(end - line) : text.size - at;
        bool is_remark = at == 0 && size >= sizeof remark - 1 && memcmp(line, remark, sizeof remark - 1) == 0;
        at += size + 1;
        if (size > 0 && line[size - 1] == '\r')
            size--;
        if (size == 0 || is_remark)
            continue;
        if (json_array_append_new(list, json_stringn(line, size)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* ---- special tokens ---- */

/* What the file is made of. */
struct vocab_json_source {
    const struct vocab_json_options *options;
    json_t *vocab, *added_tokens;
    json_t *listed; /* {id: true} of added_tokens */
};

/* -1: it is no token. */
static json_int_t id_of(const struct vocab_json_source *s, const char *content)
{
    const json_t *id = json_object_get(s->options->added, content);
    id = id ? id : json_object_get(s->vocab, content);
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

/* token: a string, or an object with its "content" and how it is looked for. */
static void add_token(struct vocab_json_source *s, const json_t *token, bool special)
{
    const json_t *how = json_is_object(token) ? token : NULL;
    const char *content = json_string_value(how ? json_object_get(how, "content") : token);
    json_int_t id = content ? id_of(s, content) : -1;
    char key[24];
    snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT, id);
    if (id < 0 || json_object_get(s->listed, key))
        return;
    if (json_object_set_new(s->listed, key, json_true()) != 0) {
        json_decref(s->added_tokens); /* which is then told to lack memory */
        s->added_tokens = NULL;
    }
    json_list_add(&s->added_tokens,
                  json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content", content,
                            "single_word", json_is_true(json_object_get(how, "single_word")), "lstrip",
                            json_is_true(json_object_get(how, "lstrip")), "rstrip",
                            json_is_true(json_object_get(how, "rstrip")), "normalized", 0, "special",
                            (int)special));
}

static const json_t *special_of(const struct vocab_json_source *s, const char *name, const json_t *otherwise)
{
    const json_t *value = json_object_get(s->options->specials, name);
    return value && !json_is_null(value) ? value : otherwise;
}

/* The special tokens by their names, RoBERTa's own where nothing is said; then all others. */
static void add_tokens(struct vocab_json_source *s)
{
    static const char *const names[][2] = {
        {"bos_token", "<s>"},   {"eos_token", "</s>"}, {"unk_token", "<unk>"},  {"sep_token", "</s>"},
        {"pad_token", "<pad>"}, {"cls_token", "<s>"},  {"mask_token", "<mask>"}};
    size_t i;
    json_t *token, *id;
    const char *content;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        json_t *usual = json_string(names[k][1]);
        add_token(s, special_of(s, names[k][0], usual), true);
        json_decref(usual);
    }
    json_array_foreach (json_object_get(s->options->specials, "additional_special_tokens"), i, token) {
        add_token(s, token, true);
    }
    json_object_foreach ((json_t *)s->options->added, content, id) {
        token = json_string(content);
        add_token(s, token, false);
        json_decref(token);
    }
}

/* ---- the whole ---- */

/* [content, id] of a special token; NULL: there is none. */
static json_t *end_of_template(const struct vocab_json_source *s, const char *name, const char *usual)
{
    const json_t *token = special_of(s, name, NULL);
    const char *content =
        json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
    content = content ? content : usual;
    json_int_t id = id_of(s, content);
    return id < 0 ? NULL : json_pack("[s, I]", content, id);
}

/* As a tokenizer.json; takes merges over. NULL: a special token is missing, or no memory. */
static json_t *compose(const struct vocab_json_source *s, json_t *merges)
{
    const int prefix = s->options->add_prefix_space, trim = s->options->trim_offsets;
    json_t *sep = end_of_template(s, "sep_token", "</s>"), *cls = end_of_template(s, "cls_token", "<s>");
    return json_pack("{s:O, s:{s:s, s:b, s:b, s:b}, s:{s:s, s:o, s:o, s:b, s:b}, s:{s:s, s:b, s:b, s:b}, "
                     "s:{s:s, s:O, s:o}}",
                     "added_tokens", s->added_tokens, "pre_tokenizer", "type", "ByteLevel",
                     "add_prefix_space", prefix, "trim_offsets", trim, "use_regex", 1, "post_processor",
                     "type", "RobertaProcessing", "sep", sep, "cls", cls, "trim_offsets", trim,
                     "add_prefix_space", prefix, "decoder", "type", "ByteLevel", "add_prefix_space", 1,
                     "trim_offsets", 1, "use_regex", 1, "model", "type", "BPE", "vocab", s->vocab, "merges",
                     merges);
}

bool tok_vocab_json_read(struct hone_text vocab, struct hone_text merges,
                         const struct vocab_json_options *options, struct tokenizer_file *out,
                         struct hone_error *err)
{
    json_error_t at;
    struct vocab_json_source s = {options, json_read(vocab.data, vocab.size, JSON_ALLOW_NUL, &at),
                                  json_array(), json_object()};
    json_t *all = NULL;
    char *text = NULL;
    bool ok = false;
    *out = (struct tokenizer_file){0};
    if (json_is_object(s.vocab)) {
        add_tokens(&s);
        all = compose(&s, read_merges(merges));
        text = all ? json_write(all, JSON_COMPACT) : NULL;
    }
    if (text)
        ok = tok_json_read((struct hone_text){text, strlen(text)}, out, err);
    else
        tok_fail(err, HONE_BAD_MODEL, "vocab.json is no table of tokens with those that stand around a text");
    free(text);
    json_decref(all);
    json_decref(s.vocab);
    json_decref(s.added_tokens);
    json_decref(s.listed);
    return ok;
}
