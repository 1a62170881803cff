/* Numbers between bounds, multiples of others, and none of some.
 *
 * They are written without exponents. Digits are read from the left by an automaton whose states are what matters of
 * those so far: for each bound, how they compare with its own digits; for each divisor, the remainder. Numbers below zero
 * are the same with the bounds turned round. */
#include "runtime/generate/grammar/schema/translate.h"

#include "runtime/base/hash.h"

#include <string.h>

/* Readers mostly have doubles, which tell numbers of 15 digits apart: with more, one just below a bound would be read as
 * the bound. Whole numbers have 16, which are exact up to 2 to the power of 53. */
enum { MOST_TRACKERS = 24, MOST_WHOLE = 16, MOST_DIGITS = 15, N_SIGNS = 11, POINT = 10, MAX_STATES = 40000 };
enum { FEW_REMAINDERS = 100 }; /* beside which digits are counted: their states multiply */

/* One thing that is asked of a number's size. */
struct number_tracker {
    bool is_divisor, holds;       /* holds: of a divisor */
    bool below, equal, above;     /* of a bound: what is allowed */
    const char *whole, *fraction; /* its digits before and behind the point */
    uint32_t n_whole, n_fraction;
    uint64_t unit;     /* of a divisor: multiples of unit, when */
    uint32_t n_zeros;  /* so many zeros at the end are cut off, */
    uint32_t n_places; /* or so many places behind the point are read */
};

/* What is known of the digits so far, by a tracker. */
struct number_digits {
    uint32_t
        place; /* of a bound: digits of this part; of a divisor: zeros at the end, or places behind the point */
    int32_t order; /* of a bound: so far below, equal or above */
    uint64_t rest; /* of a divisor */
};

enum phase { PHASE_START, PHASE_ZERO, PHASE_WHOLE, PHASE_POINT, PHASE_FRACTION };

struct number_state {
    enum phase phase;
    uint32_t n_digits;   /* from the first that is not 0 on, as far as they are limited */
    uint32_t n_fraction; /* digits behind the point */
    uint32_t unused;     /* states are compared as bytes */
    struct number_digits known[MOST_TRACKERS];
};

struct number_limits {
    struct schema *s;
    const struct schema_value *at;
    struct number_tracker trackers[MOST_TRACKERS];
    size_t n;
    bool whole, fraction_only; /* only whole numbers, or none of them */
    uint32_t most_whole, most_fraction, most_digits;
    bool is_counted;
    bool not_zero;
    struct number_state *states;
    size_t n_states, capacity;
    uint32_t *next; /* [n_states, N_SIGNS] */
    size_t next_capacity;
    uint32_t *slots;
    size_t n_slots;
};

/* ---- what is asked ---- */

static struct number_tracker *add_tracker(struct number_limits *d)
{
    if (d->n == MOST_TRACKERS) {
        schema_fail_at(&d->s->w, d->at, "a number has more than %d limits at once", MOST_TRACKERS);
        return NULL;
    }
    struct number_tracker *t = &d->trackers[d->n++];
    *t = (struct number_tracker){0};
    return t;
}

/* Digits of a bound as the automaton meets them. */
static bool set_digits(struct number_limits *d, struct number_tracker *t, const struct decimal *b)
{
    if (b->point > DECIMAL_MAX_POINT || b->point < -DECIMAL_MAX_POINT || b->n > DECIMAL_MAX_POINT)
        return schema_fail_at(&d->s->w, d->at, "a bound has more than %d digits", DECIMAL_MAX_POINT);
    int64_t first = b->point > 0 ? 0 : b->point, end = (int64_t)b->n > b->point ? (int64_t)b->n : b->point;
    char *digits = schema_alloc(&d->s->w, (size_t)(end - first) + 2, 1);
    if (!digits)
        return false;
    size_t n = 0;
    if (b->point <= 0)
        digits[n++] = '0';
    for (int64_t i = first; i < end; i++)
        digits[n++] = i >= 0 && i < (int64_t)b->n ? b->digits[i] : '0';
    t->n_whole = b->point > 0 ? (uint32_t)b->point : 1;
    t->whole = digits;
    t->fraction = digits + t->n_whole;
    t->n_fraction = (uint32_t)(n - t->n_whole);
    d->most_whole = t->n_whole > d->most_whole ? t->n_whole : d->most_whole;
    if (t->n_whole + t->n_fraction > d->most_digits)
        d->most_digits = t->n_whole + t->n_fraction;
    if (t->n_fraction + MOST_DIGITS > d->most_fraction)
        d->most_fraction = t->n_fraction + MOST_DIGITS;
    return true;
}

