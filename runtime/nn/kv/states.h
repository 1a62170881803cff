/* Recurrent states by number: who holds them, and which of them are kept beside a block of the cache. */
#ifndef RUNTIME_NN_KV_STATES_H
#define RUNTIME_NN_KV_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_NONE UINT32_MAX

struct kv_state {
    float *data; /* [size], 64-byte aligned */
    uint32_t n_refs;
    uint32_t block;    /* that it is kept beside, with one reference; BLOCK_NONE: none */
    uint64_t last_use; /* of one that is kept */
};

struct states {
    struct kv_state *list; /* [n] */
    size_t n, capacity;
    size_t size;   /* floats */
    size_t n_kept; /* beside blocks */
    uint64_t clock;
};

void states_release(struct states *s); /* nobody may hold one */

/* One with a reference, and anything in it; STATE_NONE: out of memory. */
uint32_t states_take(struct states *s);
void states_ref(struct states *s, uint32_t state); /* STATE_NONE is allowed, here and below */
void states_unref(struct states *s, uint32_t state);
/* NULL for STATE_NONE. */
float *states_data(const struct states *s, uint32_t state);

/* Keeps it beside a block, which has none, with a reference more; or no longer. */
void states_keep(struct states *s, uint32_t state, uint32_t block);
void states_drop(struct states *s, uint32_t state);
/* One that is kept is used. */
void states_use(struct states *s, uint32_t state);
/* Of those that are kept, the one that was used longest ago. */
uint32_t states_oldest(const struct states *s);

#endif
