#include "runtime/generate/grammar/places.h"

#include "runtime/base/hash.h"
#include "runtime/base/order.h"

#include <stdlib.h>
#include <string.h>

/* A grammar may be written so that its places grow without end: a state has at most so many, and finding them takes at most
 * so many visits. */
enum { MAX_MEMBERS = 20000, MAX_ROUND = 200000 };

/* ---- growing ---- */

static bool fail(struct places *p, bool no_memory)
{
    p->failed = true;
    p->no_memory |= no_memory;
    return false;
}

bool places_reserve(struct places *p, void *array, size_t *capacity, size_t n, size_t item_size)
{
    void **items = array;
    if (n <= *capacity)
        return true;
    size_t wanted = 2 * n + 64, more = (wanted - *capacity) * item_size;
    bool may = p->memory + more <= MATCHER_MAX_MEMORY;
    void *grown = may ? realloc(*items, wanted * item_size) : NULL;
    if (!grown)
        return fail(p, may);
    p->memory += more;
    *items = grown;
    *capacity = wanted;
    return true;
}

/* ---- numbers of equal things ---- */

static uint64_t hash_place(const struct places *p, uint32_t number)
{
    return hash_bytes(&p->list[number], sizeof(struct place));
}

static uint64_t hash_state(const struct places *p, uint32_t number)
{
    const struct match_state *s = &p->states[number];
    if (s->n == 0) /* and there may be no members at all yet */
        return 0;
    return hash_bytes(p->members + s->first, s->n * sizeof *p->members);
}

static bool equal_places(const struct places *p, uint32_t a, uint32_t b)
{
    return memcmp(&p->list[a], &p->list[b], sizeof(struct place)) == 0;
}

static bool equal_states(const struct places *p, uint32_t a, uint32_t b)
{
    const struct match_state *x = &p->states[a], *y = &p->states[b];
    return x->n == y->n &&
           (x->n == 0 || memcmp(p->members + x->first, p->members + y->first, x->n * sizeof(uint32_t)) == 0);
}

struct place_kind {
    uint64_t (*hash)(const struct places *p, uint32_t number);
    bool (*equal)(const struct places *p, uint32_t a, uint32_t b);
};
static const struct place_kind kind_place = {hash_place, equal_places},
                               kind_state = {hash_state, equal_states};

static bool table_grow(struct places *p, struct number_table *t, const struct place_kind *kind)
{
    size_t n_slots = t->n_slots ? 2 * t->n_slots : 1024, more = (n_slots - t->n_slots) * sizeof *t->slots;
    bool may = p->memory + more <= MATCHER_MAX_MEMORY;
    uint32_t *slots = may ? calloc(n_slots, sizeof *slots) : NULL;
    if (!slots)
        return fail(p, may);
    for (size_t i = 0; i < t->n_slots; i++)
        if (t->slots[i]) {
            size_t slot = kind->hash(p, t->slots[i] - 1) & (n_slots - 1);
            while (slots[slot])
                slot = (slot + 1) & (n_slots - 1);
            slots[slot] = t->slots[i];
        }
    free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    p->memory += more;
    return true;
}

/* The number of what equals `number`, which is that itself where nothing did; STATE_NONE: failed. */
static uint32_t table_find(struct places *p, struct number_table *t, const struct place_kind *kind,
                           uint32_t number)
{
    if (4 * (t->n + 1) > 3 * t->n_slots && !table_grow(p, t, kind))
        return STATE_NONE;
    size_t slot = kind->hash(p, number) & (t->n_slots - 1);
    for (; t->slots[slot]; slot = (slot + 1) & (t->n_slots - 1))
        if (kind->equal(p, t->slots[slot] - 1, number))
            return t->slots[slot] - 1;
    t->slots[slot] = number + 1;
    t->n++;
    return number;
}

/* PLACE_END where it failed. */
uint32_t places_find(struct places *p, struct place place)
{
    if (!places_reserve(p, &p->list, &p->capacity, p->n + 1, sizeof *p->list) ||
        !places_reserve(p, &p->stamps, &p->stamps_capacity, p->n + 1, sizeof *p->stamps))
        return PLACE_END;
    p->list[p->n] = place;
    p->stamps[p->n] = 0;
    uint32_t number = table_find(p, &p->place_table, &kind_place, (uint32_t)p->n);
    p->n += number == p->n;
    return number == STATE_NONE ? PLACE_END : number;
}

