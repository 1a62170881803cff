/* Which tokens of a vocabulary hold which bytes, so that those of a class of characters alone need not be looked for. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TOKEN_SETS_H
#define RUNTIME_GENERATE_GRAMMAR_TOKEN_SETS_H

#include "runtime/base/error.h"

/* TOKEN_SETS_LENGTHS: characters of a token that are counted one by one: 16 KB a length for a vocabulary of 128,256, and hardly
 * a token of a run of one class is longer than 32. */
enum {
    TOKEN_SETS_LENGTHS = 32,
    TOKEN_ASCII = 128,
    TOKEN_NEAR = 32,          /* bytes: tokens of more are few */
    TOKEN_LONG = TOKEN_ASCII, /* the list of those */
    TOKEN_GROUPS = 5
};

struct token_span {
    uint32_t at, size;
};

struct token_sets {
    size_t n_vocab, n_words;  /* of masks, as those of matcher_mask */
    char *bytes;              /* of all tokens, one behind the other: */
    struct token_span *spans; /* [n_vocab] */
    uint32_t first[TOKEN_LONG + 2];
    int32_t *
        holding; /* from first[b] to first[b + 1]: the tokens that hold the ASCII byte b, in the order of their bytes, */
    uint8_t *common; /* and how many bytes each begins with as the one before it does, of which 255 count */
    /* Behind these of a list, from single_at[b] on: those that hold b once, and else letters and digits of ASCII alone. Most
     * tokens with a full stop or a hyphen are such. As masks, where they are many; else NULL: those that begin with b, and
     * those that hold it later. */
    uint32_t single_at[TOKEN_LONG + 1];
    uint64_t *single[2][TOKEN_ASCII];
    uint64_t *holds[TOKEN_ASCII];   /* all of a list as a mask, where they are many; else NULL */
    uint64_t *groups[TOKEN_GROUPS]; /* those that hold any byte of a group (token_group_has) */
    uint64_t *texts; /* whole characters, of which the last one may be cut: they can begin behind one */
    uint64_t *beyond_ascii;               /* that hold other bytes */
    uint64_t *longer[TOKEN_SETS_LENGTHS]; /* [i]: of more than i characters */
};

/* pieces [n_vocab]: as token_trie_new; those that may come are ids [n], in the order of their bytes. Release it even when it
 * failed. false: out of memory. */
bool token_sets_init(struct token_sets *s, const struct hone_text *pieces, size_t n_vocab, const int32_t *ids,
                     size_t n);
void token_sets_release(struct token_sets *s);

static inline bool token_is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Groups of ASCII: most classes have all or nothing of one. The last one contains the one before it. */
static inline bool token_group_has(unsigned group, unsigned char c)
{
    switch (group) {
    case 0:
        return c >= 'a' && c <= 'z';
    case 1:
        return c >= 'A' && c <= 'Z';
    case 2:
        return c >= '0' && c <= '9';
    case 3:
        return c < ' ' || c == 0x7f;
    default:
        return !token_is_alnum(c);
    }
}

static inline struct hone_text token_sets_text(const struct token_sets *s, int32_t id)
{
    return (struct hone_text){s->bytes + s->spans[id].at, s->spans[id].size};
}

#endif
