#include "tokenizer/merges.h"

#include <stdlib.h>

/* Finds the three tokens of a merge. */
static bool find_tokens(const struct vocab *vocab, struct tok_merge merge, struct tok_text prefix,
                        char *joined, int32_t ids[3])
{
    struct tok_text left = merge.left, right = merge.right;
    ids[0] = vocab_find(vocab, left.data, left.size);
    ids[1] = vocab_find(vocab, right.data, right.size);
    if (ids[0] < 0 || ids[1] < 0 || right.size < prefix.size)
        return false;
    right.data += prefix.size;
    right.size -= prefix.size;
    memcpy(joined, left.data, left.size);
    memcpy(joined + left.size, right.data, right.size);
    ids[2] = vocab_find(vocab, joined, left.size + right.size);
    return ids[2] >= 0;
}

static void add(struct merges *m, const int32_t ids[3], uint32_t rank)
{
    struct merge *place = &m->table[merges_find(m, ids[0], ids[1]) - m->table];
    *place = (struct merge){(uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1], rank, ids[2]};
}

static int shown(struct tok_text text)
{
    return text.size < 50 ? (int)text.size : 50;
}

bool merges_init(struct merges *m, const struct vocab *vocab, const struct tok_vocab *source,
                 struct tok_text prefix, struct complaint *c)
{
    size_t n = source->n_merges;
    if (n > VOCAB_MAX_TOKENS)
        return tok_fail(c->why, c->why_size, "%zu merges are more than %u", n, VOCAB_MAX_TOKENS);
    m->mask = 15;
    while (m->mask < n * 3 / 2)
        m->mask = m->mask * 2 + 1;
    m->table = malloc((m->mask + 1) * sizeof *m->table);
    char *joined = malloc(2 * VOCAB_MAX_TOKEN);
    bool ok = m->table && joined;
    if (!ok)
        tok_no_memory(c->why, c->why_size);
    for (size_t i = 0; ok && i <= m->mask; i++)
        m->table[i].rank = MERGE_NONE;
    for (size_t i = 0; ok && i < n; i++) {
        struct tok_merge merge = source->merges[i];
        int32_t ids[3];
        ok = find_tokens(vocab, merge, prefix, joined, ids);
        if (ok)
            add(m, ids, (uint32_t)i);
        else
            tok_fail(c->why, c->why_size, "merge %zu, of \"%.*s\" and \"%.*s\", is not one of tokens", i,
                     shown(merge.left), merge.left.data, shown(merge.right), merge.right.data);
    }
    free(joined);
    return ok;
}

void merges_release(struct merges *m)
{
    free(m->table);
    *m = (struct merges){0};
}
