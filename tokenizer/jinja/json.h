/* JSON documents as values. */
#ifndef TOKENIZER_JINJA_JSON_H
#define TOKENIZER_JINJA_JSON_H

#include "tokenizer/jinja/run.h"

#include <jansson.h>

struct value value_from_json(struct run *r, const json_t *json);

#endif
