#include "runtime/generate/grammar/schema/automaton.h"

#include "runtime/base/hash.h"
#include "runtime/base/order.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- the expressions' own automata, which may be in several states at once ---- */

enum step_kind { STEP_SET, STEP_SPLIT, STEP_BEGIN, STEP_END, STEP_MATCH };

struct automaton_step {
    enum step_kind kind;
    uint32_t set;         /* of a set of characters; of a match: the number of its expression */
    uint32_t next, other; /* other: of a split, or NO_STATE */
};

struct automaton_maker {
    struct schema_work *w;
    const struct schema_value *at;
    struct automaton *a;
    struct automaton_step *steps;
    size_t n_steps, steps_capacity;
    struct char_set *sets; /* of all expressions */
    size_t n_sets, sets_capacity;
    uint8_t *set_has; /* [n_sets, n_classes] */
    uint32_t *starts;
    size_t n_starts;
    struct automaton_wanted wanted;

    /* States of the deterministic one: each is a run of steps, and the count behind them. */
    uint32_t *members;
    size_t n_members, members_capacity;
    size_t *first; /* [n_states + 1] */
    size_t first_capacity, next_capacity, match_capacity, length_capacity;
    uint32_t *slots; /* by hash, number + 1 */
    size_t n_slots;
    uint32_t *stamps, *stack, *found; /* [n_steps] of the state that is being made */
    uint32_t stamp;
    size_t n_found;
};

static uint32_t add_step(struct automaton_maker *m, struct automaton_step step)
{
    if (!schema_pay(m->w, 1) ||
        !schema_room(m->w, &m->steps, &m->steps_capacity, m->n_steps, sizeof *m->steps))
        return NO_STATE;
    m->steps[m->n_steps] = step;
    return (uint32_t)m->n_steps++;
}

/* The steps of a piece that go on to `next`; returns the first. */
static uint32_t add_piece(struct automaton_maker *m, const struct expression_piece *p, uint32_t set_base,
                          uint32_t next)
{
    if (m->w->failed)
        return NO_STATE;
    switch (p->kind) {
    case PIECE_EMPTY:
        return next;
    case PIECE_SET:
        return add_step(m, (struct automaton_step){STEP_SET, set_base + p->set, next, NO_STATE});
    case PIECE_BEGIN:
    case PIECE_END:
        return add_step(
            m, (struct automaton_step){p->kind == PIECE_BEGIN ? STEP_BEGIN : STEP_END, 0, next, NO_STATE});
    case PIECE_BOTH: /* long texts lean to the left */
        while (p->kind == PIECE_BOTH) {
            next = add_piece(m, p->b, set_base, next);
            p = p->a;
        }
        return add_piece(m, p, set_base, next);
    case PIECE_EITHER: {
        uint32_t split = NO_STATE;
        for (; p->kind == PIECE_EITHER; p = p->a) {
            uint32_t one = add_piece(m, p->b, set_base, next);
            split = split == NO_STATE ? one : add_step(m, (struct automaton_step){STEP_SPLIT, 0, one, split});
        }
        uint32_t last = add_piece(m, p, set_base, next);
        return add_step(m, (struct automaton_step){STEP_SPLIT, 0, last, split});
    }
    default:
        break;
    }
    uint32_t after = next;
    if (p->max == REPEAT_UNLIMITED) {
        uint32_t loop = add_step(m, (struct automaton_step){STEP_SPLIT, 0, NO_STATE, next});
        uint32_t body = add_piece(m, p->a, set_base, loop);
        if (!m->w->failed)
            m->steps[loop].next = body;
        after = loop;
    }
    for (uint32_t i = p->min; p->max != REPEAT_UNLIMITED && i < p->max && !m->w->failed; i++)
        after =
            add_step(m, (struct automaton_step){STEP_SPLIT, 0, add_piece(m, p->a, set_base, after), next});
    for (uint32_t i = 0; i < p->min && !m->w->failed; i++)
        after = add_piece(m, p->a, set_base, after);
    return after;
}

