#include "tokenizer/text/grapheme.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/unicode.h"

/* What of a cluster's past the rules ask for. */
struct grapheme_state {
    enum unicode_break last;
    bool conjunct;       /* a consonant, then only what may stand within an Indic conjunct */
    bool linked;         /* a linker among that */
    bool picture, joint; /* a picture, then Extend; then a zero-width joiner */
    bool flag;           /* an odd number of regional indicators */
};

static bool is_extend(enum unicode_break b)
{
    return b == UC_BREAK_EXTEND || b == UC_BREAK_EXTEND_INDIC || b == UC_BREAK_LINKER;
}

static bool is_control(enum unicode_break b)
{
    return b == UC_BREAK_CR || b == UC_BREAK_LF || b == UC_BREAK_CONTROL;
}

static bool joins_hangul(enum unicode_break last, enum unicode_break b)
{
    switch (last) {
    case UC_BREAK_L:
        return b == UC_BREAK_L || b == UC_BREAK_V || b == UC_BREAK_LV || b == UC_BREAK_LVT;
    case UC_BREAK_V:
    case UC_BREAK_LV:
        return b == UC_BREAK_V || b == UC_BREAK_T;
    case UC_BREAK_T:
    case UC_BREAK_LVT:
        return b == UC_BREAK_T;
    default:
        return false;
    }
}

/* Rules GB3 to GB13. */
static bool joins(const struct grapheme_state *s, enum unicode_break b)
{
    if (is_control(s->last) || is_control(b))
        return s->last == UC_BREAK_CR && b == UC_BREAK_LF;
    if (is_extend(b) || b == UC_BREAK_ZWJ || b == UC_BREAK_SPACING || s->last == UC_BREAK_PREPEND)
        return true;
    if (b == UC_BREAK_CONSONANT)
        return s->linked;
    if (b == UC_BREAK_PICTURE)
        return s->joint;
    if (b == UC_BREAK_FLAG)
        return s->flag;
    return joins_hangul(s->last, b);
}

static void advance(struct grapheme_state *s, enum unicode_break b)
{
    bool within = b == UC_BREAK_EXTEND_INDIC || b == UC_BREAK_LINKER || b == UC_BREAK_ZWJ;
    s->linked = s->conjunct && within && (s->linked || b == UC_BREAK_LINKER);
    s->conjunct = b == UC_BREAK_CONSONANT || (s->conjunct && within);
    s->joint = s->picture && b == UC_BREAK_ZWJ;
    s->picture = b == UC_BREAK_PICTURE || (s->picture && is_extend(b));
    s->flag = b == UC_BREAK_FLAG && !s->flag;
    s->last = b;
}

size_t tok_grapheme_end(const char *text, size_t size, size_t at)
{
    struct grapheme_state s = {0};
    const char *p = text + at, *end = text + size;
    advance(&s, unicode_break(unicode_properties(utf8_next(&p))));
    while (p < end) {
        const char *next = p;
        enum unicode_break b = unicode_break(unicode_properties(utf8_next(&next)));
        if (!joins(&s, b))
            break;
        advance(&s, b);
        p = next;
    }
    return (size_t)(p - text);
}