/* A bound of numbers of one sign; *none: no number of it can be. */
static bool add_bound(struct number_limits *d, const struct decimal *b, bool below, bool equal, bool above,
                      bool negative, bool *none)
{
    if (negative) { /* of sizes */
        bool turned = below;
        below = above;
        above = turned;
    }
    if (b->n > 0 && b->is_negative != negative) { /* all sizes are above it */
        *none |= !above;
        return true;
    }
    struct number_tracker *t = add_tracker(d);
    if (!t)
        return false;
    t->below = below;
    t->equal = equal;
    t->above = above;
    return set_digits(d, t, b);
}

static bool add_divisor(struct number_limits *d, const struct case_atom *a)
{
    struct divisor divisor;
    struct number_tracker *t = add_tracker(d);
    if (!t)
        return false;
    if (!divisor_of(a->value->number, &divisor))
        return schema_fail_at(&d->s->w, a->value, "multipleOf is not above zero, or has more than 18 digits");
    if (divisor.unit > MAX_STATES || divisor.scale > 64 || divisor.scale < -64)
        return schema_fail_at(&d->s->w, a->value,
                              "multipleOf has too many digits to be followed (more than %d remainders)",
                              MAX_STATES);
    t->is_divisor = true;
    t->holds = a->holds;
    t->unit = divisor.unit;
    t->n_zeros = divisor.scale > 0 ? (uint32_t)divisor.scale : 0;
    t->n_places = divisor.scale < 0 ? (uint32_t)-divisor.scale : 0;
    d->is_counted &= t->unit <= FEW_REMAINDERS;
    if (t->n_places > d->most_fraction)
        d->most_fraction = t->n_places;
    return true;
}

static bool add_atom(struct number_limits *d, const struct case_atom *a, bool negative, bool *none)
{
    const struct decimal *b = a->value ? a->value->number : NULL;
    switch (a->kind) {
    case ATOM_WHOLE:
        d->whole |= a->holds;
        d->fraction_only |= !a->holds;
        return true;
    case ATOM_LEAST:
        return add_bound(d, b, false, true, true, negative, none);
    case ATOM_ABOVE:
        return add_bound(d, b, false, false, true, negative, none);
    case ATOM_MOST:
        return add_bound(d, b, true, true, false, negative, none);
    case ATOM_BELOW:
        return add_bound(d, b, true, false, false, negative, none);
    case ATOM_NOT:
        return a->value->kind != VALUE_NUMBER || add_bound(d, b, true, false, true, negative, none);
    case ATOM_MULTIPLE:
        return add_divisor(d, a);
    default:
        return true;
    }
}

/* ---- reading digits ---- */

static void follow_bound(const struct number_tracker *t, struct number_digits *k, enum phase phase, int digit)
{
    if (digit == POINT) {
        if (k->place != t->n_whole)
            k->order = k->place < t->n_whole ? -1 : 1;
        k->place = 0;
        return;
    }
    bool behind = phase == PHASE_POINT || phase == PHASE_FRACTION;
    uint32_t n = behind ? t->n_fraction : t->n_whole;
    int own = k->place < n ? (behind ? t->fraction : t->whole)[k->place] - '0' : 0;
    if (!behind) {
        if (k->order == 0 && k->place < n)
            k->order = (digit > own) - (digit < own);
        k->place += k->place <= n;
        if (k->place > n)
            k->order = 1;
        return;
    }
    if (k->order == 0) {
        k->order = (digit > own) - (digit < own);
        k->place += k->place < n;
    }
    if (k->order != 0)
        k->place = 0;
}

static bool bound_allows(const struct number_tracker *t, const struct number_digits *k, enum phase phase)
{
    int order = k->order;
    if (phase == PHASE_ZERO || phase == PHASE_WHOLE) {
        order = k->place < t->n_whole ? -1 : order;
        order = order == 0 && t->n_fraction > 0 ? -1 : order;
    } else if (order == 0 && k->place < t->n_fraction) {
        order = -1; /* its last digit is not 0 */
    }
    return order < 0 ? t->below : order > 0 ? t->above : t->equal;
}

