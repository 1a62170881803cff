/* The tokens that may come in a state.
 *
 * In most states few bytes may follow, and a walk through the tree of all tokens ends soon. Inside of a JSON string nearly
 * all tokens may come: what they are there is known beforehand (token_trie.h), and only what follows a closing quote is
 * walked through. */
#ifndef RUNTIME_GENERATE_GRAMMAR_MASK_H
#define RUNTIME_GENERATE_GRAMMAR_MASK_H

#include "runtime/generate/grammar/places.h"
#include "runtime/generate/grammar/token_trie.h"

/* mask [(t->n_vocab + 63) / 64], zeroed before; path [max_depth + 1] of the deepest tree: room. Returns how many tokens
 * may come, as far as that is counted: 0 is none. Check p->failed. */
size_t mask_make(struct places *p, uint32_t state, const struct token_trie *t, uint32_t *path,
                 uint64_t *mask);

#endif
