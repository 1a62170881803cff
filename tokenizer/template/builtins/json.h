/* JSON documents as values. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_JSON_H
#define TOKENIZER_TEMPLATE_BUILTINS_JSON_H

#include "tokenizer/template/run.h"

#include <jansson.h>

struct value value_from_json(struct run *r, const json_t *json);

#endif
