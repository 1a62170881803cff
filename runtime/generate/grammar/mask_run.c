/* Masks of states within a run of characters of one class: of a URI, a name of a host, a pattern. Most tokens may come there, and
 * a walk past all of them took 600 microseconds. But tokens of such characters alone need not be walked along: they are
 * those that hold no other byte, and are not longer than what may come. Left are those with a byte in them that ends the run,
 * which are few. */
#include "runtime/generate/grammar/mask.h"
#include "runtime/generate/grammar/trial.h"

#include <string.h>

enum {
    MIN_CHARS = 24,      /* in a class: a walk along fewer ends soon */
    MOST_ENDING = 15000, /* tokens that are tried one by one */
    SINGLE_CHARS = 16    /* of tokens that are known as singles */
};

struct mask_run {
    struct places *p;
    const struct token_sets *sets;
    uint32_t states[TOKEN_SETS_LENGTHS]; /* [n] after 0, 1 ... characters of the class, so far as they go */
    size_t n;
    bool loops, ends;      /* the last one comes again and again; no character of the class follows it */
    struct byte_set chars; /* the class: among ASCII, */
    struct byte_set alnum; /* (of which letters and digits) */
    bool beyond;           /* and whether all other characters, or none */
    struct byte_set exits; /* other bytes that lead on */

    const uint64_t *singles[2 * TOKEN_ASCII]; /* masks of tokens that need not be tried */
    size_t n_singles;
    uint32_t tried[TOKEN_ASCII][2]; /* [n_tried] from, to: in sets->holding */
    size_t n_tried;
    bool has_quote; /* a quote that ends it ends a string, and the same comes behind it, always: */
    uint32_t behind_quote;
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
            if (token_is_alnum((unsigned char)c))
                r->alnum.bits[c / 64] |= (uint64_t)1 << c % 64;
            n++;
        }
    return n < MIN_CHARS ? STATE_NONE : to;
}

/* Where all of some bytes of ASCII lead; STATE_NONE: not to the same state. */
static uint32_t next_of_set(struct places *p, uint32_t state, const struct byte_set *set)
{
    uint32_t to = STATE_NONE;
    for (unsigned i = 0; i < 2; i++)
        for (uint64_t left = set->bits[i]; left; left &= left - 1) {
            uint32_t its = places_next(p, state, (unsigned char)(64 * i + (unsigned)__builtin_ctzll(left)));
            if (to != STATE_NONE && its != to)
                return STATE_NONE;
            to = its;
        }
    return to;
}

/* The same of the whole class. */
static uint32_t next_of_class(struct mask_run *r, uint32_t state)
{
    uint32_t to = next_of_set(r->p, state, &r->chars), beyond = next_beyond(r->p, state);
    return beyond == (r->beyond ? to : STATE_DEAD) ? to : STATE_NONE;
}

/* ---- the run ---- */

/* The bytes that end the run after any number of characters. */
static void find_exits(struct mask_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct byte_set live = live_of(r->p, r->states[i]);
        set_add(&r->exits, &live);
    }
    for (unsigned i = 0; i < 4; i++)
        r->exits.bits[i] &= ~r->chars.bits[i];
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
    find_exits(r);
    return r->loops || r->ends || r->n == TOKEN_SETS_LENGTHS;
}

/* The state after so many characters of the class; STATE_NONE: it is not known. */
static uint32_t state_at(const struct mask_run *r, size_t n)
{
    return n < r->n ? r->states[n] : r->loops ? r->states[r->n - 1] : r->ends ? STATE_DEAD : STATE_NONE;
}

/* ---- bytes that end it ---- */

/* Whether no letters and digits but those of the class lead on. */
static bool wants_no_other(const struct mask_run *r, uint32_t state)
{
    static const uint64_t alnum[2] = {0x03ff000000000000, 0x07fffffe07fffffe};
    struct byte_set live = live_of(r->p, state);
    return !(live.bits[0] & alnum[0] & ~r->alnum.bits[0]) && !(live.bits[1] & alnum[1] & ~r->alnum.bits[1]);
}

/* Whether any letters and digits of the class, and no other ones, can follow the state, so many of them. */
static bool goes_on(const struct mask_run *r, uint32_t state, size_t n)
{
    for (; n > 0; n--) {
        if (!wants_no_other(r, state))
            return false;
        uint32_t to = next_of_set(r->p, state, &r->alnum);
        if (to == state)
            return true;
        if (to == STATE_DEAD || to == STATE_NONE)
            return false;
        state = to;
    }
    return true;
}

