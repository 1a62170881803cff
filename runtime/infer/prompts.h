/* The prompts of a model, by name, and which of them is put before a text. */
#ifndef RUNTIME_INFER_PROMPTS_H
#define RUNTIME_INFER_PROMPTS_H

#include "runtime/infer/engine.h"

/* Fills the model's prompts from its file. Needs its tokenizer. */
enum hone_status prompts_load(struct hone_model *model, struct hone_error *err);
void prompts_free(struct hone_model *model);

/* NULL: none of that name. */
const struct prompt *prompts_find(const struct hone_model *model, const char *name);

/* The name of the prompt for a side of a search, "" where the model has none: its default is for texts without a role, as in
 * Sentence Transformers. NULL: there is no role. */
const char *prompts_of_role(const struct hone_model *model, enum hone_role as);

/* What `out` needs of the prompt called `name`: "" for none, NULL for the model's default. */
enum hone_status prompts_choose(const struct hone_model *model, const char *name, struct request *out,
                                struct hone_error *err);

#endif
