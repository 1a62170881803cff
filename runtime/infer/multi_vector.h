/* Models that make a vector of each token, to be compared one by one (late interaction): queries that are filled up with mask
 * tokens, and documents of which some tokens do not count. As Sentence Transformers, PyLate and Stanford's ColBERT have it. */
#ifndef RUNTIME_INFER_MULTI_VECTOR_H
#define RUNTIME_INFER_MULTI_VECTOR_H

#include "runtime/infer/engine.h"

/* Fills model->multi from its file. Needs its tokenizer and numbers. */
enum hone_status multi_vector_load(struct hone_model *model, struct hone_error *err);
void multi_vector_free(struct multi_vector *m);

/* What `out` needs of a text that is a query, a document, or neither; after its limits. */
void multi_vector_choose(const struct hone_model *model, enum hone_role as, struct request *out);

#endif
