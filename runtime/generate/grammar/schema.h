/* JSON Schema (draft 2020-12, and what earlier drafts wrote differently where that is plain) as a grammar.
 *
 * Every text that the grammar allows is JSON that the schema accepts. Not every JSON that it accepts can be written:
 * properties come in the order of the schema, others only where additionalProperties asks for them (or there are no
 * properties at all), all of prefixItems are there, numbers have at most 16 digits, and there is at most one blank, or
 * one new line with up to 20 blanks, after brackets, ',' and ':'. Names of properties, and what a pattern, enum or const
 * asks for, are written as they are; other strings may hold any escapes.
 *
 * Understood: true; type; enum, const; properties, required, additionalProperties; items, prefixItems (or items as an
 * array), minItems, maxItems; minLength, maxLength; pattern (schema_pattern.c says what of it); format date, time,
 * date-time, uuid, ipv4; minimum, maximum, exclusiveMinimum, exclusiveMaximum; anyOf, allOf, oneOf whose branches can be
 * told apart; $ref within the schema, $defs, definitions. title, description, default, examples and the like say
 * nothing. Any other keyword is refused by its name.
 */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_H

#include "runtime/generate/grammar/grammar.h"

#define SCHEMA_MAX_SIZE  ((size_t)1 << 20) /* bytes of JSON */
#define SCHEMA_MAX_DEPTH 200               /* of schemas within schemas, references followed */

/* *gbnf: malloc'ed, NUL-terminated GBNF. HONE_USAGE and a sentence where the schema is not JSON, asks for what is not
 * understood, or allows nothing. */
enum hone_status schema_to_gbnf(struct hone_text json, char **gbnf, struct hone_error *err);

/* The same, compiled. */
enum hone_status grammar_from_schema(struct grammar **out, struct hone_text json, struct hone_error *err);

#endif
