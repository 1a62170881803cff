/* Spans of labels that are given with a text. */
#ifndef RUNTIME_INFER_SPANS_SPANS_H
#define RUNTIME_INFER_SPANS_SPANS_H

#include "runtime/infer/model.h"

/* What stands before each label, and between the labels and the text, as the file says it, once tokenizer and numbers are
 * there. */
enum hone_status span_load(struct hone_model *model, struct hone_error *err);
void span_free(struct hone_model *model);

/* Whether the model finds spans, and these labels and options (or NULL) make sense; *how: with the defaults. */
enum hone_status span_check(const struct hone_model *model, const struct hone_text *labels, size_t n_labels,
                            const struct hone_span_options *options, struct hone_span_options *how,
                            struct hone_error *err);

#endif
