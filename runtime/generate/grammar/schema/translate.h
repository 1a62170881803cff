/* What the parts of the translation from JSON Schema share.
 *
 * A value that is to be written has a goal: the schemas that must hold for it, and those that must not (of oneOf, not,
 * if). A goal is a set, so equal ones are one rule of the grammar, and schemas that refer to themselves come to an end.
 * Of each type of JSON a goal is taken apart into cases (cases.c): ways to satisfy it in which there is nothing to choose
 * any more, only limits (atoms) that hold together. What writes a case is in number.c, string.c, array.c and object.c; a
 * case that names its values (enum, const) is a list of those for which all of the goal holds (holds.c). */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_TRANSLATE_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_TRANSLATE_H

#include "runtime/generate/grammar/schema/automaton.h"

enum schema_type { TYPE_NULL, TYPE_BOOLEAN, TYPE_NUMBER, TYPE_STRING, TYPE_ARRAY, TYPE_OBJECT, N_TYPES };
#define ALL_TYPES ((1u << N_TYPES) - 1)

/* Values found by what they are, with how often each was added. */
struct value_set {
    const struct schema_value **list; /* [n] in the order in which they came */
    uint32_t *times, *slots;
    size_t n, n_slots, list_capacity, times_capacity;
};

/* What is known of a schema so far. */
struct schema_node {
    bool is_checked;
    const struct schema_value *target;      /* of its $ref */
    const struct expression *expression[2]; /* of a pattern; [0]: where it must not match */
    struct automaton *automaton;            /* of that by itself */
    struct value_set *values; /* of an enum; of a list of branches: those of branches that name values */
    const struct schema_value **others; /* [n_others] of such a list: the other branches */
    size_t n_others;
    uint8_t met[2]; /* on the way to the case that is being made: 1 + whether it must hold */
    uint8_t types;  /* 1 + the types that it allows, as far as it is plain; 0: not looked at */
    uint8_t apart;  /* of a oneOf: 1 all branches exclude each other, 2 not so */
};

struct schema_goal {
    const uint32_t *literals; /* [n] rising: 2 * id of the schema, + 1 where it must not hold */
    size_t n;
    uint32_t rule;
};

struct schema {
    struct schema_work w;
    const struct schema_value *root;
    const struct schema_value **values; /* [n_values] by id, of schemas that were asked for */
    struct schema_node **nodes;         /* likewise */
    size_t n_values, values_capacity, nodes_capacity;
    const struct schema_value **resources; /* [n_resources] schemas with an $id */
    size_t n_resources, resources_capacity;
    struct hone_text *uris; /* of them, resolved */
    size_t uris_capacity;

    struct schema_text out; /* rules so far */
    uint32_t n_rules;
    struct schema_goal *goals; /* [n_goals]; the first n_done have their rule */
    size_t n_goals, n_done, goals_capacity;
    uint32_t *goal_slots;
    size_t n_goal_slots;

    struct known_rule *known; /* texts that were written before, and their rules */
    size_t n_known, known_capacity;
    uint32_t *known_slots;
    size_t n_known_slots;

    struct apart_pair *pairs; /* schemas that were compared */
    size_t n_pairs, n_pair_slots;

    struct schema_text notes;
};

/* ---- schemas; NULL or false: failed ---- */

struct schema_node *schema_node_of(struct schema *s, const struct schema_value *v);
/* An id for a value that is made on the way. */
const struct schema_value *schema_adopt(struct schema *s, struct schema_value *made);
/* The keyword of a schema; NULL: it has none. */
static inline const struct schema_value *schema_keyword(struct schema *s, const struct schema_value *schema,
                                                        const char *name)
{
    return schema_value_get(&s->w, schema, name);
}
/* What an item at place i must be; NULL: anything. (array.c) */
const struct schema_value *schema_of_item(struct schema *s, const struct schema_value *schema, uint32_t i);
/* Whether the keywords are what they must be, and none is there that is not supported. */
bool schema_check(struct schema *s, const struct schema_value *schema);
bool schema_count(struct schema *s, const struct schema_value *schema, const char *key, uint32_t otherwise,
                  uint32_t *count);
/* What a $ref stands for. */
const struct schema_value *schema_target(struct schema *s, const struct schema_value *schema);
bool schema_find_resources(struct schema *s);

/* The types that "type" (or nullable) allows, ALL_TYPES where it is not there; *whole: of numbers only whole ones. */
unsigned schema_types(struct schema *s, const struct schema_value *schema, bool *whole);
enum schema_type schema_type_of(const struct schema_value *v);
/* The types that a schema allows at most, as far as it is plain. */
unsigned schema_most_types(struct schema *s, const struct schema_value *schema, unsigned depth);

/* The values that a schema names (enum, const); NULL: none. */
const struct schema_value *schema_constant(struct schema *s, const struct schema_value *schema);
const struct schema_value *const *schema_enum(struct schema *s, const struct schema_value *schema, size_t *n);
/* Of a list of branches: schema_node_of(list)->values and others. */
bool schema_sort_branches(struct schema *s, const struct schema_value *list);

bool schema_set_add(struct schema_work *w, struct value_set *set, const struct schema_value *v);
/* How often it was added. */
uint32_t schema_set_times(struct schema_work *w, const struct value_set *set, const struct schema_value *v);
struct value_set *schema_enum_set(struct schema *s, const struct schema_value *list);

