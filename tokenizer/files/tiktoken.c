#include "tokenizer/files/tiktoken.h"

#include "runtime/base/json.h"
#include "tokenizer/files/amend.h"
#include "tokenizer/files/pre_names.h"
#include "tokenizer/files/preset.h"
#include "tokenizer/files/ranked.h"
#include "tokenizer/stages/charsmap.h"
#include "tokenizer/text/fail.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKENS (1 << 20) /* four times the largest vocabulary */

/* A line: base64, a space, a number. *next is behind it. false: it is none. */
static bool read_line(struct hone_text file, size_t *next, struct hone_text *base64, size_t *rank)
{
    const char *line = file.data + *next, *end = memchr(line, '\n', file.size - *next);
    const size_t size = end ? (size_t)(end - line) : file.size - *next;
    const char *space = memchr(line, ' ', size);
    *next += size + (end != NULL);
    if (!space || space == line)
        return false;
    *base64 = (struct hone_text){line, (size_t)(space - line)};
    *rank = 0;
    const char *at = space + 1;
    for (; at < line + size && isdigit((unsigned char)*at) && *rank < MAX_TOKENS; at++)
        *rank = 10 * *rank + (size_t)(*at - '0');
    at += at < line + size && *at == '\r';
    return at > space + 1 && at == line + size && *rank < MAX_TOKENS;
}

bool tok_is_tiktoken(struct hone_text file)
{
    struct buffer bytes = {0};
    struct hone_text base64;
    size_t next = 0, rank;
    bool is_one =
        file.size > 0 && read_line(file, &next, &base64, &rank) && tok_base64_decode(base64, &bytes);
    buffer_release(&bytes);
    return is_one;
}

static bool bad(struct hone_error *err)
{
    return tok_fail(err, HONE_BAD_MODEL,
                    "it should have a line for each rank from 0 on, of 1 to %d bytes in base64",
                    RANKED_MAX_BYTES);
}

static bool read_tokens(struct hone_text file, struct ranked *r, struct hone_error *err)
{
    struct buffer bytes = {0};
    struct hone_text base64;
    size_t n = 0, rank;
    for (size_t next = 0; next < file.size; n++)
        if (!read_line(file, &next, &base64, &rank))
            return bad(err);
    if (n == 0 || n >= MAX_TOKENS)
        return bad(err);
    bool ok = tok_ranked_start(r, n, 0) || tok_no_memory(err);
    for (size_t next = 0; next < file.size && ok;) {
        bytes.size = 0;
        ok = (read_line(file, &next, &base64, &rank) && rank < n && !r->names[rank].data &&
              tok_base64_decode(base64, &bytes) && bytes.size > 0 && bytes.size <= RANKED_MAX_BYTES) ||
             bad(err);
        ok =
            ok && (tok_ranked_add(r, rank, (struct hone_text){bytes.data, bytes.size}) || tok_no_memory(err));
    }
    buffer_release(&bytes);
    return ok && (json_object_size(r->vocab) == n || bad(err)) && (tok_ranked_merge(r) || tok_no_memory(err));
}

/* ---- special tokens ---- */

static void add_special(json_t **list, size_t id, const char *name, const json_t *how)
{
    const json_t *special = json_object_get(how, "special");
    json_list_add(list, json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)id, "content",
                                  name, "single_word", (int)json_is_true(json_object_get(how, "single_word")),
                                  "lstrip", (int)json_is_true(json_object_get(how, "lstrip")), "rstrip",
                                  (int)json_is_true(json_object_get(how, "rstrip")), "normalized",
                                  (int)json_is_true(json_object_get(how, "normalized")), "special",
                                  (int)(!special || json_is_true(special))));
}

/* In the order of their ids; *bos: the id of that name, or SIZE_MAX. */
static json_t *specials(const struct tiktoken_options *o, size_t n, size_t *bos)
{
    json_t *list = json_array(), *value;
    const char *key;
    char name[48], id[24];
    *bos = SIZE_MAX;
    json_object_foreach ((json_t *)o->added, key, value) {
        const char *content = json_string_value(json_object_get(value, "content"));
        const size_t at = strtoul(key, NULL, 10);
        if (content && at >= n && at < n + MAX_TOKENS)
            add_special(&list, at, content, value);
        if (content && o->bos && strcmp(content, o->bos) == 0)
            *bos = at;
    }
    for (size_t i = n; i < n + o->n_reserved; i++) {
        snprintf(name, sizeof name, "<|reserved_token_%zu|>", i);
        snprintf(id, sizeof id, "%zu", i);
        if (!json_object_get(o->added, id))
            add_special(&list, i, name, NULL);
    }
    return list;
}

static json_t *template_of(const char *bos, size_t id)
{
    return json_pack("{s:s, s:[{s:{s:s,s:i}},{s:{s:s,s:i}}], s:[{s:{s:s,s:i}},{s:{s:s,s:i}},{s:{s:s,s:i}},"
                     "{s:{s:s,s:i}}], s:{s:{s:s,s:[I],s:[s]}}}",
                     "type", "TemplateProcessing", "single", "SpecialToken", "id", bos, "type_id", 0,
                     "Sequence", "id", "A", "type_id", 0, "pair", "SpecialToken", "id", bos, "type_id", 0,
                     "Sequence", "id", "A", "type_id", 0, "SpecialToken", "id", bos, "type_id", 1, "Sequence",
                     "id", "B", "type_id", 1, "special_tokens", bos, "id", bos, "ids", (json_int_t)id,
                     "tokens", bos);
}

/* ---- all of it ---- */

bool tok_tiktoken_read(struct hone_text file, const struct tiktoken_options *options,
                       struct tokenizer_file *out, struct hone_error *err)
{
    const struct pre_name *kind = tok_pre_find(options->pre);
    struct ranked r = {0};
    size_t bos;
    *out = (struct tokenizer_file){0};
    if (!kind)
        return tok_fail(err, HONE_BAD_MODEL, "the pre-tokenizer \"%.64s\" is not supported", options->pre);
    bool ok = read_tokens(file, &r, err);
    json_t *added = ok ? specials(options, r.n, &bos) : NULL;
    if (ok && options->bos && bos == SIZE_MAX)
        ok = tok_fail(err, HONE_BAD_MODEL, "no added token is '%s', which begins each text", options->bos);
    json_t *root =
        ok ? json_pack("{s:O, s:o, s:o, s:{s:s, s:b, s:b, s:b}, s:{s:s, s:O, s:O, s:b}}", "added_tokens",
                       added, "pre_tokenizer", tok_preset_cut_up(kind), "post_processor",
                       options->bos ? template_of(options->bos, bos) : json_null(), "decoder", "type",
                       "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex", 0, "model", "type",
                       "BPE", "vocab", r.vocab, "merges", r.merges, "ignore_merges", 1)
           : NULL;
    tok_ranked_release(&r);
    json_decref(added);
    return ok && (root ? tok_json_take(root, NULL, out, err) : tok_no_memory(err));
}
