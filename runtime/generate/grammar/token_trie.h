/* The bytes of a vocabulary's tokens as a tree, in the order of a walk through it. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H
#define RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H

#include "runtime/generate/grammar/grammar.h"

#define TOKEN_MAX_SIZE 4096u /* bytes; longer ones never come */

struct trie_step {
    uint32_t end;   /* the step behind all below this one */
    uint32_t first; /* in ids: of the tokens that end here; those of the next step begin where they stop */
    uint16_t depth; /* bytes before this one */
    unsigned char byte;
};

struct token_trie {
    struct trie_step *steps; /* [n + 1] */
    int32_t *ids, *end_ids;
    size_t n, n_vocab, n_end_ids;
    unsigned max_depth;
};

#endif
