/* What tokenizer_config.json says, and what is in a tokenizer.json that is still JSON. */
#ifndef TOKENIZER_FILES_PARTS_H
#define TOKENIZER_FILES_PARTS_H

#include <jansson.h>

#include <stdbool.h>

/* A token is a string, or an object with its content; "" for none. */
const char *tok_token_text(const json_t *token);

/* A special token of a configuration: "" where it is null, `usual` where nothing is said of it. */
const char *tok_named_token(const json_t *config, const char *name, const char *usual);

bool tok_flag(const json_t *config, const char *key, bool otherwise);

/* The added token of that text; NULL: none. */
json_t *tok_added_token(const json_t *root, const char *text);

/* The id of a token of the vocabulary or of an added one; -1: there is none. */
json_int_t tok_token_id(const json_t *root, const char *text);

#endif