/* ---- making a state ---- */

/* One round: a worklist of places, and those that were found at a set of bytes or at the end. */
struct round {
    size_t n_todo, n_found, n_met;
};

static void meet(struct places *p, struct round *r, uint32_t place)
{
    if (p->failed || p->stamps[place] == p->round)
        return;
    if (++r->n_met > MAX_ROUND) {
        p->failed = true;
        return;
    }
    p->stamps[place] = p->round;
    if (places_reserve(p, &p->todo, &p->todo_capacity, r->n_todo + 1, sizeof *p->todo))
        p->todo[r->n_todo++] = place;
}

/* The place at `symbol`, on the way to `parent`: parent itself where the alternative ends here. */
static uint32_t place_at(struct places *p, uint32_t symbol, uint32_t parent)
{
    if (p->g->symbols[symbol].kind == SYMBOL_END)
        return parent;
    return places_find(p, (struct place){symbol, 0, parent});
}

static void meet_rule(struct places *p, struct round *r, uint32_t rule, uint32_t parent)
{
    const struct rule *of = &p->g->rules[rule];
    for (uint32_t i = 0; i < of->n_alternates && !p->failed; i++)
        meet(p, r, place_at(p, p->g->alternates[of->alternates + i], parent));
}

static void meet_repeat(struct places *p, struct round *r, struct place at, const struct symbol *symbol)
{
    if (at.count >= symbol->min)
        meet(p, r, place_at(p, at.symbol + 1, at.parent));
    if (at.count >= symbol->max)
        return;
    /* Without an upper limit, turns above the lower one need not be told apart. */
    bool is_counted = symbol->max != REPEAT_UNLIMITED || at.count < symbol->min;
    uint32_t after = places_find(p, (struct place){at.symbol, at.count + is_counted, at.parent});
    meet_rule(p, r, symbol->index, after);
}

static void visit(struct places *p, struct round *r, uint32_t number)
{
    struct place at = p->list[number];
    const struct symbol *symbol = number == PLACE_END ? NULL : &p->g->symbols[at.symbol];
    if (!symbol || symbol->kind == SYMBOL_SET) {
        if (r->n_found < MAX_MEMBERS &&
            places_reserve(p, &p->found, &p->found_capacity, r->n_found + 1, sizeof *p->found))
            p->found[r->n_found++] = number;
        else
            p->failed = true;
    } else if (symbol->kind == SYMBOL_RULE) {
        meet_rule(p, r, symbol->index, place_at(p, at.symbol + 1, at.parent));
    } else {
        meet_repeat(p, r, at, symbol);
    }
}

static const struct byte_set *set_of(const struct places *p, uint32_t place)
{
    static const struct byte_set none = {{0}};
    return place == PLACE_END ? &none : &p->g->sets[p->g->symbols[p->list[place].symbol].index];
}

static void find_live(const struct places *p, struct match_state *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        set_add(&s->live, set_of(p, p->members[s->first + i]));
    for (unsigned i = 0; i < 4; i++)
        s->n_live += (uint32_t)__builtin_popcountll(s->live.bits[i]);
}

/* The state of the places found. */
uint32_t places_find_state(struct places *p, const uint32_t *found, size_t n)
{
    if (p->failed ||
        !places_reserve(p, &p->states, &p->states_capacity, p->n_states + 1, sizeof *p->states) ||
        !places_reserve(p, &p->members, &p->members_capacity, p->n_members + n, sizeof *p->members))
        return STATE_DEAD;
    struct match_state *made = &p->states[p->n_states];
    *made = (struct match_state){.first = (uint32_t)p->n_members, .n = (uint32_t)n};
    if (n > 0)
        memcpy(p->members + p->n_members, found, n * sizeof *found);
    uint32_t number = table_find(p, &p->state_table, &kind_state, (uint32_t)p->n_states);
    if (number == STATE_NONE)
        return STATE_DEAD;
    if (number == p->n_states) {
        p->n_states++;
        p->n_members += n;
        find_live(p, made);
    }
    return number;
}

/* Follows rules from the places met so far. */
static uint32_t close_round(struct places *p, struct round *r)
{
    while (r->n_todo > 0 && !p->failed)
        visit(p, r, p->todo[--r->n_todo]);
    if (r->n_found > 1)
        qsort(p->found, r->n_found, sizeof *p->found, order_uint32);
    return places_find_state(p, p->found, r->n_found);
}

