#include "runtime/nn/kv/states.h"

#include "runtime/base/assert.h"
#include "runtime/base/pages.h"
#include "runtime/base/poison.h"
#include "runtime/nn/kv/blocks.h"

#include <stdlib.h>

static size_t bytes_of(const struct states *s)
{
    return s->size * sizeof(float);
}

void states_release(struct states *s)
{
    for (size_t i = 0; i < s->n; i++) {
        ASSERT(s->list[i].n_refs == 0);
        unpoison(s->list[i].data, bytes_of(s));
        pages_free(s->list[i].data, bytes_of(s));
    }
    free(s->list);
    *s = (struct states){0};
}

static uint32_t add(struct states *s)
{
    if (s->n == s->capacity) {
        size_t capacity = 2 * s->capacity + 16;
        struct kv_state *list = realloc(s->list, capacity * sizeof *list);
        if (!list)
            return STATE_NONE;
        s->list = list;
        s->capacity = capacity;
    }
    float *data = s->n < STATE_NONE ? pages_alloc(bytes_of(s)) : NULL;
    if (!data)
        return STATE_NONE;
    s->list[s->n] = (struct kv_state){.data = data, .block = BLOCK_NONE};
    return (uint32_t)s->n++;
}

uint32_t states_take(struct states *s)
{
    uint32_t i = 0;
    while (i < s->n && s->list[i].n_refs > 0)
        i++;
    if (i == s->n)
        i = add(s);
    if (i == STATE_NONE)
        return i;
    s->list[i].n_refs = 1;
    unpoison(s->list[i].data, bytes_of(s));
    return i;
}

void states_ref(struct states *s, uint32_t i)
{
    if (i != STATE_NONE)
        s->list[i].n_refs++;
}

void states_unref(struct states *s, uint32_t i)
{
    if (i == STATE_NONE)
        return;
    ASSERT(s->list[i].n_refs > 0);
    if (--s->list[i].n_refs == 0)
        poison(s->list[i].data, bytes_of(s));
}

float *states_data(const struct states *s, uint32_t i)
{
    return i == STATE_NONE ? NULL : s->list[i].data;
}

void states_keep(struct states *s, uint32_t i, uint32_t block)
{
    ASSERT(s->list[i].block == BLOCK_NONE);
    states_ref(s, i);
    s->list[i].block = block;
    s->n_kept++;
    states_use(s, i);
}

void states_drop(struct states *s, uint32_t i)
{
    if (i == STATE_NONE)
        return;
    ASSERT(s->list[i].block != BLOCK_NONE);
    s->list[i].block = BLOCK_NONE;
    s->n_kept--;
    states_unref(s, i);
}

void states_use(struct states *s, uint32_t i)
{
    s->list[i].last_use = ++s->clock;
}

uint32_t states_oldest(const struct states *s)
{
    uint32_t oldest = STATE_NONE;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->list[i].block != BLOCK_NONE &&
            (oldest == STATE_NONE || s->list[i].last_use < s->list[oldest].last_use))
            oldest = i;
    return oldest;
}
