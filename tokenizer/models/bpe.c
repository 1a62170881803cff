#include "tokenizer/models/bpe.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/bytelevel.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_AFFIX 256 /* bytes; they are "##" and "</w>" */

static int32_t find(const struct bpe *m, const char *data, size_t size)
{
    int32_t id = tok_vocab_find(m->vocab, data, size);
    return id >= 0 && !m->outside[id] ? id : -1;
}

/* ids of the tokens for single bytes: their characters, or "<0x41>". */
static void find_bytes(struct bpe *m)
{
    m->all_bytes = true;
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        int size = m->bytes ? (int)utf8_encode(tok_bytelevel_point((unsigned char)b), name)
                            : snprintf(name, sizeof name, "<0x%02X>", b);
        m->byte_ids[b] = find(m, name, (size_t)size);
        m->all_bytes &= m->byte_ids[b] >= 0;
    }
}

/* What is put before or behind each character that is looked up. */
static bool copy_affix(const json_t *spec, const char *key, char **out, size_t *size, struct complaint *c)
{
    struct hone_text text = tok_component_text(spec, key);
    if (text.size > MAX_AFFIX)
        return tok_fail(c->err, HONE_BAD_MODEL, "BPE: %s has %zu bytes, of at most %d", key, text.size,
                        MAX_AFFIX);
    *out = malloc(text.size + 1);
    if (!*out)
        return tok_no_memory(c->err);
    memcpy(*out, text.data, text.size);
    *size = text.size;
    return true;
}

bool tok_bpe_takes_bytes(const json_t *spec)
{
    return strcmp(tok_component_type(spec), "BPE") == 0 &&
           !tok_component_text(spec, "continuing_subword_prefix").size &&
           !tok_component_text(spec, "end_of_word_suffix").size &&
           !tok_component_bool(spec, "byte_fallback", false);
}

bool tok_bpe_init(struct bpe *m, const struct vocab *vocab, const struct tok_vocab *source,
                  const uint8_t *outside, bool bytes, const json_t *spec, struct complaint *c)
{
    struct hone_text unk = tok_component_text(spec, "unk_token");
    *m = (struct bpe){.vocab = vocab, .outside = outside, .bytes = bytes};
    m->ignore_merges = tok_component_bool(spec, "ignore_merges", false);
    m->byte_fallback = tok_component_bool(spec, "byte_fallback", false);
    m->fuse_unk = tok_component_bool(spec, "fuse_unk", false);
    if (json_number_value(json_object_get(spec, "dropout")) != 0)
        return tok_fail(c->err, HONE_BAD_MODEL, "BPE with dropout is not supported: it is for training");
    if (!copy_affix(spec, "continuing_subword_prefix", &m->prefix, &m->prefix_size, c) ||
        !copy_affix(spec, "end_of_word_suffix", &m->suffix, &m->suffix_size, c))
        return false;
    find_bytes(m);
    m->unk = find(m, unk.data, unk.size);
    if (unk.size && m->unk < 0 && !(m->bytes && m->all_bytes))
        return tok_fail(c->err, HONE_BAD_MODEL, "the unknown token \"%.100s\" is not in the vocabulary",
                        unk.data);
    return tok_merges_init(&m->merges, vocab, source, (struct hone_text){m->prefix, m->prefix_size}, c);
}

void tok_bpe_release(struct bpe *m)
{
    tok_merges_release(&m->merges);
    free(m->prefix);
    free(m->suffix);
}

void tok_bpe_scratch_release(struct bpe_scratch *s)
{
    buffer_release(&s->symbols);
    buffer_release(&s->heap);
    buffer_release(&s->text);
    buffer_release(&s->first);
}

/* Unknown characters, [start, end) of the word; none where end is 0. */
struct unknown {
    size_t start, end;
};

static void write_unknown(const struct bpe *m, struct unknown *unknown, struct tok_ids *out)
{
    if (!unknown->end)
        return;
    ids_append(out, m->unk);
    ids_span(out, unknown->start, unknown->end);
    unknown->end = 0;
}

/* A run of unknown characters is one unknown token where fuse_unk says so; it is written when a known one comes. */
static void add_unknown(const struct bpe *m, struct unknown *unknown, size_t start, size_t end,
                        struct tok_ids *out)
{
    if (m->unk < 0)
        return;
    if (!m->fuse_unk)
        write_unknown(m, unknown, out);
    *unknown = (struct unknown){unknown->end ? unknown->start : start, end};
}

static void add_known(const struct bpe *m, struct unknown *unknown, int32_t id, size_t start, size_t end,
                      struct tok_ids *out)
{
    write_unknown(m, unknown, out);
    ids_append(out, id);
    ids_span(out, start, end);
}

/* The bytes of an unknown character, if there is a token for each. An unknown one before them stays behind them, as
 * tokenizers has it. */
