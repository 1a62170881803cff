#include "runtime/load/pieces.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "tokenizer/stages/bytelevel.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* How the decoder of a pipeline has tokens written. */
struct spelling {
    bool byte_level;    /* a character a byte, GPT-2's */
    bool byte_fallback; /* <0xHH> is a byte */
    bool word_piece;    /* "##" marks what goes on a word; others have a blank before them */
    const char *blank;  /* stands for ' '; NULL: nothing does */
};

static void read_decoder(const json_t *decoder, struct spelling *s)
{
    const char *type = json_string_value(json_object_get(decoder, "type"));
    const json_t *parts = json_object_get(decoder, "decoders");
    for (size_t i = 0; i < json_array_size(parts); i++)
        read_decoder(json_array_get(parts, i), s);
    if (!type)
        return;
    if (strcmp(type, "ByteLevel") == 0)
        s->byte_level = true;
    else if (strcmp(type, "ByteFallback") == 0)
        s->byte_fallback = true;
    else if (strcmp(type, "WordPiece") == 0)
        s->word_piece = true;
    const char *replaced =
        strcmp(type, "Replace") == 0
            ? json_string_value(json_object_get(json_object_get(decoder, "pattern"), "String"))
            : NULL;
    const char *content = json_string_value(json_object_get(decoder, "content"));
    if (replaced && content && strcmp(content, " ") == 0)
        s->blank = replaced;
    if (strcmp(type, "Metaspace") == 0) {
        const char *replacement = json_string_value(json_object_get(decoder, "replacement"));
        s->blank = replacement ? replacement : "\xe2\x96\x81";
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that <0xHH> names; -1: it is no such token. */
static int fallback_byte(struct hone_text t)
{
    if (t.size != 6 || !text_begins(t, "<0x") || t.data[5] != '>')
        return -1;
    int high = hex_digit(t.data[3]), low = hex_digit(t.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Writes at most t.size bytes; 0 where a character stands for no byte. */
static size_t spell_bytes(struct hone_text t, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < t.size;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)t.data + i, (utf8proc_ssize_t)(t.size - i), &point);
        int byte = size > 0 ? tok_bytelevel_byte((uint32_t)point) : -1;
        if (byte < 0)
            return 0;
        to[n++] = (char)byte;
        i += (size_t)size;
    }
    return n;
}

static size_t spell_blanks(struct hone_text t, const char *blank, char *to)
{
    size_t n = 0, blank_size = strlen(blank);
    for (size_t i = 0; i < t.size;) {
        bool is_blank =
            blank_size > 0 && t.size - i >= blank_size && memcmp(t.data + i, blank, blank_size) == 0;
        to[n++] = is_blank ? ' ' : t.data[i];
        i += is_blank ? blank_size : 1;
    }
    return n;
}

/* Writes at most t.size + 1 bytes. */
static size_t spell(const struct spelling *s, struct hone_text t, char *to)
{
    int byte = s->byte_fallback ? fallback_byte(t) : -1;
    if (byte >= 0) {
        *to = (char)byte;
        return 1;
    }
    if (s->byte_level)
        return spell_bytes(t, to);
    if (s->word_piece) {
        bool goes_on = t.size > 2 && text_begins(t, "##");
        *to = ' ';
        memcpy(to + !goes_on, t.data + 2 * goes_on, t.size - 2 * goes_on);
        return goes_on ? t.size - 2 : t.size + 1;
    }
    return spell_blanks(t, s->blank ? s->blank : "", to);
}

/* added[i]: 1 for a special token, 2 for one that is its own text. */
static void read_added(const json_t *pipeline, const struct tok_vocab *vocab, uint8_t *added)
{
    const json_t *list = json_object_get(pipeline, "added_tokens");
    for (size_t i = 0; i < vocab->n_tokens && vocab->types; i++)
        added[i] = vocab->types[i] == TOK_USER_DEFINED ? 2
                   : vocab->types[i] == TOK_CONTROL || vocab->types[i] == TOK_UNKNOWN ||
                           vocab->types[i] == TOK_UNUSED
                       ? 1
                       : 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *token = json_array_get(list, i);
        json_int_t id = json_integer_value(json_object_get(token, "id"));
        if (id >= 0 && (size_t)id < vocab->n_tokens)
            added[id] = json_is_true(json_object_get(token, "special")) ? 1 : 2;
    }
}

static bool spell_all(struct token_pieces *p, const struct spelling *s, const struct tok_vocab *vocab,
                      const uint8_t *added)
{
    size_t size = 0;
    for (size_t i = 0; i < vocab->n_tokens; i++)
        size += vocab->tokens[i].size + 1;
    p->bytes = malloc(size + 1);
    p->list = calloc(vocab->n_tokens + 1, sizeof *p->list);
    if (!p->bytes || !p->list)
        return false;
    char *to = p->bytes;
    for (size_t i = 0; i < vocab->n_tokens; i++) {
        struct hone_text t = vocab->tokens[i];
        size_t n = 0;
        if (added[i] == 2)
            memcpy(to, t.data, n = t.size);
        else if (added[i] == 0 && t.size > 0)
            n = spell(s, t, to);
        p->list[i] = (struct hone_text){to, n};
        to += n;
    }
    p->n = vocab->n_tokens;
    return true;
}

enum hone_status token_pieces_init(struct token_pieces *p, const struct tok_vocab *vocab,
                                   struct hone_text pipeline, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    struct spelling s = {0};
    *p = (struct token_pieces){0};
    json_error_t error;
    json_t *json = json_read(pipeline.data, pipeline.size, JSON_ALLOW_NUL, &error);
    uint8_t *added = calloc(vocab->n_tokens + 1, 1);
    read_decoder(json_object_get(json, "decoder"), &s);
    if (!added || (!json && json_had_no_memory(&error)))
        status = hone_no_memory(err, "the tokens' bytes", vocab->n_tokens);
    else if (!json)
        status = hone_fail(err, HONE_USAGE, "the tokenizer's pipeline is not JSON: %s", error.text);
    else if (!s.byte_level && !s.byte_fallback && !s.word_piece && !s.blank)
        status = hone_fail(err, HONE_USAGE, "this tokenizer's decoder does not tell the bytes of its tokens");
    if (!status) {
        read_added(json, vocab, added);
        if (!spell_all(p, &s, vocab, added)) {
            token_pieces_release(p);
            status = hone_no_memory(err, "the tokens' bytes", vocab->n_tokens);
        }
    }
    free(added);
    json_decref(json);
    return status;
}

void token_pieces_release(struct token_pieces *p)
{
    free(p->list);
    free(p->bytes);
    *p = (struct token_pieces){0};
}

enum hone_status token_pieces_with(const struct token_pieces *p, const struct hone_text *strings,
                                   size_t n_strings, int32_t **ids, size_t *n, struct hone_error *err)
{
    *n = 0;
    *ids = malloc((p->n + 1) * sizeof **ids);
    if (!*ids)
        return hone_no_memory(err, "token ids", p->n * sizeof **ids);
    for (size_t i = 0; i < p->n; i++) {
        bool found = false;
        for (size_t j = 0; j < n_strings && !found; j++)
            found = p->list[i].size > 0 && strings[j].size > 0 &&
                    memmem(p->list[i].data, p->list[i].size, strings[j].data, strings[j].size) != NULL;
        if (found)
            (*ids)[(*n)++] = (int32_t)i;
    }
    return HONE_OK;
}
