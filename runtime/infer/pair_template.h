/* How rerankers with a chat template read a query and a document: as messages with the roles "query" and "document", behind a
 * system message that says what is asked for, as Sentence Transformers' CrossEncoder writes them. */
#ifndef RUNTIME_INFER_PAIR_TEMPLATE_H
#define RUNTIME_INFER_PAIR_TEMPLATE_H

#include "runtime/infer/model.h"

/* Sets model->pairs where its template shows both messages of such a pair; NULL: pairs are read as other models' are.
 * A file may demand it (hone.pair_messages): then it is an error where the template does not. */
enum hone_status pair_template_load(struct hone_model *model, struct hone_error *err);
void pair_template_free(struct pair_template *p);

struct pair {
    const char *prompt; /* the system message; NULL or "": none */
    struct hone_text query, document;
};

/* Token ids of a pair, at most max_length (0: all); what is cut off the end is not what the template puts there. */
enum hone_status pair_template_encode(const struct hone_model *model, const struct pair *pair,
                                      size_t max_length, struct tok_encoding *e, struct hone_error *err);

#endif