static bool add_expression(struct automaton_maker *m, const struct expression *e, uint32_t number,
                           uint32_t any)
{
    uint32_t base = (uint32_t)m->n_sets,
             end = add_step(m, (struct automaton_step){STEP_MATCH, number, NO_STATE, NO_STATE});
    for (size_t i = 0; i < e->n_sets; i++) {
        if (!schema_room(m->w, &m->sets, &m->sets_capacity, m->n_sets, sizeof *m->sets))
            return false;
        m->sets[m->n_sets++] = e->sets[i];
    }
    if (e->is_whole) {
        m->starts[m->n_starts++] = e->top ? add_piece(m, e->top, base, end) : NO_STATE;
        return !m->w->failed;
    }
    uint32_t behind = add_step(m, (struct automaton_step){STEP_SPLIT, 0, NO_STATE, end});
    uint32_t skip = add_step(m, (struct automaton_step){STEP_SET, any, behind, NO_STATE});
    if (m->w->failed)
        return false;
    m->steps[behind].next = skip;
    uint32_t top = add_piece(m, e->top, base, behind);
    uint32_t before = add_step(m, (struct automaton_step){STEP_SPLIT, 0, NO_STATE, top});
    skip = add_step(m, (struct automaton_step){STEP_SET, any, before, NO_STATE});
    if (m->w->failed)
        return false;
    m->steps[before].next = skip;
    m->starts[m->n_starts++] = before;
    return true;
}

/* ---- classes of characters ---- */

static bool has_point(const struct char_set *set, uint32_t point)
{
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->ranges[middle].last < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->n && set->ranges[low].first <= point;
}

/* Where ranges begin and end, sorted, each once. */
static uint32_t *find_cuts(struct automaton_maker *m, size_t *n)
{
    size_t most = 3;
    for (size_t i = 0; i < m->n_sets; i++)
        most += 2 * m->sets[i].n;
    uint32_t *cuts = schema_alloc(m->w, most, sizeof *cuts);
    if (!cuts || !schema_pay(m->w, most))
        return NULL;
    *n = 0;
    cuts[(*n)++] = 0;
    cuts[(*n)++] = 0xd800;
    cuts[(*n)++] = 0xe000;
    for (size_t i = 0; i < m->n_sets; i++)
        for (size_t j = 0; j < m->sets[i].n; j++) {
            cuts[(*n)++] = m->sets[i].ranges[j].first;
            cuts[(*n)++] = m->sets[i].ranges[j].last + 1;
        }
    qsort(cuts, *n, sizeof *cuts, order_uint32);
    size_t n_left = 0;
    for (size_t i = 0; i < *n; i++)
        if (n_left == 0 || cuts[i] != cuts[n_left - 1])
            cuts[n_left++] = cuts[i];
    *n = n_left;
    return cuts;
}

