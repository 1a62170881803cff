#include "tokenizer/files/byte_vocab.h"

#include "runtime/base/json.h"
#include "runtime/base/utf8.h"
#include "tokenizer/files/parts.h"
#include "tokenizer/stages/bytelevel.h"
#include "tokenizer/text/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tokens 0 to 2, before those of the bytes; marks ("<extra_id_0>" ...) follow these. */
static const char *const own[][2] = {{"pad_token", "<pad>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
#define N_OWN      3
#define FIRST_MARK (N_OWN + 256)
#define USUAL      125

/* token: a string, or an object that says how it is looked for; strips: white space beside it is part of it, where it is a string. */
static json_t *added(json_int_t id, const json_t *token, const char *usual, bool strips)
{
    const char *text = tok_token_text(token);
    const bool says = json_is_object(token);
    return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content", *text ? text : usual,
                     "single_word", json_is_true(json_object_get(token, "single_word")), "lstrip",
                     says ? json_is_true(json_object_get(token, "lstrip")) : strips, "rstrip",
                     says ? json_is_true(json_object_get(token, "rstrip")) : strips, "normalized", 0,
                     "special", 1);
}

/* Whether it has an id without being listed: one of the three, or a byte. */
static bool is_there(const json_t *config, const char *text)
{
    for (size_t i = 0; i < N_OWN; i++)
        if (strcmp(text, tok_named_token(config, own[i][0], own[i][1])) == 0)
            return true;
    return strlen(text) == 1;
}

static void add_marks(json_t **list, const json_t *config)
{
    const json_t *named = json_object_get(config, "additional_special_tokens"),
                 *number = json_object_get(config, "extra_ids");
    const bool is_list = json_is_array(named);
    const size_t n = is_list                   ? json_array_size(named)
                     : json_is_integer(number) ? (size_t)json_integer_value(number)
                                               : USUAL;
    json_int_t id = FIRST_MARK;
    for (size_t i = 0; i < n && *list; i++) {
        char mark[32];
        snprintf(mark, sizeof mark, "<extra_id_%zu>", i);
        if (!is_there(config, tok_token_text(json_array_get(named, i))))
            json_list_add(list, added(id++, json_array_get(named, i), mark, false));
    }
}

/* Those that a configuration lists by their numbers are all that there are. */
static void add_listed(json_t **list, const json_t *listed)
{
    char number[16];
    for (size_t i = 0; i < FIRST_MARK + BYTE_VOCAB_MAX_EXTRA && *list; i++) {
        snprintf(number, sizeof number, "%zu", i);
        const json_t *token = json_object_get(listed, number);
        if (token && (i < N_OWN || i >= FIRST_MARK))
            json_list_add(list, added((json_int_t)i, token, "", false));
    }
}

static json_t *added_tokens(const json_t *config)
{
    const json_t *listed = json_object_get(config, "added_tokens_decoder");
    json_t *list = json_array();
    for (size_t i = 0; i < N_OWN && list; i++) {
        char number[16];
        snprintf(number, sizeof number, "%zu", i);
        if (!json_object_get(listed, number))
            json_list_add(&list, added((json_int_t)i, json_object_get(config, own[i][0]), own[i][1], true));
    }
    if (json_object_size(listed) > 0)
        add_listed(&list, listed);
    else
        add_marks(&list, config);
    return list;
}

/* {character: id}, as byte-level BPE writes bytes. */
static json_t *byte_tokens(void)
{
    json_t *vocab = json_object();
    for (unsigned byte = 0; byte < 256 && vocab; byte++) {
        char name[8];
        name[utf8_encode(tok_bytelevel_point((unsigned char)byte), name)] = 0;
        if (json_object_set_new(vocab, name, json_integer(N_OWN + (json_int_t)byte)) != 0) {
            json_decref(vocab);
            return NULL;
        }
    }
    return vocab;
}

/* As a tokenizer.json: BPE that merges nothing. What is no UTF-8 is left out of texts that are made of tokens. */
static json_t *compose(json_t *tokens, const char *end)
{
    return json_pack(
        "{s:o, s:{s:s, s:b, s:b, s:b}, s:{s:s, s:b, s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}], s:[{s:{s:s, s:i}}, "
        "{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}], s:{s:{s:s, s:[i], s:[s]}}}, s:{s:s, s:[{s:s}, "
        "{s:s, s:{s:s}, s:s}]}, s:{s:s, s:o, s:[]}}",
        "added_tokens", tokens, "pre_tokenizer", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets",
        0, "use_regex", 0, "post_processor", "type", "TemplateProcessing", "ends_once", 1, "single",
        "Sequence", "id", "A", "type_id", 0, "SpecialToken", "id", end, "type_id", 0, "pair", "Sequence",
        "id", "A", "type_id", 0, "SpecialToken", "id", end, "type_id", 0, "Sequence", "id", "B", "type_id", 0,
        "SpecialToken", "id", end, "type_id", 0, "special_tokens", end, "id", end, "ids", 1, "tokens", end,
        "decoder", "type", "Sequence", "decoders", "type", "ByteLevel", "type", "Replace", "pattern",
        "String", "\xef\xbf\xbd", "content", "", "model", "type", "BPE", "vocab", byte_tokens(), "merges");
}

static bool check(const json_t *config, struct hone_error *err)
{
    static const char *const lists[] = {"additional_special_tokens", "added_tokens_decoder"};
    const json_t *number = json_object_get(config, "extra_ids");
    const json_int_t n = json_integer_value(number);
    if (number && !json_is_null(number) && (!json_is_integer(number) || n < 0 || n > BYTE_VOCAB_MAX_EXTRA))
        return tok_fail(err, HONE_BAD_MODEL, "'extra_ids' should be a number of marks, 0 to %d",
                        BYTE_VOCAB_MAX_EXTRA);
    for (size_t i = 0; i < 2; i++) {
        const json_t *list = json_object_get(config, lists[i]);
        if (json_array_size(list) > BYTE_VOCAB_MAX_EXTRA || json_object_size(list) > BYTE_VOCAB_MAX_EXTRA)
            return tok_fail(err, HONE_BAD_MODEL, "'%s' has more than %d tokens", lists[i],
                            BYTE_VOCAB_MAX_EXTRA);
    }
    return true;
}

bool tok_byte_vocab_read(const json_t *config, struct tokenizer_file *out, struct hone_error *err)
{
    *out = (struct tokenizer_file){0};
    if (!check(config, err))
        return false;
    json_t *tokens = added_tokens(config);
    const char *end = tok_token_text(
        json_object_get(json_object_get(json_object_get(config, "added_tokens_decoder"), "1"), "content"));
    if (!*end)
        end = tok_named_token(config, own[1][0], own[1][1]);
    json_t *all = tokens ? compose(tokens, end) : NULL;
    char *text = all ? json_write(all, JSON_COMPACT) : NULL;
    bool ok = text ? tok_json_read((struct hone_text){text, strlen(text)}, out, err) : tok_no_memory(err);
    free(text);
    json_decref(all);
    return ok;
}