/* Whether it is the same for all of a byte's singles of at most SINGLE_CHARS characters (token_sets.h), for those that begin with
 * it and for the others, and what. */
static bool find_single(struct mask_run *r, unsigned c)
{
    uint32_t last = STATE_DEAD;
    bool may[2] = {false, false};
    if (!r->sets->single[0][c] || !(r->loops || r->n > SINGLE_CHARS))
        return false;
    for (size_t i = 0; i < SINGLE_CHARS; i++) {
        uint32_t behind = places_next(r->p, state_at(r, i), (unsigned char)c);
        bool lives = behind != STATE_DEAD;
        if (i > 1 && lives != may[1])
            return false;
        if (lives && behind != last && !goes_on(r, behind, SINGLE_CHARS - 1 - i))
            return false;
        may[i > 0] = lives;
        last = behind;
    }
    for (int later = 0; later < 2; later++)
        if (may[later])
            r->singles[r->n_singles++] = r->sets->single[later][c];
    return true;
}

/* Whether all of a string's characters are in the run, and what comes behind its quote. */
static bool find_quote(struct mask_run *r)
{
    const uint64_t never = ((uint64_t)1 << ('\\' - 64)) | (uint64_t)1 << (0x7f - 64);
    r->behind_quote = STATE_DEAD;
    if (!set_has(&r->exits, '"') || (uint32_t)r->chars.bits[0] || r->chars.bits[1] & never)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        uint32_t behind = places_next(r->p, r->states[i], '"');
        if (behind == STATE_DEAD)
            continue;
        if (r->behind_quote != STATE_DEAD && behind != r->behind_quote)
            return false;
        r->behind_quote = behind;
    }
    return true;
}

/* Finds out what must be tried: whole lists, or their parts before the singles. false: too much. */
static bool plan_trials(struct mask_run *r)
{
    size_t n = 0;
    r->has_quote = find_quote(r);
    for (unsigned c = 0; c < TOKEN_ASCII; c++) {
        if (!set_has(&r->exits, (unsigned char)c) || (c == '"' && r->has_quote))
            continue;
        bool is_known = !token_is_alnum((unsigned char)c) && find_single(r, c);
        r->tried[r->n_tried][0] = r->sets->first[c];
        r->tried[r->n_tried][1] = is_known ? r->sets->single_at[c] : r->sets->first[c + 1];
        n += r->tried[r->n_tried][1] - r->tried[r->n_tried][0];
        r->n_tried++;
    }
    return n <= MOST_ENDING;
}

/* ---- the mask ---- */

static void clear(uint64_t *mask, const uint64_t *which, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mask[i] &= ~which[i];
}

/* Whether the class has nothing of the group. */
static bool is_without(const struct mask_run *r, unsigned group)
{
    for (unsigned c = 0; c < TOKEN_ASCII; c++)
        if (set_has(&r->chars, (unsigned char)c) && token_group_has(group, (unsigned char)c))
            return false;
    return true;
}

/* The masks of all tokens with bytes of ASCII that are not in the class; of letters and digits first, of which there are *n_alnum
 * masks. Returns how many. */
static size_t find_others(const struct mask_run *r, const uint64_t **others, size_t *n_alnum)
{
    const struct token_sets *t = r->sets;
    bool done[TOKEN_ASCII] = {false};
    size_t n = 0;
    for (unsigned group = TOKEN_GROUPS; group-- > 0;)
        for (unsigned c = 0; is_without(r, group) && c < TOKEN_ASCII; c++)
            done[c] |= token_group_has(group, (unsigned char)c);
    for (unsigned group = 0; group < TOKEN_GROUPS; group++) { /* the last one has all of the one before it */
        *n_alnum = group == 3 ? n : *n_alnum;
        if (is_without(r, group) && !(group == 3 && is_without(r, 4)))
            others[n++] = t->groups[group];
        for (unsigned c = 0; c < TOKEN_ASCII; c++)
            if (token_group_has(group, (unsigned char)c) && !done[c] &&
                !set_has(&r->chars, (unsigned char)c) && t->holds[c]) {
                others[n++] = t->holds[c];
                done[c] = true;
            }
    }
    return n;
}