/* Ranges that the same sets have are a class: found by the sets' bits. */
static bool find_classes(struct automaton_maker *m)
{
    struct automaton *a = m->a;
    size_t n_cuts = 0, n_bytes = m->n_sets / 8 + 1;
    uint32_t *cuts = find_cuts(m, &n_cuts);
    uint8_t *bits = cuts ? schema_alloc(m->w, n_cuts, n_bytes) : NULL; /* of each class */
    a->classes = cuts ? schema_alloc(m->w, n_cuts, sizeof *a->classes) : NULL;
    size_t n_table = 64;
    while (n_table < 2 * n_cuts)
        n_table *= 2;
    uint32_t *table = a->classes ? schema_alloc(m->w, n_table, sizeof *table) : NULL;
    if (!bits || !table)
        return false;
    for (size_t i = 0; i < n_cuts; i++) {
        uint32_t first = cuts[i], last = i + 1 < n_cuts ? cuts[i + 1] - 1 : 0x10ffff;
        if ((first >= 0xd800 && first <= 0xdfff) || first > 0x10ffff)
            continue;
        uint8_t *own = bits + a->n_classes * n_bytes;
        memset(own, 0, n_bytes);
        if (!schema_pay(m->w, m->n_sets))
            return false;
        for (size_t s = 0; s < m->n_sets; s++)
            own[s / 8] |= (uint8_t)(has_point(&m->sets[s], first) << s % 8);
        size_t slot = hash_bytes(own, n_bytes) & (n_table - 1);
        while (table[slot] && memcmp(bits + (table[slot] - 1) * n_bytes, own, n_bytes) != 0)
            slot = (slot + 1) & (n_table - 1);
        if (!table[slot])
            table[slot] = (uint32_t)++a->n_classes;
        a->classes[a->n_ranges++] = (struct char_class){first, last, table[slot] - 1};
    }
    m->set_has = schema_alloc(m->w, m->n_sets * a->n_classes + 1, 1);
    for (size_t s = 0; m->set_has && s < m->n_sets; s++)
        for (size_t c = 0; c < a->n_classes; c++)
            m->set_has[s * a->n_classes + c] = bits[c * n_bytes + s / 8] >> s % 8 & 1;
    return m->set_has && schema_pay(m->w, m->n_sets * a->n_classes);
}

/* ---- states ---- */

/* What is reached from a step without a character; at_begin: nothing of the text has been read. With is_end, the text
 * ends here: *match gets the expressions that it is one of. */
static bool reach(struct automaton_maker *m, uint32_t from, bool at_begin, bool is_end, uint64_t *match)
{
    size_t n = 0;
    if (from != NO_STATE && m->stamps[from] != m->stamp) {
        m->stamps[from] = m->stamp;
        m->stack[n++] = from;
    }
    while (n > 0) {
        const struct automaton_step *s = &m->steps[m->stack[--n]];
        uint32_t next[2] = {NO_STATE, NO_STATE};
        if (!schema_pay(m->w, 1))
            return false;
        if (s->kind == STEP_MATCH && match)
            *match |= (uint64_t)1 << s->set;
        if (!is_end && (s->kind == STEP_SET || s->kind == STEP_END || s->kind == STEP_MATCH))
            m->found[m->n_found++] = (uint32_t)(s - m->steps);
        if (s->kind == STEP_SPLIT || (s->kind == STEP_BEGIN && at_begin) || (s->kind == STEP_END && is_end)) {
            next[0] = s->next;
            next[1] = s->kind == STEP_SPLIT ? s->other : NO_STATE;
        }
        for (int i = 0; i < 2; i++)
            if (next[i] != NO_STATE && m->stamps[next[i]] != m->stamp) {
                m->stamps[next[i]] = m->stamp;
                m->stack[n++] = next[i];
            }
    }
    return true;
}

