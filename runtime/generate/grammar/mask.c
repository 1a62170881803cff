#include "runtime/generate/grammar/mask.h"

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

/* The tokens that end at a node; of those with characters before the tree's bytes, where these have room. */
static size_t allow_ids(const struct byte_trie *t, const struct token_trie_node *node,
                        const struct inside *in, uint64_t *mask)
{
    size_t n_allowed = 0;
    for (uint32_t id = node->first; id < node->first + node->n_ids; id++)
        if (!in || (t->runs[id] >= in->needed && t->runs[id] <= in->room)) {
            allow(mask, t->ids[id]);
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

/* The tokens of a tree that lead from the state anywhere. Returns how many. */
static size_t walk(struct places *p, const struct byte_trie *t, uint32_t state, const struct inside *in,
                   struct mask_step *path, uint64_t *mask)
{
    size_t n_allowed = in ? allow_ids(t, t->nodes, in, mask) : 0;
    struct mask_step *at = path;
    set_state(p, state, at);
    at->next = t->nodes[0].child;
    at->end = at->next + t->nodes[0].n_children;
    while (!p->failed) {
        while (at->next < at->end && !set_has(&at->live, t->bytes[at->next]))
            at->next++;
        if (at->next == at->end) {
            if (at-- == path)
                break;
            continue;
        }
        const struct token_trie_node *node = &t->nodes[at->next];
        unsigned char byte = t->bytes[at->next++];
        if (!set_next(p, at, byte, at + 1))
            continue;
        n_allowed += allow_ids(t, node, in, mask);
        if (node->n_children > 0) {
            at++;
            at->next = node->child;
            at->end = node->child + node->n_children;
        }
    }
    return n_allowed;
}

static size_t walk_inside(struct places *p, const struct inside *in, const struct token_trie *t,
                          struct mask_step *path, uint64_t *mask)
{
    const struct string_tokens *strings = &t->strings[in->escapes];
    size_t n_allowed = 0, run = in->room < strings->max_run ? in->room : strings->max_run;
    if (strings->inside[run]) {
        memcpy(mask, strings->inside[run], (t->n_vocab + 63) / 64 * sizeof *mask);
        n_allowed = 1;
    }
    uint32_t behind = places_behind(p, in->after);
    return n_allowed + (p->failed ? 0 : walk(p, &strings->closing, behind, in, path, mask));
}

size_t mask_make(struct places *p, uint32_t state, const struct token_trie *t, struct mask_step *path,
                 uint64_t *mask)
{
    struct inside in;
    size_t n_allowed;
    if (find_inside(p, state, &in)) {
        n_allowed = walk_inside(p, &in, t, path, mask);
    } else if (!mask_make_run(p, state, t, mask, &n_allowed)) {
        n_allowed = walk(p, &t->all, state, NULL, path, mask);
    }
    if (places_is_end(p, state))
        for (size_t i = 0; i < t->n_end_ids; i++, n_allowed++)
            allow(mask, t->end_ids[i]);
    return n_allowed;
}
