/* Regular expressions of JSON Schema's "pattern" (ECMA-262 with u).
 *
 * Understood: literal characters, '.', classes with ranges and ^, \d \w \s \D \W \S, \t \n \v \f \r \0 \cX, \xHH,
 * \uHHHH (pairs too), \u{H}, \ before any other sign; groups ( ), (?: ) and (?<name> ), '|', * + ? {n} {n,} {n,m} (lazy
 * ones too, which match the same), ^ and $ anywhere. Without these, anything may come before or behind. Readers differ in
 * whether \d, \w, \s and their opposites are about ASCII: only what all of them take is written. Look-ahead, look-behind,
 * back-references, \b and \p are refused by name. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_EXPRESSION_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_EXPRESSION_H

#include "runtime/generate/grammar/rules.h"
#include "runtime/generate/grammar/schema/json.h"

struct char_set {
    struct char_range *ranges; /* [n] sorted, apart from each other, without surrogates */
    size_t n;
};

enum piece_kind { PIECE_EMPTY, PIECE_SET, PIECE_BOTH, PIECE_EITHER, PIECE_REPEAT, PIECE_BEGIN, PIECE_END };

struct expression_piece {
    enum piece_kind kind;
    uint32_t set;                         /* of a set: its number */
    uint32_t min, max;                    /* of a repetition of a */
    const struct expression_piece *a, *b; /* of both: one behind the other; of either; b may be NULL */
};

struct expression {
    const struct expression_piece *top;
    struct char_set *sets;
    size_t n_sets, sets_capacity;
    bool is_whole; /* it matches all of a text, and not somewhere in it */
};

/* `at`: the value that it stands in, for the sentence. is_wide: it matches what any reader takes, as one must that no text
 * may match. NULL: failed. */
const struct expression *expression_read(struct schema_work *w, const struct schema_value *at,
                                         struct hone_text pattern, bool is_wide);
/* One of the texts of a list of strings, whole; other values in it are left out. */
const struct expression *expression_of_strings(struct schema_work *w,
                                               const struct schema_value *const *strings, size_t n);
/* The same of names. */
const struct expression *expression_of_names(struct schema_work *w, const struct hone_text *names, size_t n);

/* Whether it is ^SET{min,max}$ and nothing else. */
bool expression_is_repeat(const struct expression *e, const struct char_set **set, uint32_t *min,
                          uint32_t *max);

#endif
