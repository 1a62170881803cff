/* JSON documents as values. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_JSON_H
#define TOKENIZER_TEMPLATE_BUILTINS_JSON_H

#include "tokenizer/template/run.h"

#include <jansson.h>

struct jinja_value jinja_value_from_json(struct jinja_run *r, const json_t *json);

#endif
