/* JSON Schema (draft 2020-12, and what earlier drafts wrote differently where that is plain) as a grammar.
 *
 * Every text that the grammar allows is JSON that the schema accepts, and every value that the schema accepts has a text,
 * but for what is said here. Properties come in the order of the schema; then others, where additionalProperties or
 * patternProperties ask for them, or the schema gives no names at all. All of prefixItems are there, where no minItems says
 * otherwise. A schema that says nothing of types is about the one that its keywords are about ({"properties"}: objects).
 * Numbers with limits are written without exponents, with up to 15 digits, which doubles tell apart (whole ones 16), or as
 * many as a limit has. There is at most one blank, or one new line with up to 20 blanks, after brackets, ',' and ':'. Names of properties,
 * and what a pattern, format, enum or const asks for, have only the escapes that they need; other strings may hold any.
 *
 * Understood: true, false; type, enum, const; properties, required, additionalProperties, patternProperties,
 * propertyNames, minProperties, maxProperties, dependentRequired, dependentSchemas, dependencies; items, prefixItems (or
 * items as an array and additionalItems), minItems, maxItems, contains, minContains, maxContains, uniqueItems of values
 * that are named; minLength, maxLength, pattern (schema/expression.h), formats (schema/formats.c); minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, multipleOf; allOf, anyOf, oneOf, not, if, then, else; $ref, $id, $anchor, $defs;
 * unevaluatedProperties and unevaluatedItems where no other schema could evaluate; nullable beside type (OpenAPI 3.0).
 * Other keywords say nothing of values, as JSON Schema has it, and unknown formats are noted. What cannot be held exactly
 * is refused with its place (a JSON pointer).
 *
 * The values that enum and const name are checked with all other keywords at once, by an evaluator of schemas.
 */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_H

#include "runtime/generate/grammar/grammar.h"

#define SCHEMA_MAX_SIZE ((size_t)1 << 20) /* bytes of JSON */
#define SCHEMA_MAX_MEMORY                                                                                    \
    ((size_t)128 << 20)                      /* that a translation may use, all of it given back at its end */
#define SCHEMA_MAX_STEPS (uint64_t)100000000 /* of it, a few nanoseconds each */

/* Who waits for a translation: is_over, which is asked about every tenth of a millisecond, says whether nobody does. */
struct schema_waiting {
    bool (*is_over)(void *arg);
    void *arg;
};

/* *gbnf: malloc'ed, NUL-terminated GBNF. notes (may be NULL): malloc'ed; what of the schema says nothing although it might
 * be meant to, such as "/properties/a/format: format int32", separated by "; "; NULL: nothing. HONE_USAGE and a sentence
 * where the schema is not JSON, asks for what is not supported, allows nothing, or takes more time or memory than it may;
 * HONE_CANCELLED: nobody waits. waiting may be NULL. */
enum hone_status schema_to_gbnf(struct hone_text json, const struct schema_waiting *waiting, char **gbnf,
                                char **notes, struct hone_error *err);

/* The same, compiled. */
enum hone_status grammar_from_schema(struct grammar **out, struct hone_text json,
                                     const struct schema_waiting *waiting, char **notes,
                                     struct hone_error *err);

#endif
