#include "tokenizer/stages/charsmap.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/grapheme.h"
#include "tokenizer/text/origins.h"

#include <stdlib.h>

#define SHORT_CLUSTER 6 /* bytes from which a cluster is looked up character by character */

static uint32_t read_u32(const char *data)
{
    const unsigned char *p = (const unsigned char *)data;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bits of a unit. */
static bool has_leaf(uint32_t unit)
{
    return unit >> 8 & 1;
}

static uint32_t label(uint32_t unit)
{
    return unit & (1u << 31 | 0xff);
}

static uint32_t offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* The replacement for the shortest key that starts the text, where tokenizers asks for no longer one; NULL: there is no
 * such key. */
static const char *find(const struct charsmap *m, const char *text, size_t size)
{
    size_t at = offset(m->units[0]);
    for (size_t i = 0; i < size && text[i]; i++) {
        unsigned char c = (unsigned char)text[i];
        at ^= c;
        if (at >= m->n_units || label(m->units[at]) != c)
            return NULL;
        uint32_t unit = m->units[at];
        at ^= offset(unit);
        if (!has_leaf(unit))
            continue;
        size_t start = at < m->n_units ? m->units[at] & ~(1u << 31) : SIZE_MAX;
        return start < m->replacements_size && (m->replacements[start] & 0xc0) != 0x80
                   ? m->replacements + start
                   : NULL;
    }
    return NULL;
}

bool tok_charsmap_init(struct charsmap *m, struct hone_text blob, struct complaint *c)
{
    size_t size = blob.size >= 4 ? read_u32(blob.data) : 0;
    if (size < 4 || size % 4 || size > blob.size - 4)
        goto malformed;
    const char *replacements = blob.data + 4 + size;
    m->n_units = size / 4;
    m->replacements_size = blob.size - 4 - size;
    if (utf8_valid_prefix(replacements, m->replacements_size) != m->replacements_size)
        goto malformed;
    m->units = malloc(size);
    m->replacements = malloc(m->replacements_size + 1);
    if (!m->units || !m->replacements)
        return tok_no_memory(c->err);
    for (size_t i = 0; i < m->n_units; i++)
        m->units[i] = read_u32(blob.data + 4 + 4 * i);
    memcpy(m->replacements, replacements, m->replacements_size);
    m->replacements[m->replacements_size] = 0;
    for (unsigned k = 0; k < 128; k++) {
        char character = (char)k;
        m->changes[k] = k == '\r' || find(m, &character, 1); /* \r may be half of a cluster */
    }
    return true;
malformed:
    return tok_fail(c->err, HONE_BAD_MODEL, "Precompiled: the map of characters is malformed");
}

void tok_charsmap_release(struct charsmap *m)
{
    free(m->units);
    free(m->replacements);
    *m = (struct charsmap){0};
}

/* Characters in the place of those in [at, end), each in the place of one, the last for all that there are more. */
static void replace(const char *replacement, struct hone_text text, size_t at, size_t end, struct buffer *out)
{
    if (!out->origins)
        buffer_append(out, replacement, strlen(replacement));
    for (const char *p = replacement; out->origins && *p; p += utf8_size(*p)) {
        buffer_append(out, p, utf8_size(*p));
        origins_note(out, at);
        at += at + utf8_size(text.data[at]) < end ? utf8_size(text.data[at]) : 0;
    }
}

static void apply_cluster(const struct charsmap *m, struct hone_text text, size_t at, size_t end,
                          struct buffer *out)
{
    const char *replacement = end - at < SHORT_CLUSTER ? find(m, text.data + at, end - at) : NULL;
    if (replacement) {
        replace(replacement, text, at, end, out);
        return;
    }
    for (size_t n; at < end; at += n) {
        n = utf8_size(text.data[at]);
        replacement = find(m, text.data + at, n);
        if (replacement)
            replace(replacement, text, at, at + n, out);
        else
            buffer_append(out, text.data + at, n);
        origins_keep(out, at);
    }
}

/* The end of what stays as it is: ASCII characters with another behind them, so that each is a cluster. */
static size_t plain_end(const struct charsmap *m, struct hone_text text, size_t at)
{
    for (; at < text.size; at++) {
        unsigned char c = (unsigned char)text.data[at];
        if (c >= 0x80 || m->changes[c] || (at + 1 < text.size && (unsigned char)text.data[at + 1] >= 0x80))
            break;
    }
    return at;
}

void tok_charsmap_apply(const struct charsmap *m, struct hone_text text, struct buffer *out)
{
    for (size_t at = 0; at < text.size && !out->failed;) {
        size_t end = plain_end(m, text, at);
        buffer_append(out, text.data + at, end - at);
        origins_keep(out, at);
        at = end;
        if (at == text.size)
            break;
        end = tok_grapheme_end(text.data, text.size, at);
        apply_cluster(m, text, at, end, out);
        at = end;
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool tok_base64_decode(struct hone_text text, struct buffer *out)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    while (text.size && text.data[text.size - 1] == '=')
        text.size--;
    for (size_t i = 0; i < text.size; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        n_bits += 6;
        if (n_bits >= 8)
            buffer_byte(out, (char)(bits >> (n_bits -= 8)));
    }
    return text.size % 4 != 1 && !out->failed;
}
