/* The bytes of a vocabulary's tokens as trees. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H
#define RUNTIME_GENERATE_GRAMMAR_TOKEN_TRIE_H

#include "runtime/generate/grammar/grammar.h"
#include "runtime/generate/grammar/token_sets.h"

#define TOKEN_MAX_SIZE 4096u /* bytes; longer ones never come */
#define TOKEN_MAX_RUN  256u  /* characters; those of more never come inside of a string */

/* Where a walk has come to after some bytes. Those below it stand side by side, and their bytes apart from them: where few
 * bytes lead on, a walk passes over the others at a byte each. */
struct token_trie_node {
    uint32_t child, n_children; /* nodes */
    uint32_t first, n_ids;      /* in ids: the tokens that end here */
};

struct byte_trie {
    struct token_trie_node *nodes; /* [n]; the first one is before all bytes */
    unsigned char *bytes;          /* [n] that lead to each */
    int32_t *ids;
    uint16_t *runs; /* characters of each that come before the bytes of this tree */
    size_t n;
    unsigned max_depth;
};

/* Nearly all tokens may come inside of a JSON string. What they are there is known beforehand (string_tokens.h): those that
 * stay inside, by how many characters they are; and those that close it, as a tree of what follows the quote. */
struct string_tokens {
    uint64_t *inside[TOKEN_MAX_RUN +
                     1]; /* [i] masks of those of at most i characters; the same where none has just i */
    size_t max_run;      /* characters of the longest */
    struct byte_trie closing;
};

struct token_trie {
    uint64_t
        serial; /* of the process: never 0, nor that of another one, which may come to lie where this one did */
    struct byte_trie all;
    struct string_tokens strings[2]; /* without escapes, and with them */
    struct token_sets sets;
    int32_t *end_ids;
    size_t n_vocab, n_end_ids;
};

#endif
