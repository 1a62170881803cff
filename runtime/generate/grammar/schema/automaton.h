/* Expressions as one deterministic automaton over characters, which knows at each end which of them match. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_AUTOMATON_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_AUTOMATON_H

#include "runtime/generate/grammar/schema/expression.h"

#define AUTOMATON_MAX_STATES 60000u /* GRAMMAR_MAX_RULES is 65,536, and each state becomes a rule */
#define AUTOMATON_MOST       60u    /* expressions at once: which of them match is a word of 64 bits */
#define NO_STATE             UINT32_MAX

/* Characters that no expression tells apart are a class. */
struct char_class {
    uint32_t first, last; /* a range of it */
    uint32_t number;
};

struct automaton {
    struct char_class *classes; /* [n_ranges] sorted, all characters */
    size_t n_ranges, n_classes;
    size_t n_states;  /* the first one is where a text begins */
    uint32_t *next;   /* [n_states, n_classes], NO_STATE: nothing that is wanted can follow */
    uint64_t *match;  /* [n_states] bit i: a text that ends here is one of expression i */
    uint32_t *length; /* [n_states] characters so far, as far as they are counted */
    uint32_t *accept; /* [n_states] what an end here means, 0: none here; the caller's to fill in */
};

/* What of its texts is of interest. */
struct automaton_wanted {
    uint32_t count; /* characters are counted up to here (0: not at all), */
    bool is_most;   /* and no text is longer */
    bool match;     /* texts that no expression matches need not be followed */
};

/* Of n expressions. NULL: failed; `at` is where it is said to be. */
struct automaton *automaton_make(struct schema_work *w, const struct schema_value *at,
                                 const struct expression *const *list, size_t n,
                                 struct automaton_wanted wanted);

/* Cuts away what leads to no accepted end. false: nothing is left, or failed. */
bool automaton_trim(struct schema_work *w, struct automaton *a);

/* Whether a text ends in an accepted state. */
bool automaton_accepts(const struct automaton *a, struct hone_text text);

#endif
