/* What the parts of the translation from JSON Schema share. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_IMPL_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_IMPL_H

#include "runtime/generate/grammar/rules.h"
#include "runtime/generate/grammar/schema.h"

#include <jansson.h>
#include <stdio.h>

struct schema {
    json_t *root;
    json_t *owned; /* array: schemas made on the way, freed at the end */
    json_t *refs;  /* object: number of the rule of each reference met */
    FILE *out;     /* rules so far */
    size_t n_rules, n_values;
    unsigned depth;
    struct hone_error *err;
    bool failed;
};

/* Leaves the first sentence in err; false. */
bool schema_fail(struct schema *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The body of a rule that is being written. */
struct rule_text {
    FILE *f;
    char *text;
    size_t size, number;
};
/* Takes the next number; the rule's name is r and that number. */
bool rule_open(struct schema *s, struct rule_text *r);
/* Writes the rule out, or throws it away where something has failed. false: failed. */
bool rule_close(struct schema *s, struct rule_text *r);

/* Each writes a symbol, or symbols that a sequence may hold, to f; false: failed. */
bool schema_put_value(struct schema *s, FILE *f, json_t *schema);
bool schema_put_object(struct schema *s, FILE *f, const json_t *schema);
bool schema_put_array(struct schema *s, FILE *f, const json_t *schema);
bool schema_put_string(struct schema *s, FILE *f, const json_t *schema);
bool schema_put_number(struct schema *s, FILE *f, const json_t *schema, bool is_integer);
bool schema_put_reference(struct schema *s, FILE *f, const json_t *schema);
bool schema_put_branches(struct schema *s, FILE *f, const json_t *schema, const char *key); /* anyOf, oneOf */
bool schema_put_all_of(struct schema *s, FILE *f, const json_t *schema);
/* What stands between the quotes of a string that a regular expression matches. */
bool schema_put_pattern(struct schema *s, FILE *f, const char *pattern);
/* A GBNF literal. */
void schema_put_literal(FILE *f, const char *text, size_t size);

/* A count such as maxItems; `otherwise` where there is none. */
bool schema_get_count(struct schema *s, const json_t *schema, const char *key, uint32_t otherwise,
                      uint32_t *count);

/* Keeps a new schema until the end and returns it; NULL: failed. */
json_t *schema_own(struct schema *s, json_t *made);
/* The schema that a reference names; NULL: failed. */
json_t *schema_target(struct schema *s, const json_t *ref);
/* A keyword that only tells people something. */
bool schema_is_annotation(const char *key);
/* Both at once; NULL: failed. Neither may be a boolean. */
json_t *schema_merge(struct schema *s, const json_t *a, const json_t *b);
/* Whether no value can satisfy both, as far as that is plain. */
bool schema_disjoint(struct schema *s, const json_t *a, const json_t *b, unsigned depth);

#endif
