/* Masks of states within a run of characters of one class: of a URI, a name of a host, a pattern. Most tokens may come there, and
 * a walk past all of them took 600 microseconds. But tokens of such characters alone need not be walked along: they are
 * those that hold no other byte, and are not longer than what may come. Left are those with a byte in them that ends the run,
 * which are few. */
#include "runtime/generate/grammar/mask.h"

#include <string.h>

enum {
    MIN_CHARS = 24,     /* in a class: a walk along fewer ends soon */
    MOST_ENDING = 15000 /* tokens that are tried one by one */
};

struct mask_run {
    struct places *p;
    const struct token_sets *sets;
    uint32_t states[TOKEN_SETS_LENGTHS]; /* [n] after 0, 1 ... characters of the class, so far as they go */
    size_t n;
    bool loops, ends;      /* the last one comes again and again; no character of the class follows it */
    struct byte_set chars; /* the class: among ASCII, */
    bool beyond;           /* and whether all other characters, or none */
    struct byte_set exits; /* other bytes that lead on */
};

static struct byte_set live_of(const struct places *p, uint32_t state)
{
    return p->states[state].live;
}

/* ---- the class ---- */

/* Where all bytes from first to last lead; STATE_NONE: not to the same state. */
static uint32_t next_of_range(struct places *p, uint32_t state, unsigned first, unsigned last)
{
    uint32_t to = places_next(p, state, (unsigned char)first);
    for (unsigned byte = first + 1; byte <= last && to != STATE_NONE; byte++)
        if (places_next(p, state, (unsigned char)byte) != to)
            to = STATE_NONE;
    return to;
}

/* The same of the last n bytes of a character, of which the first one begins at `low` or ends at `high`. */
static uint32_t next_of_tail(struct places *p, uint32_t state, unsigned n, unsigned low, unsigned high)
{
    for (; n > 0 && state != STATE_DEAD && state != STATE_NONE; n--, low = 0x80, high = 0xbf)
        state = next_of_range(p, state, low, high);
    return state;
}

/* Where all characters beyond ASCII lead; STATE_DEAD: there are none; STATE_NONE: not to the same state. */
static uint32_t next_beyond(struct places *p, uint32_t state)
{
    static const struct {
        unsigned char first, last, n, low, high;
    } forms[] = {{0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
                 {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
                 {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f}};
    struct byte_set live = live_of(p, state);
    uint32_t to = STATE_DEAD;
    if (!(live.bits[2] | live.bits[3]))
        return STATE_DEAD;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && to != STATE_NONE; i++) {
        uint32_t lead = next_of_range(p, state, forms[i].first, forms[i].last);
        uint32_t its = next_of_tail(p, lead, forms[i].n, forms[i].low, forms[i].high);
        to = its == STATE_DEAD || (i > 0 && its != to) ? STATE_NONE : its;
    }
    return to;
}

/* The state that most bytes of ASCII lead to, which are the class; STATE_NONE: they are few. */
static uint32_t find_class(struct mask_run *r, uint32_t state)
{
    struct byte_set live = live_of(r->p, state);
    uint32_t to = STATE_NONE, next[TOKEN_ASCII];
    size_t lead = 0, n = 0;
    for (unsigned c = 0; c < TOKEN_ASCII; c++) { /* the one that is the majority, if one is */
        next[c] = set_has(&live, (unsigned char)c) ? places_next(r->p, state, (unsigned char)c) : STATE_DEAD;
        if (next[c] == STATE_DEAD)
            continue;
        to = lead == 0 ? next[c] : to;
        lead = next[c] == to ? lead + 1 : lead - 1;
    }
    for (unsigned c = 0; c < TOKEN_ASCII && to != STATE_NONE; c++)
        if (next[c] == to) {
            r->chars.bits[c / 64] |= (uint64_t)1 << c % 64;
            n++;
        }
    return n < MIN_CHARS ? STATE_NONE : to;
}

/* Where the whole class leads; STATE_NONE: not to the same state. */
static uint32_t next_of_class(struct mask_run *r, uint32_t state)
{
    uint32_t to = STATE_NONE;
    for (unsigned i = 0; i < 2; i++)
        for (uint64_t left = r->chars.bits[i]; left; left &= left - 1) {
            unsigned c = 64 * i + (unsigned)__builtin_ctzll(left);
            uint32_t its = places_next(r->p, state, (unsigned char)c);
            if (to != STATE_NONE && its != to)
                return STATE_NONE;
            to = its;
        }
    uint32_t beyond = next_beyond(r->p, state);
    return beyond == (r->beyond ? to : STATE_DEAD) ? to : STATE_NONE;
}

/* ---- the run ---- */

/* The bytes that end the run after any number of characters. Returns how many tokens hold them. */
static size_t find_exits(struct mask_run *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct byte_set live = live_of(r->p, r->states[i]);
        set_add(&r->exits, &live);
    }
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        if (set_has(&r->chars, (unsigned char)c))
            r->exits.bits[c / 64] &= ~((uint64_t)1 << c % 64);
        else if (set_has(&r->exits, (unsigned char)c))
            n += r->sets->first[c + 1] - r->sets->first[c];
    }
    return n;
}