static bool grow_slots(struct automaton_maker *m)
{
    size_t n_slots = m->n_slots ? 2 * m->n_slots : 256;
    uint32_t *slots = schema_alloc(m->w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < m->a->n_states; i++) {
        size_t slot =
            hash_bytes(m->members + m->first[i], (m->first[i + 1] - m->first[i]) * 4) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    m->slots = slots;
    m->n_slots = n_slots;
    return true;
}

static bool grow_state(struct automaton_maker *m)
{
    struct automaton *a = m->a;
    size_t n = a->n_states, row = a->n_classes;
    if (n >= AUTOMATON_MAX_STATES)
        return schema_fail_at(m->w, m->at, "pattern, format and lengths together need more than %u states",
                              AUTOMATON_MAX_STATES);
    if (!schema_room(m->w, &m->first, &m->first_capacity, n + 1, sizeof *m->first) ||
        !schema_room(m->w, &a->match, &m->match_capacity, n, sizeof *a->match) ||
        !schema_room(m->w, &a->length, &m->length_capacity, n, sizeof *a->length) ||
        !schema_room(m->w, &a->next, &m->next_capacity, n, row * sizeof *a->next))
        return false;
    return 2 * (n + 1) < m->n_slots || grow_slots(m);
}

/* The state of the steps found, a new one where there is none; false: failed. */
static bool find_state(struct automaton_maker *m, uint32_t length, bool at_begin, uint32_t *state)
{
    struct automaton *a = m->a;
    *state = NO_STATE;
    if (m->n_found == 0)
        return true;
    qsort(m->found, m->n_found, sizeof *m->found, order_uint32);
    m->found[m->n_found] = length;
    size_t n = m->n_found + 1;
    if (!grow_state(m))
        return false;
    size_t slot = hash_bytes(m->found, n * sizeof *m->found) & (m->n_slots - 1);
    for (; m->slots[slot]; slot = (slot + 1) & (m->n_slots - 1)) {
        uint32_t i = m->slots[slot] - 1;
        *state = i;
        if (m->first[i + 1] - m->first[i] == n && memcmp(m->members + m->first[i], m->found, n * 4) == 0)
            return schema_pay(m->w, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (!schema_room(m->w, &m->members, &m->members_capacity, m->n_members, sizeof *m->members))
            return false;
        m->members[m->n_members++] = m->found[i];
    }
    *state = (uint32_t)a->n_states;
    m->slots[slot] = *state + 1;
    a->length[*state] = length;
    a->match[*state] = 0;
    m->first[++a->n_states] = m->n_members;
    m->stamp++;
    for (size_t i = m->first[*state]; i + 1 < m->n_members; i++)
        if (!reach(m, m->members[i], at_begin, true, &a->match[*state]))
            return false;
    return schema_pay(m->w, n);
}

static bool follow(struct automaton_maker *m, uint32_t state)
{
    struct automaton *a = m->a;
    uint32_t length = a->length[state];
    bool is_full = m->wanted.is_most && length == m->wanted.count;
    for (size_t c = 0; c < a->n_classes; c++) {
        uint32_t next = NO_STATE;
        m->stamp++;
        m->n_found = 0;
        for (size_t i = m->first[state]; i + 1 < m->first[state + 1] && !is_full; i++) {
            const struct automaton_step *s = &m->steps[m->members[i]];
            if (s->kind == STEP_SET && m->set_has[s->set * a->n_classes + c] &&
                !reach(m, s->next, false, false, NULL))
                return false;
        }
        if (!schema_pay(m->w, m->first[state + 1] - m->first[state]) ||
            !find_state(m, length < m->wanted.count ? length + 1 : length, false, &next))
            return false;
        a->next[state * a->n_classes + c] = next;
    }
    return true;
}

struct automaton *automaton_make(struct schema_work *w, const struct schema_value *at,
                                 const struct expression *const *list, size_t n,
                                 struct automaton_wanted wanted)
{
    static struct char_range all[] = {{0, 0xd7ff}, {0xe000, 0x10ffff}};
    struct automaton_maker m = {.w = w, .at = at, .a = schema_alloc(w, 1, sizeof *m.a), .wanted = wanted};
    /* It keeps texts alive that no other one matches. */
    static const struct expression_piece nothing = {.kind = PIECE_EMPTY};
    static const struct expression any = {.top = &nothing};
    m.starts = schema_alloc(w, n + 2, sizeof *m.starts);
    if (n > AUTOMATON_MOST)
        schema_fail_at(w, at, "more than %u patterns must be looked at together", AUTOMATON_MOST);
    if (!m.starts || !schema_room(w, &m.sets, &m.sets_capacity, 0, sizeof *m.sets))
        return NULL;
    m.sets[m.n_sets++] = (struct char_set){all, 2};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_expression(&m, list[i], (uint32_t)i, 0);
    ok = ok && ((wanted.match && n > 0) || add_expression(&m, &any, AUTOMATON_MOST, 0)) && find_classes(&m);
    m.stamps = ok ? schema_alloc(w, m.n_steps, sizeof *m.stamps) : NULL;
    m.stack = ok ? schema_alloc(w, m.n_steps, sizeof *m.stack) : NULL;
    m.found = ok ? schema_alloc(w, m.n_steps + 1, sizeof *m.found) : NULL;
    if (!m.stamps || !m.stack || !m.found || !schema_room(w, &m.first, &m.first_capacity, 0, sizeof *m.first))
        return NULL;
    uint32_t start;
    m.stamp = 1;
    for (size_t i = 0; i < m.n_starts; i++)
        if (!reach(&m, m.starts[i], true, false, NULL))
            return NULL;
    if (!find_state(&m, 0, true, &start))
        return NULL;
    for (uint32_t state = 0; state < m.a->n_states; state++)
        if (!follow(&m, state))
            return NULL;
    m.a->accept = schema_alloc(w, m.a->n_states, sizeof *m.a->accept);
    return m.a->accept ? m.a : NULL;
}

/* ---- afterwards ---- */

/* Edges from each state's successors back to it, as runs. */
static bool find_sources(struct schema_work *w, const struct automaton *a, size_t **first, uint32_t **sources)
{
    size_t n_edges = a->n_states * a->n_classes;
    *first = schema_alloc(w, a->n_states + 2, sizeof **first);
    *sources = schema_alloc(w, n_edges + 1, sizeof **sources);
    if (!*first || !*sources || !schema_pay(w, 2 * n_edges))
        return false;
    for (size_t i = 0; i < n_edges; i++)
        if (a->next[i] != NO_STATE)
            (*first)[a->next[i] + 2]++;
    for (size_t i = 0; i < a->n_states; i++)
        (*first)[i + 2] += (*first)[i + 1];
    for (size_t i = 0; i < n_edges; i++)
        if (a->next[i] != NO_STATE)
            (*sources)[(*first)[a->next[i] + 1]++] = (uint32_t)(i / a->n_classes);
    return true;
}

bool automaton_trim(struct schema_work *w, struct automaton *a)
{
    size_t *first, n = 0;
    uint32_t *sources, *todo = schema_alloc(w, a->n_states + 1, sizeof *todo);
    uint8_t *is_good = schema_alloc(w, a->n_states + 1, 1);
    if (!todo || !is_good || !find_sources(w, a, &first, &sources))
        return false;
    for (uint32_t i = 0; i < a->n_states; i++)
        if (a->accept[i]) {
            is_good[i] = 1;
            todo[n++] = i;
        }
    while (n > 0) {
        uint32_t state = todo[--n];
        for (size_t i = first[state]; i < first[state + 1]; i++)
            if (!is_good[sources[i]]) {
                is_good[sources[i]] = 1;
                todo[n++] = sources[i];
            }
    }
    for (size_t i = 0; i < a->n_states * a->n_classes; i++)
        if (a->next[i] != NO_STATE && !is_good[a->next[i]])
            a->next[i] = NO_STATE;
    return a->n_states > 0 && is_good[0];
}

bool automaton_accepts(const struct automaton *a, struct hone_text text)
{
    uint32_t state = a->n_states > 0 ? 0 : NO_STATE;
    for (size_t at = 0; at < text.size && state != NO_STATE;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
                                              (utf8proc_ssize_t)(text.size - at), &point);
        if (n <= 0)
            return false;
        at += (size_t)n;
        size_t low = 0, high = a->n_ranges;
        while (low + 1 < high) {
            size_t middle = (low + high) / 2;
            if (a->classes[middle].first <= (uint32_t)point)
                low = middle;
            else
                high = middle;
        }
        state = a->next[state * a->n_classes + a->classes[low].number];
    }
    return state != NO_STATE && a->accept[state];
}
