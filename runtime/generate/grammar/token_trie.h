/* The bytes of a vocabulary's tokens as trees, each in the order of a walk through it. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H
#define RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H

#include "runtime/generate/grammar/grammar.h"

#define TOKEN_MAX_SIZE 4096u /* bytes; longer ones never come */
#define TOKEN_MAX_RUN  256u  /* characters; those of more never come inside of a string */

struct trie_step {
    uint32_t end;   /* the step behind all below this one */
    uint32_t first; /* in ids: of the tokens that end here; those of the next step begin where they stop */
    uint16_t depth; /* bytes before this one */
    unsigned char byte;
};

struct trie {
    struct trie_step *steps; /* [n + 1]; tokens before the first one's have no bytes */
    int32_t *ids;
    uint16_t *runs; /* characters of each that come before the bytes of this tree; NULL: none do */
    size_t n;
    unsigned max_depth;
};

/* Nearly all tokens may come inside of a JSON string. What they are there is known beforehand (string_tokens.h): those that
 * stay inside, by how many characters they are; and those that close it, as a tree of what follows the quote. */
struct string_tokens {
    uint64_t *inside[TOKEN_MAX_RUN +
                     1]; /* [i] masks of those of at most i characters; the same where none has just i */
    size_t max_run;      /* characters of the longest */
    struct trie closing;
};

struct token_trie {
    struct trie all;
    struct string_tokens strings[2]; /* without escapes, and with them */
    int32_t *end_ids;
    size_t n_vocab, n_end_ids;
};

#endif
