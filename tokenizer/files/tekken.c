#include "tokenizer/files/tekken.h"

#include "runtime/base/json.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/ranked.h"
#include "tokenizer/stages/charsmap.h"
#include "tokenizer/text/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKENS (1 << 20) /* four times the largest vocabulary */

struct tekken {
    json_t *root, *added;
    struct ranked tokens; /* its vocabulary has the special ones, too */
    size_t n, n_special;
    const char *bos;
    struct hone_error *err;
};

static bool bad(const struct tekken *t, const char *what)
{
    return tok_fail(t->err, HONE_BAD_MODEL, "%s", what);
}

/* Those of files that do not list them, up to version 7 (Mistral Nemo's), as mistral-common names them. */
static const char *const old_specials[] = {"<unk>",
                                           "<s>",
                                           "</s>",
                                           "[INST]",
                                           "[/INST]",
                                           "[AVAILABLE_TOOLS]",
                                           "[/AVAILABLE_TOOLS]",
                                           "[TOOL_RESULTS]",
                                           "[/TOOL_RESULTS]",
                                           "[TOOL_CALLS]",
                                           "[IMG]",
                                           "<pad>",
                                           "[IMG_BREAK]",
                                           "[IMG_END]",
                                           "[PREFIX]",
                                           "[MIDDLE]",
                                           "[SUFFIX]",
                                           "[SYSTEM_PROMPT]",
                                           "[/SYSTEM_PROMPT]",
                                           "[TOOL_CONTENT]"};
#define N_OLD (sizeof old_specials / sizeof *old_specials)

static bool lists_none(const struct tekken *t)
{
    static const char *const versions[] = {"v1", "v2", "v3", "v7"};
    const char *version = json_string_value(json_object_get(json_object_get(t->root, "config"), "version"));
    const json_t *list = json_object_get(t->root, "special_tokens");
    for (size_t i = 0; version && i < sizeof versions / sizeof *versions; i++)
        if (strcmp(version, versions[i]) == 0)
            return (!list || json_is_null(list)) && t->n_special >= N_OLD;
    return false;
}

/* Special tokens have the first ids, whatever their number is; those that the file does not name are named by it. */
static bool read_specials(struct tekken *t, const json_t *list)
{
    const size_t n_old = lists_none(t) ? N_OLD : 0;
    for (size_t i = 0; i < t->n_special; i++) {
        char plain[32];
        const json_t *token = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(token, "token_str"));
        if (token && (!name || json_integer_value(json_object_get(token, "rank")) != (json_int_t)i))
            return bad(t, "tekken.json: 'special_tokens' should be in the order of their ranks");
        snprintf(plain, sizeof plain, "<SPECIAL_%zu>", i);
        name = name ? name : i < n_old ? old_specials[i] : plain;
        json_list_add(&t->added,
                      json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)i, "content", name,
                                "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1));
        if (json_object_set_new(t->tokens.vocab, name, json_integer((json_int_t)i)) != 0)
            return tok_no_memory(t->err);
    }
    t->bos = json_string_value(json_object_get(json_array_get(list, 1), "token_str"));
    t->bos = t->bos || n_old == 0 ? t->bos : old_specials[1];
    return t->bos || bad(t, "tekken.json names no special tokens ('special_tokens')");
}

static bool read_tokens(struct tekken *t, const json_t *list)
{
    struct buffer bytes = {0};
    bool ok = json_array_size(list) >= t->n;
    for (size_t i = 0; i < t->n && ok; i++) {
        const json_t *text = json_object_get(json_array_get(list, i), "token_bytes");
        const json_int_t rank = json_integer_value(json_object_get(json_array_get(list, i), "rank"));
        bytes.size = 0;
        ok = rank == (json_int_t)i && json_is_string(text) &&
             tok_base64_decode((struct hone_text){json_string_value(text), json_string_length(text)},
                               &bytes) &&
             bytes.size > 0 && bytes.size <= RANKED_MAX_BYTES;
        if (ok && !tok_ranked_add(&t->tokens, i, (struct hone_text){bytes.data, bytes.size})) {
            buffer_release(&bytes);
            return tok_no_memory(t->err);
        }
    }
    buffer_release(&bytes);
    return ok ||
           bad(t, "tekken.json: 'vocab' should be tokens of at most 256 bytes in the order of their ranks");
}

