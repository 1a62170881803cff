/* Models that are several: each text is for one of a router's routes, by what it is in a search. The model that is opened is
 * the route of texts that are neither query nor document; it has the others. */
#ifndef RUNTIME_INFER_ROUTES_H
#define RUNTIME_INFER_ROUTES_H

#include "runtime/infer/model.h"

/* Takes over a file of several models: model->net.gguf becomes its own route. */
enum hone_status routes_take(struct hone_model *model, struct gguf *whole, struct hone_error *err);
/* Opens the others, once the model itself is complete, and checks that vectors of all compare. */
enum hone_status routes_open(struct hone_model *model, struct hone_error *err);
void routes_close(struct hone_model *model);
/* Whether what two of them make of texts compares: callers have room for what one makes. */
enum hone_status routes_compare(const struct net *a, const struct net *b, struct hone_error *err);

/* *model becomes the one that reads texts of that role. HONE_USAGE: there is none. */
enum hone_status routes_choose(struct hone_model **model, enum hone_role as, struct hone_error *err);

/* The same for vectors of tokens, whose width is that of the opened model's. */
enum hone_status routes_choose_tokens(struct hone_model **model, enum hone_role as, struct hone_error *err);

/* The file that a model is of, all of its routes included. */
const struct gguf *routes_file(const struct hone_model *model);

#endif
