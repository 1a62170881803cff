/* A grammar in the form that matchers run: rules with alternatives, which are runs of symbols over bytes. */
#ifndef RUNTIME_GENERATE_GRAMMAR_RULES_H
#define RUNTIME_GENERATE_GRAMMAR_RULES_H

#include "runtime/generate/grammar/grammar.h"

#define REPEAT_UNLIMITED UINT32_MAX
#define RULE_UNDEFINED   UINT32_MAX

enum symbol_kind { SYMBOL_END, SYMBOL_SET, SYMBOL_RULE, SYMBOL_REPEAT };

struct symbol {
    enum symbol_kind kind;
    uint32_t index;    /* of a set of bytes or of a rule */
    uint32_t min, max; /* of a repetition of that rule */
};

struct byte_set {
    uint64_t bits[4];
};

struct rule {
    uint32_t alternates, n_alternates; /* in the grammar's list */
};

/* What a JSON string holds, a character a turn: what is repeated between quotes mostly is so, and has masks of its own
 * (mask.h). */
enum rule_chars { CHARS_OTHER, CHARS_PLAIN, CHARS_ESCAPED };

struct grammar {
    struct symbol *symbols; /* alternatives one after another, each with SYMBOL_END behind it */
    struct byte_set *sets;  /* set i < 256 holds byte i alone */
    struct rule *rules;     /* alternates is RULE_UNDEFINED until one is defined */
    uint32_t *alternates;   /* first symbol of each */
    size_t n_symbols, n_sets, n_rules, n_alternates;
    size_t symbols_capacity, sets_capacity, rules_capacity, alternates_capacity;
    uint32_t root;
    uint8_t *chars; /* [n_rules] enum rule_chars, when the grammar is checked */
    uint8_t *least; /* [n_rules] bytes that each takes at least, as far as they are counted: it may be more */
    bool too_large; /* the last addition failed by a limit of grammar.h, not by a lack of memory */
};

static inline bool set_has(const struct byte_set *set, unsigned char byte)
{
    return set->bits[byte >> 6] >> (byte & 63) & 1;
}

static inline void set_add(struct byte_set *set, const struct byte_set *more)
{
    for (unsigned i = 0; i < 4; i++)
        set->bits[i] |= more->bits[i];
}

struct grammar *grammar_new(void); /* NULL: out of memory */

/* Each appends; false: out of memory, or, where g->too_large says so, a limit. */
bool grammar_add_rule(struct grammar *g, uint32_t *rule);
bool grammar_add_set(struct grammar *g, const struct byte_set *set, uint32_t *index);
/* Copies n symbols as one alternative; its place goes to *start. */
bool grammar_add_symbols(struct grammar *g, const struct symbol *symbols, size_t n, uint32_t *start);
/* Defines a rule by its alternatives, which grammar_add_symbols returned. */
bool grammar_define(struct grammar *g, uint32_t rule, const uint32_t *starts, size_t n);

/* Characters from first to last, both included. */
struct char_range {
    uint32_t first, last;
};

/* A symbol for one character of the sorted ranges, surrogates left out. */
bool grammar_add_chars(struct grammar *g, const struct char_range *ranges, size_t n, struct symbol *symbol);

/* grammar_parse without g->chars. */
enum hone_status grammar_read(struct grammar **out, struct hone_text gbnf, struct hone_error *err);

/* Fills in g->chars (chars.c). false: out of memory. */
bool grammar_find_chars(struct grammar *g);

/* Fills in g->least. false: out of memory. */
bool grammar_find_least(struct grammar *g);

/* Lets alternatives begin differently (factor.c), when g->chars is known: the same texts, from fewer places. false: out of
 * memory. */
bool grammar_factor(struct grammar *g);

/* Cuts away what can never be completed. Returns what is wrong, with the rule it is wrong with; NULL: nothing.
 * "": out of memory. */
const char *grammar_check(struct grammar *g, uint32_t *rule);

#endif