/* Sets rest to unit where no multiple can come of the number. */
static void follow_divisor(const struct number_tracker *t, struct number_digits *k, enum phase phase,
                           int digit)
{
    bool behind = phase == PHASE_POINT || phase == PHASE_FRACTION;
    if (digit == POINT || k->rest == t->unit) {
        if (digit == POINT && k->place < t->n_zeros && phase != PHASE_ZERO)
            k->rest = t->unit;
        if (digit == POINT)
            k->place = 0;
        return;
    }
    if (behind) {
        if (t->n_places == k->place) /* further than a multiple goes */
            k->rest = digit ? t->unit : k->rest;
        else
            k->rest = (10 * k->rest + (unsigned)digit) % t->unit;
        k->place += k->place < t->n_places;
        return;
    }
    if (t->n_zeros == 0) {
        k->rest = (10 * k->rest + (unsigned)digit) % t->unit;
    } else if (digit == 0) { /* those at the end wait, as far as they are to be cut off */
        if (k->place < t->n_zeros)
            k->place++;
        else
            k->rest = 10 * k->rest % t->unit;
    } else {
        for (; k->place > 0; k->place--)
            k->rest = 10 * k->rest % t->unit;
        k->rest = (10 * k->rest + (unsigned)digit) % t->unit;
    }
}

static bool divisor_allows(const struct number_tracker *t, const struct number_digits *k, enum phase phase)
{
    uint64_t rest = k->rest;
    bool behind = phase == PHASE_FRACTION;
    if (rest == t->unit)
        return !t->holds;
    for (uint32_t i = behind ? k->place : 0; i < t->n_places; i++)
        rest = 10 * rest % t->unit;
    bool is_multiple =
        rest == 0 && (behind || t->n_zeros == 0 || k->place == t->n_zeros || phase == PHASE_ZERO);
    return is_multiple == t->holds;
}

/* ---- states ---- */

/* Counts a digit; false: it is one too many. */
static bool count(const struct number_limits *d, struct number_state *state, bool behind, int digit)
{
    if (behind && ++state->n_fraction > d->most_fraction)
        return false;
    if (!d->is_counted || (state->n_digits == 0 && digit == 0))
        return true;
    return ++state->n_digits <= (behind ? d->most_digits : d->most_whole);
}

/* false: the digit cannot come. */
static bool follow(const struct number_limits *d, struct number_state *state, int digit)
{
    enum phase phase = state->phase, next = PHASE_POINT;
    bool behind = phase == PHASE_POINT || phase == PHASE_FRACTION;
    if (digit == POINT) {
        if ((phase != PHASE_ZERO && phase != PHASE_WHOLE) || d->whole)
            return false;
    } else {
        if (phase == PHASE_ZERO || !count(d, state, behind, digit))
            return false;
        next = behind ? PHASE_FRACTION : phase == PHASE_START && digit == 0 ? PHASE_ZERO : PHASE_WHOLE;
    }
    for (size_t i = 0; i < d->n; i++)
        (d->trackers[i].is_divisor ? follow_divisor : follow_bound)(&d->trackers[i], &state->known[i], phase,
                                                                    digit);
    state->phase = next;
    return true;
}

static bool allows(const struct number_limits *d, const struct number_state *state)
{
    if (state->phase == PHASE_START || state->phase == PHASE_POINT)
        return false;
    for (size_t i = 0; i < d->n; i++)
        if (!(d->trackers[i].is_divisor ? divisor_allows : bound_allows)(&d->trackers[i], &state->known[i],
                                                                         state->phase))
            return false;
    return true;
}

