/* Models that make three things of a text in one pass (BGE-M3, Chen et al., 2024, arXiv:2402.03216): a vector, weights of the
 * words that it has, and a vector of each token. */
#ifndef RUNTIME_INFER_HYBRID_H
#define RUNTIME_INFER_HYBRID_H

#include "runtime/infer/ragged.h"
#include "runtime/infer/tasks.h"

/* What is kept of each text; what nobody wants is left empty. */
struct hybrid {
    const struct hone_model *model;
    size_t n_dims;             /* of the dense vectors */
    float *dense;              /* [n, n_dims], the caller's; or NULL */
    struct ragged rows, words; /* with .texts == NULL: not wanted */
};

/* Fills model->unused. Needs its numbers. */
enum hone_status hybrid_load(struct hone_model *model, struct hone_error *err);

/* Whether the model has what kinds of them. */
bool hybrid_has_words(const struct hone_model *model);
bool hybrid_has_rows(const struct hone_model *model);

/* HONE_USAGE: the model does not make that. After a failure too, hybrid_release. */
enum hone_status hybrid_start(struct hybrid *h, const struct hone_model *model, size_t n, bool rows,
                              bool words, struct hone_error *err);
void hybrid_release(struct hybrid *h);
/* What is wanted of rows and words, in blocks to be freed; the places of what is not are not looked at. */
enum hone_status hybrid_flatten(const struct hybrid *h, float **rows, size_t **row_starts,
                                struct hone_word **words, size_t **word_starts, struct hone_error *err);

/* A sink of OUTPUT_HYBRID; arg is a struct hybrid. A refused text's dense vector is NaN. */
void hybrid_keep(void *arg, size_t i, const float *block, size_t n_tokens);

#endif
