#include "tokenizer/stages/split.h"

#include "runtime/base/utf8.h"

bool tok_split_behavior(const json_t *spec, enum split_behavior otherwise, enum split_behavior *out,
                        struct complaint *c)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                        "Contiguous"};
    struct hone_text name = tok_component_text(spec, "behavior");
    *out = otherwise;
    if (!name.size)
        return true;
    for (int i = 0; i < 5; i++) {
        if (strcmp(name.data, names[i]) == 0) {
            *out = (enum split_behavior)i;
            return true;
        }
    }
    return tok_fail(c->err, HONE_BAD_MODEL, "%s: the behavior \"%.100s\" is not supported",
                    tok_component_type(spec), name.data);
}

/* Whether the stretch that comes belongs to the one that is held. */
static bool joins(const struct splitter *s, bool delimiter)
{
    switch (s->behavior) {
    case SPLIT_MERGED_PREVIOUS:
        return delimiter && !s->delimiter;
    case SPLIT_MERGED_NEXT:
        return !delimiter && s->delimiter;
    case SPLIT_CONTIGUOUS:
        return delimiter == s->delimiter;
    default:
        return false;
    }
}

bool tok_splitter_stretch(struct splitter *s, size_t start, size_t end, bool delimiter)
{
    if (s->behavior <= SPLIT_ISOLATED)
        return (delimiter && s->behavior == SPLIT_REMOVED) || piece_part(s->whole, start, end, s->sink);
    if (s->holding && joins(s, delimiter)) {
        s->end = end;
    } else {
        if (!tok_splitter_finish(s))
            return false;
        s->start = start;
        s->end = end;
        s->holding = true;
    }
    s->delimiter = delimiter;
    return true;
}

bool tok_splitter_finish(struct splitter *s)
{
    bool held = s->holding;
    s->holding = false;
    return !held || piece_part(s->whole, s->start, s->end, s->sink);
}

bool tok_split_characters(struct tok_piece piece, bool (*matches)(const void *arg, uint32_t point),
                          const void *arg, enum split_behavior behavior, struct sink sink)
{
    struct splitter s = {.whole = piece, .sink = sink, .behavior = behavior};
    size_t done = 0;
    for (const char *p = piece.data, *end = p + piece.size; p < end;) {
        size_t at = (size_t)(p - piece.data);
        if (!matches(arg, utf8_next(&p)))
            continue;
        size_t behind = (size_t)(p - piece.data);
        if ((at > done && !tok_splitter_stretch(&s, done, at, false)) ||
            !tok_splitter_stretch(&s, at, behind, true))
            return false;
        done = behind;
    }
    if (done < piece.size && !tok_splitter_stretch(&s, done, piece.size, false))
        return false;
    return tok_splitter_finish(&s);
}