uint32_t places_start(struct places *p)
{
    struct round r = {0};
    p->round++;
    meet_rule(p, &r, p->g->root, PLACE_END);
    return close_round(p, &r);
}

/* *same: all bytes that lead to just the places that `byte` leads to. */
static uint32_t work_out(struct places *p, uint32_t state, unsigned char byte, struct byte_set *same)
{
    struct round r = {0};
    const struct match_state *s = &p->states[state];
    *same = s->live;
    p->round++;
    for (uint32_t i = 0; i < s->n && !p->failed; i++) {
        uint32_t number = p->members[s->first + i];
        const struct byte_set *set = set_of(p, number);
        bool has = set_has(set, byte);
        for (unsigned k = 0; k < 4; k++)
            same->bits[k] &= has ? set->bits[k] : ~set->bits[k];
        if (has)
            meet(p, &r, place_at(p, p->list[number].symbol + 1, p->list[number].parent));
    }
    return close_round(p, &r);
}

/* Where the state after a live byte is kept. */
static size_t slot_of(const struct match_state *s, unsigned char byte)
{
    size_t n = 0;
    if (s->n_live > STATE_FEW)
        return byte;
    for (unsigned i = 0; i < byte / 64u; i++)
        n += (size_t)__builtin_popcountll(s->live.bits[i]);
    return n + (size_t)__builtin_popcountll(s->live.bits[byte / 64] & (((uint64_t)1 << byte % 64) - 1));
}

static bool make_next(struct places *p, struct match_state *s)
{
    size_t size = (s->n_live > STATE_FEW ? 256 : s->n_live) * sizeof *s->next;
    bool may = p->memory + size <= MATCHER_MAX_MEMORY;
    s->next = may ? malloc(size) : NULL;
    if (!s->next)
        return fail(p, may);
    memset(s->next, 0xff, size); /* STATE_NONE */
    for (unsigned byte = 0; byte < 256 && s->n_live > STATE_FEW; byte++)
        if (!set_has(&s->live, (unsigned char)byte))
            s->next[byte] = STATE_DEAD;
    p->memory += size;
    return true;
}

uint32_t places_find_next(struct places *p, uint32_t state, unsigned char byte)
{
    struct byte_set same;
    struct match_state *s = &p->states[state];
    if (p->failed || !set_has(&s->live, byte) || (!s->next && !make_next(p, s)))
        return STATE_DEAD;
    uint32_t known = s->next[slot_of(s, byte)];
    if (known != STATE_NONE)
        return known;
    uint32_t after = work_out(p, state, byte, &same);
    if (p->failed)
        return STATE_DEAD;
    s = &p->states[state]; /* which may have moved */
    for (unsigned i = 0; i < 4; i++)
        for (uint64_t left = same.bits[i]; left; left &= left - 1)
            s->next[slot_of(s, (unsigned char)(64 * i + (unsigned)__builtin_ctzll(left)))] = after;
    return after;
}

uint32_t places_at(struct places *p, uint32_t symbol, uint32_t parent)
{
    struct round r = {0};
    p->round++;
    meet(p, &r, place_at(p, symbol, parent));
    return close_round(p, &r);
}

uint32_t places_behind(struct places *p, uint32_t after)
{
    struct place repeat = p->list[after];
    return places_at(p, repeat.symbol + 2, repeat.parent);
}

bool places_is_end(const struct places *p, uint32_t state)
{
    const struct match_state *s = &p->states[state];
    return s->n > 0 && p->members[s->first] == PLACE_END;
}

/* ---- lifetime ---- */

bool places_init(struct places *p, const struct grammar *g)
{
    *p = (struct places){.g = g};
    /* Number 0 of both: the end, which equals no other place, and the state without places. */
    places_find(p, (struct place){UINT32_MAX, 0, 0});
    places_find_state(p, NULL, 0);
    if (p->failed)
        places_release(p);
    return !p->failed;
}

void places_release(struct places *p)
{
    for (size_t i = 0; i < p->n_states; i++) {
        free(p->states[i].next);
        if (!p->states[i].mask_is_lent)
            free(p->states[i].mask);
    }
    free(p->list);
    free(p->stamps);
    free(p->place_table.slots);
    free(p->state_table.slots);
    free(p->states);
    free(p->members);
    free(p->todo);
    free(p->found);
    *p = (struct places){.failed = p->failed};
}
