/* Texts through the model: tokenized, sorted by length, computed in ragged batches, each result handed to a sink. */
#ifndef RUNTIME_INFER_ENGINE_H
#define RUNTIME_INFER_ENGINE_H

#include "runtime/infer/tokens.h"

enum engine_output {
    OUTPUT_EMBEDDING,    /* row [n_dims] */
    OUTPUT_LABELS,       /* row [n_labels] of the classification head */
    OUTPUT_TOKENS,       /* rows [n_dims], one a token */
    OUTPUT_WORDS,        /* row [n_vocab] */
    OUTPUT_TOKEN_LABELS, /* rows [n_labels], one a token */
    OUTPUT_HYBRID, /* the row [net's n_out] of OUTPUT_EMBEDDING, and behind it for each token its id, its weight and its vector
                    * [multi_vector.n_out]; told are the tokens */
    OUTPUT_SPANS,    /* rows [longest span, n_dims] of logits, one a word: the labels', as spans.h says */
    OUTPUT_FILLINGS, /* rows [n_dims, 2], one a token that is masked: the best words' ids and weights */
};

struct request {
    struct inputs inputs;
    enum engine_output output;
    bool raw;             /* logits instead of scores */
    enum pooling pooling; /* of embeddings; POOL_NONE: the model's own */
    size_t n_skipped;     /* tokens of the prompt that pooling leaves out */
    bool normalize;
    size_t n_dims;          /* of embeddings: their first ones, */
    const int32_t *skipped; /* [n_skip_ids], rising: of OUTPUT_TOKENS, tokens without a row */
    size_t n_skip_ids;
    const struct span_marks *marks; /* [inputs.n] of OUTPUT_SPANS */
    size_t n_normalized;            /* made to be of length 1 by so many, which are no fewer */
    const struct hone_run_options *run;
    /* Gets what became of text i once, from any thread: n_rows rows, which is 1 but for OUTPUT_TOKENS, one behind the
     * other. A refused text's are NULL, and 0. */
    void (*sink)(void *arg, size_t i, const float *rows, size_t n_rows);
    void *arg;
};

/* Calls on one model must not overlap: the caller holds its lock. */
enum hone_status engine_run(struct hone_model *model, const struct request *request, struct hone_stats *stats,
                            struct hone_error *err);

/* The same where the token ids are there already: runs [request->inputs.n], whose texts are not looked at. A run
 * without tokens is passed over; that of a text that is refused becomes one. */
enum hone_status engine_compute(struct hone_model *model, const struct request *request,
                                struct token_run *runs, struct hone_stats *stats, struct hone_error *err);

#endif
