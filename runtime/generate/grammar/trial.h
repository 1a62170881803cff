/* Tokens that are tried one by one. */
#ifndef RUNTIME_GENERATE_GRAMMAR_TRIAL_H
#define RUNTIME_GENERATE_GRAMMAR_TRIAL_H

#include "runtime/generate/grammar/places.h"
#include "runtime/generate/grammar/token_sets.h"

/* The token that was tried last: the states after its bytes, from before the first one. */
struct trial {
    struct places *p;
    const struct token_sets *sets;
    uint32_t path[UINT8_MAX + 1];
    size_t n; /* bytes that it went on for; it is dead at the one behind them, if it has one */
    bool dead;
};

static inline void trial_init(struct trial *t, struct places *p, const struct token_sets *sets,
                              uint32_t state)
{
    t->p = p;
    t->sets = sets;
    t->path[0] = state;
    t->n = 0;
    t->dead = false;
}

/* Whether the token leads anywhere from the state; by itself. */
bool trial_one(struct trial *t, int32_t id);
/* Allows those that lead anywhere of sets->holding from first to end, which is one list or a part of it that begins where its
 * `common` begins. */
void trial_list(struct trial *t, uint32_t first, uint32_t end, uint64_t *mask);
/* Whether the mask says just that of these. */
bool trial_agrees(struct trial *t, uint32_t first, uint32_t end, const uint64_t *mask);

#endif
