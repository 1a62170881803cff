/* Which tokens of a vocabulary hold which bytes, so that those of a class of characters alone need not be looked for. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TOKEN_SETS_H
#define RUNTIME_GENERATE_GRAMMAR_TOKEN_SETS_H

#include "runtime/base/error.h"

/* Characters of a token that are counted one by one: 16 KB a length for a vocabulary of 128,256, and hardly a token of a run of
 * one class is longer than 32. */
enum { TOKEN_SETS_LENGTHS = 32, TOKEN_ASCII = 128 };

struct token_sets {
    size_t n_vocab, n_words; /* of masks, as those of matcher_mask */
    char *bytes;             /* of all tokens, one behind the other: */
    uint32_t *at;            /* [n_vocab + 1] where each begins */
    uint32_t first[TOKEN_ASCII + 1];
    int32_t *
        holding; /* from first[b] to first[b + 1]: the tokens that hold the ASCII byte b, in the order of their bytes, */
    uint8_t *common; /* and how many bytes each begins with as the one before it does, of which 255 count */
    uint64_t *holds[TOKEN_ASCII]; /* the same as a mask, where they are many; else NULL */
    uint64_t *texts; /* whole characters, of which the last one may be cut: they can begin behind one */
    uint64_t *beyond_ascii;               /* that hold other bytes */
    uint64_t *longer[TOKEN_SETS_LENGTHS]; /* [i]: of more than i characters */
};

/* pieces [n_vocab]: as token_trie_new; those that may come are ids [n], in the order of their bytes. Release it even when it
 * failed. false: out of memory. */
bool token_sets_init(struct token_sets *s, const struct hone_text *pieces, size_t n_vocab, const int32_t *ids,
                     size_t n);
void token_sets_release(struct token_sets *s);

static inline struct hone_text token_sets_text(const struct token_sets *s, int32_t id)
{
    return (struct hone_text){s->bytes + s->at[id], s->at[id + 1] - s->at[id]};
}

#endif