/* ---- all of it ---- */

static bool read_sizes(struct tekken *t, const json_t *config)
{
    const json_int_t all = json_integer_value(json_object_get(config, "default_vocab_size")),
                     special = json_integer_value(json_object_get(config, "default_num_special_tokens"));
    if (special < 2 || all <= special || all > MAX_TOKENS ||
        !json_is_string(json_object_get(config, "pattern")))
        return bad(t, "tekken.json: 'config' should have a pattern, default_vocab_size and "
                      "default_num_special_tokens");
    t->n_special = (size_t)special;
    t->n = (size_t)(all - special);
    return tok_ranked_start(&t->tokens, t->n, t->n_special) || tok_no_memory(t->err);
}

/* As a tokenizer.json. */
static json_t *compose(struct tekken *t)
{
    const json_t *pattern = json_object_get(json_object_get(t->root, "config"), "pattern");
    json_t *all = json_pack(
        "{s:o, s:{s:s, s:[{s:s, s:{s:O}, s:s, s:b}, {s:s, s:b, s:b, s:b}]}, s:{s:s, s:[{s:{s:s, s:i}}, "
        "{s:{s:s, s:i}}], s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}], s:{s:{s:s, "
        "s:[i], "
        "s:[s]}}}, s:{s:s, s:b, s:b, s:b}, s:{s:s, s:O, s:O, s:b}}",
        "added_tokens", t->added, "pre_tokenizer", "type", "Sequence", "pretokenizers", "type", "Split",
        "pattern", "Regex", pattern, "behavior", "Isolated", "invert", 0, "type", "ByteLevel",
        "add_prefix_space", 0, "trim_offsets", 1, "use_regex", 0, "post_processor", "type",
        "TemplateProcessing", "single", "SpecialToken", "id", t->bos, "type_id", 0, "Sequence", "id", "A",
        "type_id", 0, "pair", "SpecialToken", "id", t->bos, "type_id", 0, "Sequence", "id", "A", "type_id", 0,
        "SpecialToken", "id", t->bos, "type_id", 1, "Sequence", "id", "B", "type_id", 1, "special_tokens",
        t->bos, "id", t->bos, "ids", 1, "tokens", t->bos, "decoder", "type", "ByteLevel", "add_prefix_space",
        0, "trim_offsets", 1, "use_regex", 0, "model", "type", "BPE", "vocab", t->tokens.vocab, "merges",
        t->tokens.merges, "ignore_merges", 1);
    t->added = NULL;
    return all;
}

bool tok_tekken_read(struct hone_text json, struct tokenizer_file *out, struct hone_error *err)
{
    json_error_t at;
    struct tekken t = {.root = json_read(json.data, json.size, JSON_ALLOW_NUL, &at), .err = err};
    *out = (struct tokenizer_file){0};
    t.added = json_array();
    bool ok = json_is_object(t.root) || bad(&t, "tekken.json is not a JSON object");
    ok = ok && read_sizes(&t, json_object_get(t.root, "config")) &&
         read_specials(&t, json_object_get(t.root, "special_tokens")) &&
         read_tokens(&t, json_object_get(t.root, "vocab")) &&
         (tok_ranked_merge(&t.tokens) || tok_no_memory(err));
    json_t *all = ok ? compose(&t) : NULL;
    if (ok)
        ok = all ? tok_json_take(all, NULL, out, err) : tok_no_memory(err);
    tok_ranked_release(&t.tokens);
    json_decref(t.root);
    json_decref(t.added);
    return ok;
}
