/* States of another one's places: copied, or as they look from near by. */
#include "runtime/generate/grammar/places.h"

#include "runtime/base/order.h"

#include <stdlib.h>
#include <string.h>

/* The state of the places found, of which there are n in any order; some may be equal. */
static uint32_t find_sorted(struct places *p, size_t n)
{
    size_t n_left = 0;
    if (n > 1)
        qsort(p->found, n, sizeof *p->found, order_uint32);
    for (size_t i = 0; i < n; i++)
        if (n_left == 0 || p->found[i] != p->found[n_left - 1])
            p->found[n_left++] = p->found[i];
    return places_find_state(p, p->found, n_left);
}

/* ---- copies ---- */

/* A place and all it leads back to, from the last. */
static uint32_t copy_place(struct places *to, const struct places *from, uint32_t number, uint32_t *copies)
{
    size_t n = 0;
    while (number != PLACE_END && copies[number] == STATE_NONE) {
        if (!places_reserve(to, &to->todo, &to->todo_capacity, n + 1, sizeof *to->todo))
            return PLACE_END;
        to->todo[n++] = number;
        number = from->list[number].parent;
    }
    uint32_t copy = number == PLACE_END ? PLACE_END : copies[number];
    while (n > 0 && !to->failed) {
        struct place place = from->list[to->todo[--n]];
        place.parent = copy;
        copy = copies[to->todo[n]] = places_find(to, place);
    }
    return copy;
}

uint32_t places_copy(struct places *to, const struct places *from, uint32_t state)
{
    const struct match_state *s = &from->states[state];
    uint32_t *copies = malloc(from->n * sizeof *copies);
    if (!copies || !places_reserve(to, &to->found, &to->found_capacity, s->n + 1, sizeof *to->found)) {
        free(copies);
        to->failed = true;
        return STATE_DEAD;
    }
    memset(copies, 0xff, from->n * sizeof *copies);
    for (uint32_t i = 0; i < s->n && !to->failed; i++)
        to->found[i] = copy_place(to, from, from->members[s->first + i], copies);
    free(copies);
    return find_sorted(to, s->n);
}

/* ---- near by ---- */

/* Where they are more or lie deeper, a state is taken as it is: it is rare, and looking at all of them would take long. */
enum { MOST_MEMBERS = 64, MOST_DEPTH = 64 };

/* What a count is as good as for the next n_bytes bytes, in which so many more turns can end at most. */
static uint32_t near_count(const struct places *p, const struct place *at, size_t n_bytes)
{
    const struct symbol *repeat = &p->g->symbols[at->symbol];
    size_t least = repeat->kind == SYMBOL_REPEAT ? p->g->least[repeat->index] : 0;
    if (least == 0)
        return at->count;
    size_t most = at->count + n_bytes / least + 1;
    if (most < repeat->min)
        return 0;
    return at->count >= repeat->min && most < repeat->max ? repeat->min : at->count;
}

/* A place and all it leads back to. */
static uint32_t near_place(struct places *p, uint32_t number, size_t n_bytes)
{
    uint32_t way[MOST_DEPTH], near = PLACE_END;
    size_t n = 0;
    for (; number != PLACE_END; number = p->list[number].parent)
        way[n++] = number;
    while (n > 0 && !p->failed) {
        struct place place = p->list[way[--n]];
        place.count = near_count(p, &place, n_bytes);
        place.parent = near;
        near = places_find(p, place);
    }
    return near;
}

/* Whether near_place would do something, and can. */
static bool is_far(const struct places *p, uint32_t number, size_t n_bytes, bool *is_deep)
{
    bool far = false;
    size_t depth = 0;
    for (; number != PLACE_END && depth < MOST_DEPTH; number = p->list[number].parent, depth++)
        far |= near_count(p, &p->list[number], n_bytes) != p->list[number].count;
    *is_deep |= number != PLACE_END;
    return far;
}

uint32_t places_near(struct places *p, uint32_t state, size_t n_bytes)
{
    uint32_t n = p->states[state].n, first = p->states[state].first;
    bool far = false, is_deep = false;
    for (uint32_t i = 0; i < n && n <= MOST_MEMBERS; i++)
        far |= is_far(p, p->members[first + i], n_bytes, &is_deep);
    if (!far || is_deep || !places_reserve(p, &p->found, &p->found_capacity, n, sizeof *p->found))
        return state;
    for (uint32_t i = 0; i < n && !p->failed; i++)
        p->found[i] = near_place(p, p->members[first + i], n_bytes);
    return find_sorted(p, n);
}