static bool grow(struct number_limits *d)
{
    struct schema_work *w = &d->s->w;
    if (d->n_states >= MAX_STATES)
        return schema_fail_at(w, d->at, "the limits of a number need more than %d states", MAX_STATES);
    if (!schema_room(w, &d->states, &d->capacity, d->n_states, sizeof *d->states) ||
        !schema_room(w, &d->next, &d->next_capacity, d->n_states, N_SIGNS * sizeof *d->next))
        return false;
    if (2 * (d->n_states + 1) <= d->n_slots)
        return true;
    size_t n_slots = d->n_slots ? 2 * d->n_slots : 256;
    uint32_t *slots = schema_alloc(w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < d->n_states; i++) {
        size_t slot = hash_bytes(&d->states[i], sizeof *d->states) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    d->slots = slots;
    d->n_slots = n_slots;
    return true;
}

static uint32_t find_state(struct number_limits *d, const struct number_state *state)
{
    if (!grow(d) || !schema_pay(&d->s->w, 4))
        return NO_STATE;
    size_t slot = hash_bytes(state, sizeof *state) & (d->n_slots - 1);
    for (; d->slots[slot]; slot = (slot + 1) & (d->n_slots - 1))
        if (memcmp(&d->states[d->slots[slot] - 1], state, sizeof *state) == 0)
            return d->slots[slot] - 1;
    d->states[d->n_states] = *state;
    d->slots[slot] = (uint32_t)d->n_states + 1;
    return (uint32_t)d->n_states++;
}

/* A fraction that is not 0 is asked for by a divisor of one that must not hold. */
static bool add_not_whole(struct number_limits *d)
{
    struct number_tracker *t = d->fraction_only ? add_tracker(d) : NULL;
    if (t)
        *t = (struct number_tracker){.is_divisor = true, .unit = 1};
    return !d->fraction_only || t;
}

static struct automaton *explore(struct number_limits *d)
{
    struct schema_work *w = &d->s->w;
    struct number_state start, state;
    memset(&start, 0, sizeof start); /* states are compared as bytes */
    find_state(d, &start);
    for (uint32_t i = 0; i < d->n_states && !w->failed; i++)
        for (int digit = 0; digit < N_SIGNS; digit++) {
            memcpy(&state, &d->states[i], sizeof state);
            uint32_t next = follow(d, &state, digit) ? find_state(d, &state) : NO_STATE;
            d->next[i * N_SIGNS + (uint32_t)digit] = next;
        }
    struct automaton *a = schema_alloc(w, 1, sizeof *a);
    if (!a)
        return NULL;
    a->classes = schema_alloc(w, N_SIGNS, sizeof *a->classes);
    a->accept = schema_alloc(w, d->n_states + 1, sizeof *a->accept);
    if (!a->classes || !a->accept)
        return NULL;
    a->classes[0] = (struct char_class){'.', '.', POINT};
    for (uint32_t digit = 0; digit < 10; digit++)
        a->classes[digit + 1] = (struct char_class){'0' + digit, '0' + digit, digit};
    a->n_ranges = a->n_classes = N_SIGNS;
    a->n_states = d->n_states;
    a->next = d->next;
    for (size_t i = 0; i < d->n_states; i++)
        a->accept[i] = allows(d, &d->states[i]);
    return a;
}

/* Those of one sign; zero has none. */
static bool put_sign(struct schema *s, const struct case_of *c, bool negative, struct schema_text *symbols)
{
    static const struct decimal zero = {.digits = ""};
    static const char *const tails[] = {"", "\"\""};
    struct number_limits d = {.s = s,
                              .at = c->at,
                              .most_whole = MOST_WHOLE,
                              .most_fraction = MOST_DIGITS,
                              .most_digits = MOST_DIGITS,
                              .is_counted = true};
    bool none = false;
    for (const struct case_atom *a = c->atoms; a; a = a->next)
        if (!add_atom(&d, a, negative, &none))
            return false;
    if (none || !add_not_whole(&d) || (negative && !add_bound(&d, &zero, true, false, false, true, &none)))
        return !s->w.failed;
    struct automaton *a = explore(&d);
    if (!a || !automaton_trim(&s->w, a))
        return !s->w.failed;
    schema_text_put(symbols, " | %sr%u", negative ? "\"-\" " : "", schema_put_automaton(s, a, tails));
    return !s->w.failed;
}

bool schema_put_number(struct schema *s, const struct case_of *c, struct schema_text *symbols)
{
    struct schema_text key = {.w = &s->w}, own = {.w = &s->w};
    uint32_t rule;
    bool is_simple = true, whole = false;
    for (const struct case_atom *a = c->atoms; a; a = a->next) {
        is_simple &= a->kind == ATOM_WHOLE && a->holds;
        whole |= a->kind == ATOM_WHOLE && a->holds;
        schema_text_put(&key, "#%d%d", a->kind, a->holds);
        if (a->value)
            schema_text_value(&key, a->value);
    }
    if (is_simple) {
        schema_text_put(symbols, whole ? " | integer" : " | number");
        return !s->w.failed;
    }
    if (!schema_rule_known(s, key.data, key.size, &rule)) {
        if (s->w.failed || !put_sign(s, c, false, &own) || !put_sign(s, c, true, &own))
            return false;
        schema_rule_put(s, rule, "%s", own.size > 3 ? own.data + 3 : "[]");
    }
    schema_text_put(symbols, " | r%u", rule);
    return !s->w.failed;
}
