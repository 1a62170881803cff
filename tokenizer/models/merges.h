/* The merges of a BPE vocabulary: which pair of tokens becomes which, and how early. A hash table; immutable once
 * made. */
#ifndef TOKENIZER_MODELS_MERGES_H
#define TOKENIZER_MODELS_MERGES_H

#include "runtime/base/hash.h"
#include "tokenizer/component.h"
#include "tokenizer/models/vocab.h"

struct merge {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank; /* MERGE_NONE: an empty place */
    int32_t id;    /* what they become */
};

#define MERGE_NONE UINT32_MAX

struct merges {
    struct merge *table;
    size_t mask;
    struct hash_key key;
};

/* source->merges: best first; prefix: what is cut off the right one (continuing_subword_prefix). A
 * merge of or into a token that is not in the vocabulary is refused. */
bool tok_merges_init(struct merges *m, const struct vocab *vocab, const struct tok_vocab *source,
                     struct hone_text prefix, struct complaint *c);
void tok_merges_release(struct merges *m);

/* The merge of a pair, or an empty place. */
static inline const struct merge *merges_find(const struct merges *m, int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t i = hash_number(m->key, pair) & m->mask;
    while (m->table[i].rank != MERGE_NONE && m->table[i].pair != pair)
        i = (i + 1) & m->mask;
    return &m->table[i];
}

#endif
