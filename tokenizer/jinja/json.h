/* JSON documents as values. */
#ifndef JINJA_JSON_H
#define JINJA_JSON_H

#include "tokenizer/jinja/run.h"

#include <jansson.h>

struct value value_from_json(struct run *r, const json_t *json);

#endif