/* false: the state is within none, or within one of which little is known. */
static bool find_run(struct mask_run *r, uint32_t state)
{
    uint32_t to = r->p->states[state].n_live < MIN_CHARS ? STATE_NONE : find_class(r, state);
    if (to == STATE_NONE)
        return false;
    uint32_t beyond = next_beyond(r->p, state);
    r->beyond = beyond != STATE_DEAD;
    if (r->beyond && beyond != to)
        return false;
    r->states[r->n++] = state;
    while (r->n < TOKEN_SETS_LENGTHS && to != STATE_NONE && to != STATE_DEAD && !r->loops) {
        r->loops = r->states[r->n - 1] == to;
        if (!r->loops) {
            r->states[r->n++] = to;
            to = next_of_class(r, to);
        }
    }
    r->ends = to == STATE_DEAD;
    return (r->loops || r->ends || r->n == TOKEN_SETS_LENGTHS) && find_exits(r) <= MOST_ENDING;
}

/* ---- the mask ---- */

static void clear(uint64_t *mask, const uint64_t *which, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mask[i] &= ~which[i];
}

/* The tokens of characters of the class alone, as long as they may be. */
static void take_class(const struct mask_run *r, size_t n_words, uint64_t *mask)
{
    const struct token_sets *t = r->sets;
    memcpy(mask, t->texts, n_words * sizeof *mask);
    if (!r->beyond)
        clear(mask, t->beyond_ascii, n_words);
    if (!r->loops)
        clear(mask, t->longer[r->n - 1], n_words);
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        if (set_has(&r->chars, (unsigned char)c))
            continue;
        if (t->holds[c])
            clear(mask, t->holds[c], n_words);
        for (uint32_t i = t->first[c]; !t->holds[c] && i < t->first[c + 1]; i++)
            mask[t->holding[i] / 64] &= ~((uint64_t)1 << t->holding[i] % 64);
    }
}

/* The token that was tried before: the states after its bytes, from before the first one. */
struct trial {
    uint32_t path[UINT8_MAX + 1];
    size_t n; /* bytes that it went on for; it is dead at the one behind them, if it has one */
    bool dead;
};

/* Allows the token if it leads anywhere. common: bytes that it begins with as the one before it does. */
static void try_token(const struct mask_run *r, struct trial *t, int32_t id, size_t common, uint64_t *mask)
{
    struct hone_text text = token_sets_text(r->sets, id);
    if (t->dead && common > t->n)
        return;
    size_t i = common < t->n ? common : t->n;
    uint32_t state = t->path[i];
    for (; i < text.size; i++) {
        state = places_next(r->p, state, (unsigned char)text.data[i]);
        if (state == STATE_DEAD)
            break;
        if (i < UINT8_MAX)
            t->path[i + 1] = state;
    }
    t->dead = i < text.size && i < UINT8_MAX;
    t->n = i < UINT8_MAX ? i : UINT8_MAX;
    if (i == text.size && text.size > 0)
        mask[id / 64] |= (uint64_t)1 << id % 64;
}

/* Those that end the run, and those that are longer than it is known to go on. */
static void try_others(const struct mask_run *r, size_t n_words, uint64_t *mask)
{
    const struct token_sets *t = r->sets;
    struct trial trial = {.path = {r->states[0]}};
    for (unsigned c = 0; c < TOKEN_ASCII; c++)
        for (uint32_t i = t->first[c]; set_has(&r->exits, (unsigned char)c) && i < t->first[c + 1]; i++)
            try_token(r, &trial, t->holding[i], t->common[i], mask);
    for (size_t i = 0; !r->loops && !r->ends && i < n_words; i++)
        for (uint64_t left = t->longer[r->n - 1][i]; left; left &= left - 1) {
            trial.n = 0;
            trial.dead = false;
            try_token(r, &trial, (int32_t)(64 * i + (size_t)__builtin_ctzll(left)), 0, mask);
        }
}

bool mask_make_run(struct places *p, uint32_t state, const struct token_trie *t, uint64_t *mask,
                   size_t *n_allowed)
{
    struct mask_run r = {.p = p, .sets = &t->sets};
    size_t n_words = (t->n_vocab + 63) / 64;
    if (!find_run(&r, state) || p->failed)
        return false;
    take_class(&r, n_words, mask);
    try_others(&r, n_words, mask);
    *n_allowed = 0;
    for (size_t i = 0; i < n_words; i++)
        *n_allowed += mask[i] != 0;
    return true;
}
