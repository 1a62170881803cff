#include "runtime/generate/grammar/mask.h"
#include "runtime/generate/grammar/trial.h"

#include <stdlib.h>
#include <string.h>

static void allow(uint64_t *mask, int32_t id)
{
    mask[id / 64] |= (uint64_t)1 << (id % 64);
}

/* ---- inside of a string ---- */

/* A state between two characters of a string: so many more may come, and so many must before the quote. */
struct inside {
    size_t room, needed; /* room SIZE_MAX: any number */
    uint32_t after;      /* the place behind one of them */
    bool escapes;
};

/* Whether a rule can begin with the symbol, which is a set of bytes. */
static bool begins(const struct grammar *g, uint32_t rule, uint32_t symbol)
{
    for (uint32_t i = 0; i < g->rules[rule].n_alternates; i++) {
        uint32_t first = g->alternates[g->rules[rule].alternates + i];
        if (first == symbol ||
            (g->symbols[first].kind == SYMBOL_RULE && begins(g, g->symbols[first].index, symbol)))
            return true;
    }
    return false;
}

/* How many sets of bytes a rule can begin with. */
static uint32_t count_begins(const struct grammar *g, uint32_t rule)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->rules[rule].n_alternates; i++) {
        uint32_t first = g->alternates[g->rules[rule].alternates + i];
        n += g->symbols[first].kind == SYMBOL_RULE ? count_begins(g, g->symbols[first].index) : 1;
    }
    return n;
}

/* The repetition of characters that a member is in; NULL: in none. */
static const struct symbol *repeat_of(const struct places *p, uint32_t member)
{
    uint32_t after = member == PLACE_END ? PLACE_END : p->list[member].parent;
    const struct symbol *repeat = after == PLACE_END ? NULL : &p->g->symbols[p->list[after].symbol];
    return repeat && repeat->kind == SYMBOL_REPEAT && p->g->chars[repeat->index] ? repeat : NULL;
}

/* Whether the members are the first bytes of a character that is repeated, and the closing quote, and no others. */
static bool find_inside(const struct places *p, uint32_t state, struct inside *in)
{
    const struct match_state *s = &p->states[state];
    const struct symbol *repeat = NULL;
    for (uint32_t i = 0; i < s->n && !repeat; i++) {
        repeat = repeat_of(p, p->members[s->first + i]);
        in->after = repeat ? p->list[p->members[s->first + i]].parent : PLACE_END;
    }
    if (!repeat)
        return false;
    const struct place *after = &p->list[in->after];
    uint32_t n_first = 0;
    bool may_close = false;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t member = p->members[s->first + i];
        const struct place *at = &p->list[member];
        if (member != PLACE_END && at->parent == in->after && begins(p->g, repeat->index, at->symbol))
            n_first++;
        else if (member != PLACE_END && at->symbol == after->symbol + 1 && at->parent == after->parent)
            may_close = true;
        else
            return false;
    }
    uint32_t before =
        after->count > 0 ? after->count - 1 : 0; /* that have come, unless they need not be counted */
    in->escapes = p->g->chars[repeat->index] == CHARS_ESCAPED;
    in->room = repeat->max == REPEAT_UNLIMITED ? SIZE_MAX : repeat->max - before;
    in->needed = may_close || repeat->min <= before ? 0 : repeat->min - before;
    return n_first == count_begins(p->g, repeat->index);
}

/* ---- walks ---- */

/* The tokens that end at a node. */
static size_t allow_ids(const struct mask_walk *w, const struct token_trie_node *node)
{
    const struct byte_trie *t = w->t;
    size_t n_allowed = 0;
    for (uint32_t id = node->first; id < node->first + node->n_ids; id++)
        if (!w->wants || w->wants(w->of, t->ids[id], t->runs[id])) {
            allow(w->mask, t->ids[id]);
            n_allowed++;
        }
    return n_allowed;
}

static bool is_set(const struct places *p, uint32_t symbol)
{
    return p->g->symbols[symbol].kind == SYMBOL_SET;
}

/* Fills in what a state is: in one place, before a byte that another one follows, it is within a word. */
static void set_state(const struct places *p, uint32_t state, struct mask_step *step)
{
    const struct match_state *s = &p->states[state];
    uint32_t member = s->n == 1 ? p->members[s->first] : PLACE_END;
    const struct place *at = &p->list[member];
    step->state = state;
    step->live = s->live;
    if (member == PLACE_END || !is_set(p, at->symbol + 1))
        return;
    step->state = STATE_NONE;
    step->symbol = at->symbol;
    step->parent = at->parent;
}

/* The same for what comes after a live byte. false: nothing does. */
static bool set_next(struct places *p, const struct mask_step *from, unsigned char byte,
                     struct mask_step *step)
{
    if (from->state == STATE_NONE && is_set(p, from->symbol + 1)) {
        step->state = STATE_NONE;
        step->symbol = from->symbol + 1;
        step->parent = from->parent;
        step->live = p->g->sets[p->g->symbols[step->symbol].index];
        return true;
    }
    uint32_t after = from->state == STATE_NONE ? places_at(p, from->symbol + 1, from->parent)
                                               : places_next(p, from->state, byte);
    if (after == STATE_DEAD || p->failed)
        return false;
    set_state(p, after, step);
    return true;
}

