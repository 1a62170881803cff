/* A model's own settings of generating, as its file has them: hone.generation.* */
#ifndef RUNTIME_GENERATE_RULES_LOAD_H
#define RUNTIME_GENERATE_RULES_LOAD_H

#include "runtime/generate/vocabulary.h"

/* v->rules, v->max_length and v->max_new. HONE_BAD_MODEL: a key that is not what it should be. After a failure too,
 * vocabulary_free. */
enum hone_status rules_load(struct vocabulary *v, const struct net *net, struct hone_error *err);

#endif
