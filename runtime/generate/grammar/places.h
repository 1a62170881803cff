/* Where a text can be in a grammar, as an automaton that is made while it is used.
 *
 * A place is a symbol that comes next, and a place to go on from when its alternative is done: a stack, as a list that
 * shares its tail with others. Equal places are one, so a set of places (a state) is a set of numbers, equal states
 * are one too, and what a byte makes of a state is worked out once.
 */
#ifndef RUNTIME_GENERATE_GRAMMAR_PLACES_H
#define RUNTIME_GENERATE_GRAMMAR_PLACES_H

#include "runtime/generate/grammar/rules.h"

#define PLACE_END  0u /* the grammar is done */
#define STATE_DEAD 0u /* no place: the text is not allowed */
#define STATE_NONE UINT32_MAX

struct place {
    uint32_t symbol;
    uint32_t count;  /* turns of a repetition that are done, as far as they matter */
    uint32_t parent; /* place to go on from */
};

/* Most states are within a word that the grammar wants, and few bytes lead on from there: their lists are short, since a
 * kilobyte for each took longer to clear and to page in than the states to find. */
struct match_state {
    uint32_t first, n;    /* in `members`, rising */
    uint32_t n_live;      /* bytes */
    struct byte_set live; /* that lead to a place */
    uint32_t *
        next; /* state after a byte, STATE_NONE: not worked out yet; NULL: none is. [256], or, where there are
                             at most STATE_FEW live bytes, one for each, in their order */
    uint64_t *mask;    /* of tokens, or NULL */
    bool mask_is_lent; /* it is another state's */
};
#define STATE_FEW 16u /* entries of four bytes: one cache line, where a table of 256 is sixteen */

/* Numbers of equal things by hash: 0 is empty, others are number + 1. */
struct number_table {
    uint32_t *slots;
    size_t n_slots, n;
};

struct places {
    const struct grammar *g;
    struct place *list;
    uint32_t *stamps; /* of each place: the round in which it was met */
    size_t n, capacity, stamps_capacity;
    struct number_table place_table, state_table;
    struct match_state *states;
    size_t n_states, states_capacity;
    uint32_t *members;
    size_t n_members, members_capacity;
    uint32_t *todo, *found; /* of the state that is being made */
    size_t todo_capacity, found_capacity;
    uint32_t round;
    size_t memory;  /* bytes in use, about */
    bool failed;    /* out of memory or of MATCHER_MAX_MEMORY; what was returned is no answer */
    bool no_memory; /* the system had no memory, not MATCHER_MAX_MEMORY: later it may go well */
};

bool places_init(struct places *p, const struct grammar *g);
void places_release(struct places *p);

/* Before any text. */
uint32_t places_start(struct places *p);
uint32_t places_find_next(struct places *p, uint32_t state, unsigned char byte);
/* After the byte that comes behind a repetition, whatever its number; `after`: the place behind one of its turns. */
uint32_t places_behind(struct places *p, uint32_t after);
static inline uint32_t places_next(struct places *p, uint32_t state, unsigned char byte)
{
    const struct match_state *s = &p->states[state];
    uint32_t known = s->next && s->n_live > STATE_FEW ? s->next[byte] : STATE_NONE;
    return known != STATE_NONE ? known : places_find_next(p, state, byte);
}

/* The state where the symbol, on the way to `parent`, comes next. */
uint32_t places_at(struct places *p, uint32_t symbol, uint32_t parent);
bool places_is_end(const struct places *p, uint32_t state);

/* A state that the next n_bytes bytes do just the same to: where the turns of a repetition are that far from a number that
 * matters, the number that have been is another one, always the same. So what is found out for that state holds for all items
 * of a list but the last few before it may end or must. */
uint32_t places_near(struct places *p, uint32_t state, size_t n_bytes);

/* For the other files of places: the number of a place, PLACE_END where it failed; that of the state of such numbers, which
 * rise; and room for n items in an array. */
uint32_t places_find(struct places *p, struct place place);
uint32_t places_find_state(struct places *p, const uint32_t *found, size_t n);
bool places_reserve(struct places *p, void *array, size_t *capacity, size_t n, size_t item_size);

/* Copies a state of `from` into `to`, which has the same grammar. */
uint32_t places_copy(struct places *to, const struct places *from, uint32_t state);

#endif
