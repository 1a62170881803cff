/* What the parts of the search for a goal's cases share. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_SEARCH_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_SEARCH_H

#include "runtime/generate/grammar/schema/translate.h"

/* A schema that must (not) hold on a path; `from` is the one that says so. */
struct case_literal {
    const struct case_literal *next, *from;
    const struct schema_value *schema;
    bool holds;
};

enum choice_kind {
    CHOICE_ANY,  /* one of a list of schemas */
    CHOICE_ONE,  /* just one */
    CHOICE_IF,   /* if and then, or else */
    CHOICE_NEED, /* no member of the name, or what it needs */
    CHOICE_NOT   /* one of the keywords of a schema does not hold */
};

struct case_choice {
    const struct case_choice *next;
    enum choice_kind kind;
    const struct schema_value *value; /* the list, or the schema */
    struct hone_text name;            /* of a need */
    const struct case_literal *from;
};

/* How far a way to satisfy the goal has come; copied where ways part. */
struct case_path {
    const struct case_literal *todo;
    const struct case_choice *choices, *negations; /* these come last, when all that holds is known */
    struct case_of c;
};

struct case_search {
    struct schema *s;
    const uint32_t *literals; /* of the goal */
    size_t n_literals;
    enum schema_type type;
    const struct case_sink *sink;
    struct schema_node **trail; /* [n_trail] met on the path */
    size_t n_trail, trail_capacity;
    size_t n_cases;
    unsigned depth;
};

/* Each adds to a path; false: failed. */
bool cases_push(struct case_search *x, struct case_path *p, const struct schema_value *schema, bool holds,
                const struct case_literal *from);
bool cases_postpone(struct case_search *x, struct case_path *p, enum choice_kind kind,
                    const struct schema_value *value, struct hone_text name, const struct case_literal *from);
bool cases_add_atom(struct case_search *x, struct case_path *p, struct case_atom atom);

/* Whether a member of the name must be there (or not), by what is known on the path. */
bool cases_has(const struct case_path *p, struct hone_text name);
bool cases_lacks(const struct case_path *p, struct hone_text name);

/* All ways to go on; false: failed. */
bool cases_solve(struct case_search *x, struct case_path p);

/* The limits of a schema that holds, for the search's type. *dead: it cannot hold. */
bool cases_add_limits(struct case_search *x, struct case_path *p, const struct schema_value *schema,
                      const struct case_literal *from);

/* Whether no value of the search's type satisfies the schema. Where it must not hold, nothing has to be done for that then. */
bool cases_is_refused(struct case_search *x, const struct schema_value *schema);
/* Each way in which a schema does not hold. */
bool cases_negate(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                  const struct case_literal *from);

/* Its parts. */
bool cases_go_on(struct case_search *x, const struct case_path *p, struct case_atom atom);
bool cases_go_without(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                      const struct case_literal *from);
bool cases_negate_count(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                        const char *least, const char *most);
bool cases_negate_object(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                         const struct case_literal *from);
/* Whether it is plain that no value satisfies the schema beside those that must hold. */
bool cases_exclude(struct case_search *x, const struct case_path *p, const struct schema_value *schema);
/* Whether the schema requires a member that the path forbids, so that it does not hold, whatever else is. */
bool cases_is_negated(struct case_search *x, const struct case_path *p, const struct schema_value *schema);

/* The bounds of numbers, and whether a format is one that is understood (limits.c). */
bool cases_bounds(struct case_search *x, struct case_path *p, const struct schema_value *schema, bool is_low);
bool format_is_known(const struct schema_value *format);

#endif