size_t mask_walk(const struct mask_walk *w, uint32_t state)
{
    struct places *p = w->p;
    const struct byte_trie *t = w->t;
    size_t n_allowed = allow_ids(w, t->nodes);
    struct mask_step *at = w->path;
    set_state(p, state, at);
    at->next = t->nodes[0].child;
    at->end = at->next + t->nodes[0].n_children;
    while (!p->failed) {
        while (at->next < at->end && !set_has(&at->live, t->bytes[at->next]))
            at->next++;
        if (at->next == at->end) {
            if (at-- == w->path)
                break;
            continue;
        }
        const struct token_trie_node *node = &t->nodes[at->next];
        unsigned char byte = t->bytes[at->next++];
        if (!set_next(p, at, byte, at + 1))
            continue;
        n_allowed += allow_ids(w, node);
        if (node->n_children > 0) {
            at++;
            at->next = node->child;
            at->end = node->child + node->n_children;
        }
    }
    return n_allowed;
}

/* Whether so many characters have room before the quote. */
static bool has_room(const void *of, int32_t id, size_t run)
{
    const struct inside *in = of;
    (void)id;
    return run >= in->needed && run <= in->room;
}

static size_t walk_inside(struct places *p, const struct inside *in, const struct token_trie *t,
                          struct mask_step *path, uint64_t *mask)
{
    const struct string_tokens *strings = &t->strings[in->escapes];
    const struct mask_walk closing = {p, &strings->closing, has_room, in, path, mask};
    size_t n_allowed = 0, run = in->room < strings->max_run ? in->room : strings->max_run;
    if (strings->inside[run]) {
        memcpy(mask, strings->inside[run], (t->n_vocab + 63) / 64 * sizeof *mask);
        n_allowed = 1;
    }
    uint32_t behind = places_behind(p, in->after);
    return n_allowed + (p->failed ? 0 : mask_walk(&closing, behind));
}

/* ---- all ---- */

/* mask: zeroed before. Returns how many tokens may come, as far as that is counted: 0 is none. */
static size_t make(struct places *p, uint32_t state, const struct token_trie *t, const struct inside *in,
                   struct mask_step *path, uint64_t *mask)
{
    const struct mask_walk all = {.p = p, .t = &t->all, .path = path, .mask = mask};
    size_t n_allowed;
    if (in)
        n_allowed = walk_inside(p, in, t, path, mask);
    else if (!mask_make_run(p, state, t, path, mask, &n_allowed))
        n_allowed = mask_walk(&all, state);
    if (places_is_end(p, state))
        for (size_t i = 0; i < t->n_end_ids; i++, n_allowed++)
            allow(mask, t->end_ids[i]);
    return n_allowed;
}

/* in: between which characters of a string the state is, or NULL. */
static const uint64_t *make_own(struct places *p, uint32_t state, const struct token_trie *t,
                                const struct inside *in, struct mask_step *path)
{
    size_t n_words = (t->n_vocab + 63) / 64, size = n_words * sizeof(uint64_t);
    bool may = p->memory + size <= MATCHER_MAX_MEMORY;
    uint64_t *made = may ? calloc(n_words + 1, sizeof *made) : NULL;
    if (!made) {
        p->failed = true;
        p->no_memory |= may;
        return NULL;
    }
    if (make(p, state, t, in, path, made) == 0 || p->failed) {
        free(made);
        return NULL;
    }
    p->memory += size;
    return p->states[state].mask = made;
}

/* That of a state which looks the same from near by, if that of the tokens which reach farther is the same. Else NULL. */
static const uint64_t *borrow(struct places *p, uint32_t state, const struct token_trie *t,
                              struct mask_step *path)
{
    const uint32_t *first = t->sets.first;
    uint32_t near = places_near(p, state, TOKEN_NEAR);
    struct trial trial;
    if (near == state || p->failed)
        return NULL;
    if (!p->states[near].mask && !make_own(p, near, t, NULL, path))
        return NULL;
    trial_init(&trial, p, &t->sets, state);
    if (!trial_agrees(&trial, first[TOKEN_LONG], first[TOKEN_LONG + 1], p->states[near].mask) || p->failed)
        return NULL;
    p->states[state].mask_is_lent = true;
    return p->states[state].mask = p->states[near].mask;
}

const uint64_t *mask_find(struct places *p, uint32_t state, const struct token_trie *t,
                          struct mask_step *path)
{
    struct inside in;
    if (p->states[state].mask)
        return p->states[state].mask;
    if (find_inside(p, state, &in))
        return make_own(p, state, t, &in, path);
    const uint64_t *mask = borrow(p, state, t, path);
    return mask || p->failed ? mask : make_own(p, state, t, NULL, path);
}