static bool add_bytes(const struct bpe *m, const char *data, size_t size, size_t start, struct tok_ids *out)
{
    for (size_t i = 0; i < size; i++)
        if (m->byte_ids[(unsigned char)data[i]] < 0)
            return false;
    for (size_t i = 0; i < size; i++) {
        ids_append(out, m->byte_ids[(unsigned char)data[i]]);
        ids_span(out, start, start + 1);
    }
    return true;
}

static void add_characters(const struct bpe *m, const char *word, size_t size, struct bpe_scratch *s,
                           struct tok_ids *out)
{
    struct unknown unknown = {0};
    for (size_t at = 0; at < size;) {
        size_t start = at, length = utf8_size(word[at]);
        const char *character = word + at;
        bool first = at == 0, last = (at += length) == size;
        if ((!first && m->prefix_size) || (last && m->suffix_size)) {
            buffer_clear(&s->text);
            if (!first)
                buffer_append(&s->text, m->prefix, m->prefix_size);
            buffer_append(&s->text, character, length);
            if (last)
                buffer_append(&s->text, m->suffix, m->suffix_size);
            out->bytes.failed |= s->text.failed;
            character = s->text.data;
            length = s->text.size;
        }
        int32_t id = find(m, character, length);
        if (id >= 0)
            add_known(m, &unknown, id, start, at, out);
        else if (!m->byte_fallback || !add_bytes(m, character, length, start, out))
            add_unknown(m, &unknown, start, at, out);
    }
    write_unknown(m, &unknown, out);
}

/* Bytes whose characters are not in the vocabulary are unknown. */
static void add_byte_symbols(const struct bpe *m, const char *word, size_t size, struct tok_ids *out)
{
    struct unknown unknown = {0};
    for (size_t i = 0; i < size; i++) {
        int32_t id = m->byte_ids[(unsigned char)word[i]];
        if (id >= 0)
            add_known(m, &unknown, id, i, i + 1, out);
        else
            add_unknown(m, &unknown, i, i + 1, out);
    }
    write_unknown(m, &unknown, out);
}

/* The token that a word is as a whole; -1: none. */
static int32_t find_word(const struct bpe *m, const char *word, size_t size, struct bpe_scratch *s)
{
    if (!m->bytes)
        return find(m, word, size);
    if (size > m->vocab->limit)
        return -1;
    buffer_clear(&s->text);
    tok_bytelevel_append(&s->text, word, size);
    return s->text.failed ? -1 : find(m, s->text.data, s->text.size);
}

/* Bytes of a token of which nothing, or the prefix of those inside a word, is left out when it is merged. */
static size_t merged_size(const struct bpe *m, int32_t id, bool inside)
{
    size_t size = vocab_text(m->vocab, (size_t)id).size;
    return inside && size >= m->prefix_size ? size - m->prefix_size : size;
}

/* The spans of the ids from `before` on, which stand for as many of the first ones as make their text. */
static void merge_spans(const struct bpe *m, const struct bpe_scratch *s, size_t before, struct tok_ids *out)
{
    const int32_t *first = (const int32_t *)(const void *)s->first.data;
    size_t n_first = s->first.size / sizeof *first, at = 0;
    struct tok_span *spans = ids_spans(out) + before;
    for (size_t i = 0; before + i < ids_n(out); i++) {
        int32_t id = ids_data(out)[before + i];
        size_t whole = merged_size(m, id, false), size = merged_size(m, first[at], false);
        struct tok_span span = spans[at];
        while (id != first[at] && size < whole && at + 1 < n_first) {
            size += merged_size(m, first[++at], true);
            span.end = spans[at].end;
        }
        spans[i] = span;
        at += at + 1 < n_first;
    }
    out->spans.size = ids_n(out) * sizeof *spans;
}

void tok_bpe_encode(const struct bpe *m, const char *word, size_t size, struct bpe_scratch *s,
                    struct tok_ids *out)
{
    size_t before = ids_n(out);
    int32_t id = m->ignore_merges ? find_word(m, word, size, s) : -1;
    if (id >= 0) {
        ids_append(out, id);
        ids_span(out, 0, size);
        return;
    }
    if (!m->bytes)
        add_characters(m, word, size, s, out);
    else if (m->all_bytes && !out->spanned && buffer_reserve(&out->bytes, size * sizeof id))
        for (size_t i = 0; i < size; i++)
            ids_append(out, m->byte_ids[(unsigned char)word[i]]);
    else
        add_byte_symbols(m, word, size, out);
    if (out->bytes.failed)
        return;
    buffer_clear(&s->first);
    if (out->spanned)
        buffer_append(&s->first, ids_from(out, before), (ids_n(out) - before) * sizeof id);
    size_t left = tok_bpe_merge(&m->merges, ids_from(out, before), ids_n(out) - before, s);
    if (left == SIZE_MAX || s->first.failed) {
        out->bytes.failed = true;
        return;
    }
    out->bytes.size = (before + left) * sizeof(int32_t);
    if (out->spanned)
        merge_spans(m, s, before, out);
}