/* The expression that a string (a pattern, a name of patternProperties) is; kept. holds: not that no text may match. */
const struct expression *schema_pattern(struct schema *s, const struct schema_value *where,
                                        struct hone_text pattern, bool holds);
/* Of a format; *max as format_expression's. NULL and not failed: unknown. */
const struct expression *schema_format(struct schema *s, const struct schema_value *format, uint32_t *max);
bool schema_matches(struct schema *s, const struct schema_value *where, struct hone_text pattern,
                    struct hone_text text);

/* Whether a schema holds for a value. Check s->w.failed. */
bool schema_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v,
                  unsigned depth);
/* Whether no value satisfies both, as far as that is plain. */
bool schema_apart(struct schema *s, const struct schema_value *a, const struct schema_value *b,
                  unsigned depth);
/* Whether that is so of each two of a list's branches that name no values. */
bool schema_all_apart(struct schema *s, const struct schema_value *list);

/* ---- goals ---- */

struct schema_literals {
    uint32_t *list;
    size_t n, capacity;
};
bool schema_literals_add(struct schema *s, struct schema_literals *l, const struct schema_value *schema,
                         bool holds);
/* The number of the goal's rule, as rN; *name: a text for it, such as "value". */
bool schema_goal_rule(struct schema *s, struct schema_literals *l, const char **name);
/* Writes the rule of a goal. */
bool schema_goal_write(struct schema *s, size_t number);
/* Whether all of them hold. */
bool schema_literals_hold(struct schema *s, const uint32_t *list, size_t n, const struct schema_value *v);

/* ---- cases ---- */

enum atom_kind {
    ATOM_WHOLE, /* a whole number */
    ATOM_LEAST, /* minimum; of strings, arrays and objects: minLength ... */
    ATOM_MOST,  /* likewise */
    ATOM_ABOVE, /* exclusiveMinimum */
    ATOM_BELOW,
    ATOM_MULTIPLE,
    ATOM_PATTERN, /* a string's pattern or format, or none of these */
    ATOM_FORMAT,
    ATOM_NOT, /* it is not this constant */
    ATOM_UNIQUE,
    ATOM_ITEMS,    /* items and prefixItems of a schema */
    ATOM_CONTAINS, /* contains and its limits */
    ATOM_FEWER,    /* contains may not hold so often: at most `count` times */
    ATOM_ITEM,     /* there is an item at place `count`, and the literal is its */
    ATOM_SOME,     /* there is an item from place `count` on for which the literal is right */
    ATOM_MEMBERS,  /* properties, patternProperties and additionalProperties of a schema */
    ATOM_HAS,      /* a member of the name `text`; value, where it is given, must (not) hold for it */
    ATOM_LACKS,    /* none of that name */
    ATOM_NAMES     /* propertyNames */
};

struct case_atom {
    const struct case_atom *next;
    enum atom_kind kind;
    bool holds;
    uint32_t count;
    const struct schema_value *value; /* the keyword's, or the schema */
    struct hone_text text;
};

struct case_of {
    enum schema_type type;
    const struct case_atom *atoms;
    const struct schema_value *at; /* for sentences */
    bool is_typed;                 /* a type was named; else: */
    unsigned implied;              /* the types that its keywords are about */
};

/* Each case of a goal of one type goes to `take`; false: stop. */
struct case_sink {
    bool (*take)(struct schema *s, const struct case_of *c, void *arg);
    /* One that names its values. */
    bool (*take_values)(struct schema *s, const struct schema_value *const *list, size_t n, void *arg);
    void *arg;
};
bool schema_goal_cases(struct schema *s, const uint32_t *literals, size_t n, enum schema_type type,
                       const struct case_sink *sink);

/* Each appends to `symbols` what a case is, alternatives with " | " in front; nothing where no value can be so. */
bool schema_put_number(struct schema *s, const struct case_of *c, struct schema_text *symbols);
bool schema_put_string(struct schema *s, const struct case_of *c, struct schema_text *symbols);
bool schema_put_array(struct schema *s, const struct case_of *c, struct schema_text *symbols);
bool schema_put_object(struct schema *s, const struct case_of *c, struct schema_text *symbols);

/* ---- rules ---- */

uint32_t schema_rule_new(struct schema *s); /* the next number: rN */
/* A whole rule. */
void schema_rule_put(struct schema *s, uint32_t rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void schema_rule_root(struct schema *s, const char *name); /* the last rule: what the whole text is */
void schema_rule_text(struct schema *s, uint32_t rule, const struct schema_text *body);
void schema_put_literal(struct schema_text *t, const char *text, size_t size);
/* One of [n] texts, which are sorted: what several begin with is written once, as a place in a list of hundreds would
 * otherwise be hundreds of places, each of which masks have to follow. */
void schema_put_literals(struct schema_text *t, struct hone_text *list, size_t n);
/* One character of a set as JSON may write it inside a string. */
void schema_put_set(struct schema *s, struct schema_text *t, const struct char_range *ranges, size_t n);
/* The rules of an automaton; behind each end, tails[accept]. Returns the rule of its beginning. */
uint32_t schema_put_automaton(struct schema *s, const struct automaton *a, const char *const *tails);
/* The rule of something that has been written before under the key; true: *rule is it. Else *rule is new. */
bool schema_rule_known(struct schema *s, const char *key, size_t size, uint32_t *rule);

#endif
