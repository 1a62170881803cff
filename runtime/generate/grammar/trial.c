#include "runtime/generate/grammar/trial.h"

/* common: bytes that it begins with as the one before it does, which need not be followed again. */
static bool follow(struct trial *t, struct hone_text text, size_t common)
{
    if (t->dead && common > t->n)
        return false;
    size_t i = common < t->n ? common : t->n;
    uint32_t state = t->path[i];
    for (; i < text.size; i++) {
        state = places_next(t->p, state, (unsigned char)text.data[i]);
        if (state == STATE_DEAD)
            break;
        if (i < UINT8_MAX)
            t->path[i + 1] = state;
    }
    t->dead = i < text.size && i < UINT8_MAX;
    t->n = i < UINT8_MAX ? i : UINT8_MAX;
    return i == text.size && text.size > 0;
}

bool trial_one(struct trial *t, int32_t id)
{
    t->n = 0;
    t->dead = false;
    return follow(t, token_sets_text(t->sets, id), 0);
}

void trial_list(struct trial *t, uint32_t first, uint32_t end, uint64_t *mask)
{
    const struct token_sets *s = t->sets;
    t->n = 0;
    t->dead = false;
    for (uint32_t i = first; i < end; i++) {
        int32_t id = s->holding[i];
        if (follow(t, token_sets_text(s, id), i == first ? 0 : s->common[i]))
            mask[id / 64] |= (uint64_t)1 << id % 64;
    }
}

bool trial_agrees(struct trial *t, uint32_t first, uint32_t end, const uint64_t *mask)
{
    const struct token_sets *s = t->sets;
    t->n = 0;
    t->dead = false;
    for (uint32_t i = first; i < end; i++) {
        int32_t id = s->holding[i];
        if (follow(t, token_sets_text(s, id), i == first ? 0 : s->common[i]) !=
            (mask[id / 64] >> id % 64 & 1))
            return false;
    }
    return true;
}
