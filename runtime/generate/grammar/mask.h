/* The tokens that may come in a state.
 *
 * In most states few bytes may follow, and a walk through the tree of all tokens ends soon. Inside of a JSON string nearly
 * all tokens may come: what they are there is known beforehand (token_trie.h), and only what follows a closing quote is
 * walked through. */
#ifndef RUNTIME_GENERATE_GRAMMAR_MASK_H
#define RUNTIME_GENERATE_GRAMMAR_MASK_H

#include "runtime/generate/grammar/places.h"
#include "runtime/generate/grammar/token_trie.h"

/* A node on the way down a tree: those below it that are still to be looked at, and where its bytes lead: a state, or,
 * within a word that the grammar wants, the byte of it that comes next, for which no state need be made. */
struct mask_step {
    uint32_t next, end;
    uint32_t state;          /* STATE_NONE: within a word */
    uint32_t symbol, parent; /* then: as in a place */
    struct byte_set live;    /* that lead on */
};

/* The mask of a state [(t->n_vocab + 63) / 64], which is made when it is asked for first. path [max_depth + 2] of the deepest
 * tree: room. NULL: no token may come, or p->failed. */
const uint64_t *mask_find(struct places *p, uint32_t state, const struct token_trie *t,
                          struct mask_step *path);

/* A walk through a tree, from its root: tokens that lead from a state anywhere. */
struct mask_walk {
    struct places *p;
    const struct byte_trie *t;
    /* Whether such a token may come, for what is before the tree's bytes: so many characters. NULL: any may. */
    bool (*wants)(const void *of, int32_t id, size_t run);
    const void *of;
    struct mask_step *path;
    uint64_t *mask;
};

/* Returns how many. The tokens without bytes in the tree are among them. */
size_t mask_walk(const struct mask_walk *w, uint32_t state);

/* Fills in mask, zeroed before, of a state within a run of characters of one class (mask_run.c). false: it is none, and the mask is as it was. */
bool mask_make_run(struct places *p, uint32_t state, const struct token_trie *t, struct mask_step *path,
                   uint64_t *mask, size_t *n_allowed);

#endif
