#include "tokenizer/models/wordpiece.h"

#include <stdlib.h>

static bool build_tries(struct wordpiece *m, const struct vocab *vocab, const uint8_t *outside,
                        struct hone_text prefix)
{
    struct trie_key *keys = malloc(vocab->n * sizeof *keys);
    bool ok = keys != NULL;
    size_t n = 0;
    for (size_t i = 0; ok && i < vocab->n; i++) {
        struct hone_text token = vocab_text(vocab, i);
        if (!outside[i])
            keys[n++] = (struct trie_key){token.data, (uint32_t)token.size, (int32_t)i};
    }
    ok = ok && tok_trie_build(&m->first, keys, n);
    n = 0;
    for (size_t i = 0; ok && i < vocab->n; i++) {
        struct hone_text token = vocab_text(vocab, i);
        if (!outside[i] && token.size >= prefix.size && memcmp(token.data, prefix.data, prefix.size) == 0)
            keys[n++] =
                (struct trie_key){token.data + prefix.size, (uint32_t)(token.size - prefix.size), (int32_t)i};
    }
    ok = ok && tok_trie_build(&m->middle, keys, n);
    free(keys);
    return ok;
}

bool tok_wordpiece_init(struct wordpiece *m, const struct vocab *vocab, const uint8_t *outside,
                        const json_t *spec, struct complaint *c)
{
    struct hone_text unk = tok_component_text(spec, "unk_token");
    struct hone_text prefix = tok_component_text(spec, "continuing_subword_prefix");
    const json_t *max_chars = json_object_get(spec, "max_input_chars_per_word");
    if (!json_is_string(json_object_get(spec, "continuing_subword_prefix")))
        prefix = (struct hone_text){"##", 2};
    m->max_chars = json_is_integer(max_chars) ? (size_t)json_integer_value(max_chars) : 100;
    m->unk = tok_vocab_find(vocab, unk.data, unk.size);
    if (m->unk < 0)
        return tok_fail(c->err, HONE_BAD_MODEL, "the unknown token \"%.100s\" is not in the vocabulary",
                        unk.data);
    if (!build_tries(m, vocab, outside, prefix))
        return tok_no_memory(c->err);
    return true;
}

void tok_wordpiece_release(struct wordpiece *m)
{
    tok_trie_release(&m->first);
    tok_trie_release(&m->middle);
}

static bool too_long(const struct wordpiece *m, const char *word, size_t size)
{
    size_t chars = 0;
    if (size <= m->max_chars)
        return false;
    for (size_t i = 0; i < size; i++)
        chars += (word[i] & 0xc0) != 0x80;
    return chars > m->max_chars;
}

void tok_wordpiece_encode(const struct wordpiece *m, const char *word, size_t size, struct tok_effort *effort,
                          struct tok_ids *out)
{
    if (!buffer_reserve(&out->bytes, size * sizeof(int32_t)))
        return;
    int32_t *ids = ids_from(out, ids_n(out));
    size_t n = 0, length = 0, walked = 0;
    int32_t id = too_long(m, word, size) ? TRIE_NONE
                                         : trie_longest(&m->first, TRIE_ROOT, word, size, &length, &walked);
    for (size_t at = length; id != TRIE_NONE; at += length) {
        ids[n++] = id;
        ids_span(out, at - length, at);
        if (at == size)
            break;
        id = trie_longest(&m->middle, TRIE_ROOT, word + at, size - at, &length, &walked);
    }
    out->bytes.failed |= !effort_walk(effort, walked);
    if (id == TRIE_NONE) {
        ids[0] = m->unk;
        out->spans.size -= out->spanned ? n * sizeof(struct tok_span) : 0;
        ids_span(out, 0, size);
        n = 1;
    }
    out->bytes.size += n * sizeof *ids;
}
