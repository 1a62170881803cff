#include "tokenizer/models/merges.h"

#include "runtime/base/buffer.h"

#include <stdlib.h>

#define BLOCK 32 /* merges that are looked up together */

/* Left, right, and what they become. */
struct lookup {
    struct hone_text texts[3];
    uint64_t hashes[3];
};

static struct hone_text without(struct hone_text text, size_t prefix)
{
    size_t cut = prefix < text.size ? prefix : text.size;
    return (struct hone_text){text.data + cut, text.size - cut};
}

/* Prepares n merges; joined: for what they become. */
static bool prepare(struct lookup *lookups, const struct tok_merge *merges, size_t n,
                    const struct vocab *vocab, size_t prefix, struct buffer *joined)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(total, merges[i].left.size + merges[i].right.size, &total))
            return false;
    buffer_clear(joined);
    if (!buffer_reserve(joined, total))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct lookup *l = &lookups[i];
        struct hone_text right = without(merges[i].right, prefix);
        l->texts[0] = merges[i].left;
        l->texts[1] = merges[i].right;
        l->texts[2] = (struct hone_text){joined->data + joined->size, merges[i].left.size + right.size};
        buffer_append(joined, merges[i].left.data, merges[i].left.size);
        buffer_append(joined, right.data, right.size);
        for (int k = 0; k < 3; k++) {
            l->hashes[k] = hash_bytes(l->texts[k].data, l->texts[k].size);
            tok_vocab_prepare_slot(vocab, l->hashes[k]);
        }
    }
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            tok_vocab_prepare_text(vocab, lookups[i].hashes[k]);
    return true;
}

static size_t place_of(const struct merges *m, const int32_t ids[3])
{
    return hash_number(m->key, (uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1]) & m->mask;
}

static void add(struct merges *m, const int32_t ids[3], uint32_t rank)
{
    struct merge *place = &m->table[merges_find(m, ids[0], ids[1]) - m->table];
    *place = (struct merge){(uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1], rank, ids[2]};
}

static int shown(struct hone_text text)
{
    return text.size < 50 ? (int)text.size : 50;
}

/* Adds merges [first, first + n). */
static bool add_block(struct merges *m, const struct vocab *vocab, const struct tok_merge *merges,
                      size_t first, size_t n, size_t prefix, struct buffer *joined, struct complaint *c)
{
    struct lookup lookups[BLOCK];
    int32_t ids[BLOCK][3];
    if (!prepare(lookups, merges + first, n, vocab, prefix, joined))
        return tok_no_memory(c->err);
    for (size_t i = 0; i < n; i++) {
        const struct lookup *l = &lookups[i];
        for (int k = 0; k < 3; k++) {
            ids[i][k] = tok_vocab_find_hashed(vocab, l->texts[k].data, l->texts[k].size, l->hashes[k]);
            if (ids[i][k] < 0 || l->texts[1].size < prefix)
                return tok_fail(c->err, HONE_BAD_MODEL,
                                "merge %zu, of \"%.*s\" and \"%.*s\", is not one of tokens", first + i,
                                shown(l->texts[0]), l->texts[0].data, shown(l->texts[1]), l->texts[1].data);
        }
        __builtin_prefetch(&m->table[place_of(m, ids[i])], 1);
    }
    for (size_t i = 0; i < n; i++)
        add(m, ids[i], (uint32_t)(first + i));
    return true;
}

bool tok_merges_init(struct merges *m, const struct vocab *vocab, const struct tok_vocab *source,
                     struct hone_text prefix, struct complaint *c)
{
    size_t n = source->n_merges;
    struct buffer joined = {0};
    if (n > VOCAB_MAX_TOKENS)
        return tok_fail(c->err, HONE_BAD_MODEL, "%zu merges are more than %u", n, VOCAB_MAX_TOKENS);
    m->key = hash_key_make();
    m->mask = 15;
    while (m->mask < n * 3 / 2)
        m->mask = m->mask * 2 + 1;
    m->table = malloc((m->mask + 1) * sizeof *m->table);
    bool ok = m->table || tok_no_memory(c->err);
    for (size_t i = 0; ok && i <= m->mask; i++)
        m->table[i].rank = MERGE_NONE;
    for (size_t i = 0; ok && i < n; i += BLOCK)
        ok = add_block(m, vocab, source->merges, i, n - i < BLOCK ? n - i : BLOCK, prefix.size, &joined, c);
    buffer_release(&joined);
    return ok;
}

void tok_merges_release(struct merges *m)
{
    free(m->table);
    *m = (struct merges){0};
}
