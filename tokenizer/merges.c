#include "tokenizer/merges.h"

#include <stdlib.h>

/* Finds the three tokens of a merge whose sides are parted at byte `space`. */
static bool find_tokens(const struct vocab *vocab, struct tok_text merge, size_t space,
                        struct tok_text prefix, char *joined, int32_t ids[3])
{
    const char *right = merge.data + space + 1;
    size_t right_size = merge.size - space - 1;
    ids[0] = vocab_find(vocab, merge.data, space);
    ids[1] = vocab_find(vocab, right, right_size);
    if (ids[0] < 0 || ids[1] < 0 || right_size < prefix.size)
        return false;
    memcpy(joined, merge.data, space);
    memcpy(joined + space, right + prefix.size, right_size - prefix.size);
    ids[2] = vocab_find(vocab, joined, space + right_size - prefix.size);
    return ids[2] >= 0;
}

static void add(struct merges *m, const int32_t ids[3], uint32_t rank)
{
    struct merge *place = &m->table[merges_find(m, ids[0], ids[1]) - m->table];
    *place = (struct merge){(uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1], rank, ids[2]};
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
        struct tok_text merge = source->merges[i];
        int32_t ids[3];
        ok = false;
        /* tokens may hold spaces themselves */
        for (size_t space = 0; !ok && space < merge.size && merge.size <= 2 * VOCAB_MAX_TOKEN; space++)
            ok = merge.data[space] == ' ' && find_tokens(vocab, merge, space, prefix, joined, ids);
        if (ok)
            add(m, ids, (uint32_t)i);
        else
            tok_fail(c->why, c->why_size, "merge %zu, \"%.*s\", is not one of tokens in the vocabulary", i,
                     (int)(merge.size < 100 ? merge.size : 100), merge.data);
    }
    free(joined);
    return ok;
}

void merges_release(struct merges *m)
{
    free(m->table);
    *m = (struct merges){0};
}
