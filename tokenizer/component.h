/* Reading the components of a pipeline: JSON objects with a "type". */
#ifndef TOKENIZER_COMPONENT_H
#define TOKENIZER_COMPONENT_H

#include "tokenizer/text/fail.h"
#include "tokenizer/tokenizer.h"

#include <jansson.h>

/* Where the sentence of a failure goes. */
struct complaint {
    struct hone_error *err;
};

#define COMPONENT_MAX_STEPS 64 /* of a Sequence: each may make a text several times as long */

/* Its "type"; "" where there is none. */
const char *tok_component_type(const json_t *spec);

/* A member, or the default where it is missing or null. */
bool tok_component_bool(const json_t *spec, const char *key, bool otherwise);
struct hone_text tok_component_text(const json_t *spec, const char *key);

/* A member that must be a string of exactly one character; false with a sentence. */
bool tok_component_char(const json_t *spec, const char *key, struct hone_text *out, struct complaint *c);

/* Writes the components of a kind in the order they work to steps[COMPONENT_MAX_STEPS]: spec itself, or the members
 * (named `list`) of the Sequences that it is made of. Returns how many; -1: too many or not of that form, with a
 * sentence. NULL and null have none. */
int tok_component_steps(const json_t *spec, const char *list, const json_t **steps, struct complaint *c);

/* "the normalizer Foo is not supported"; false. */
bool tok_component_refuse(struct complaint *c, const char *what, const json_t *spec);

#endif