/* Clears those that masks are too much for. */
static void clear_few(const struct mask_run *r, uint64_t *mask)
{
    const struct token_sets *t = r->sets;
    for (unsigned c = 0; c < TOKEN_ASCII; c++)
        for (uint32_t i = t->first[c];
             !set_has(&r->chars, (unsigned char)c) && !t->holds[c] && i < t->first[c + 1]; i++)
            mask[t->holding[i] / 64] &= ~((uint64_t)1 << t->holding[i] % 64);
}

/* The tokens of characters of the class alone, as long as they may be, and singles. A part of the mask at a time, which stays
 * in the cache while the sets pass by. */
static void take_class(const struct mask_run *r, size_t n_words, uint64_t *mask)
{
    enum { PART = 256 };
    const struct token_sets *t = r->sets;
    const uint64_t *others[TOKEN_ASCII + TOKEN_GROUPS];
    size_t n_alnum = 0, n_others = find_others(r, others, &n_alnum);
    for (size_t first = 0; first < n_words; first += PART) {
        uint64_t singles[PART] = {0}, *part = mask + first;
        size_t n = n_words - first < PART ? n_words - first : PART;
        memcpy(part, t->texts + first, n * sizeof *mask);
        if (!r->beyond)
            clear(part, t->beyond_ascii + first, n);
        if (!r->loops)
            clear(part, t->longer[r->n - 1] + first, n);
        for (size_t k = 0; k < n_others; k++)
            clear(part, others[k] + first, n);
        for (size_t k = 0; k < r->n_singles; k++)
            for (size_t i = 0; i < n; i++)
                singles[i] |= r->singles[k][first + i];
        for (size_t k = 0; k < n_alnum && r->n_singles > 0; k++)
            clear(singles, others[k] + first, n);
        clear(singles, t->longer[SINGLE_CHARS] + first, n);
        for (size_t i = 0; i < n; i++)
            part[i] |= singles[i];
    }
    clear_few(r, mask);
}

struct quoted {
    const struct mask_run *r;
    struct trial *trial;
};

/* Whether what is before a token's quote is characters of the class, and these may end there. Where other bytes are, the
 * token is tried in their lists. */
static bool is_quoted(const void *of, int32_t id, size_t run)
{
    const struct quoted *q = of;
    const struct mask_run *r = q->r;
    struct hone_text text = token_sets_text(r->sets, id);
    for (size_t i = 0; i < text.size && text.data[i] != '"'; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < TOKEN_ASCII ? !set_has(&r->chars, (unsigned char)c) : !r->beyond)
            return false;
    }
    uint32_t state = state_at(r, run);
    return state == STATE_NONE ? trial_one(q->trial, id) : places_next(r->p, state, '"') != STATE_DEAD;
}

/* Those that end the run, and those that are longer than it is known to go on. */
static void try_others(const struct mask_run *r, const struct token_trie *trie, struct mask_step *path,
                       uint64_t *mask)
{
    const struct token_sets *t = r->sets;
    struct trial trial;
    struct quoted quoted = {r, &trial};
    const struct mask_walk closing = {r->p, &trie->strings[0].closing, is_quoted, &quoted, path, mask};
    trial_init(&trial, r->p, t, r->states[0]);
    for (size_t i = 0; i < r->n_tried; i++)
        trial_list(&trial, r->tried[i][0], r->tried[i][1], mask);
    if (r->has_quote)
        mask_walk(&closing, r->behind_quote);
    bool is_known = r->loops || r->ends;
    for (size_t i = 0; i < (trie->n_vocab + 63) / 64; i++) {
        uint64_t left = is_known ? 0 : t->longer[r->n - 1][i];
        for (size_t k = 0; k < r->n_singles; k++)
            left |= r->singles[k][i] & t->longer[SINGLE_CHARS][i];
        for (; left; left &= left - 1)
            if (trial_one(&trial, (int32_t)(64 * i + (size_t)__builtin_ctzll(left))))
                mask[i] |= left & -left;
    }
}

bool mask_make_run(struct places *p, uint32_t state, const struct token_trie *t, struct mask_step *path,
                   uint64_t *mask, size_t *n_allowed)
{
    struct mask_run r = {.p = p, .sets = &t->sets};
    size_t n_words = (t->n_vocab + 63) / 64;
    if (!find_run(&r, state) || !plan_trials(&r) || p->failed)
        return false;
    take_class(&r, n_words, mask);
    try_others(&r, t, path, mask);
    *n_allowed = 0;
    for (size_t i = 0; i < n_words; i++)
        *n_allowed += mask[i] != 0;
    return true;
}
