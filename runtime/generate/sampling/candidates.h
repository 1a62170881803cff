/* The tokens that may still be chosen, and the filters that make them fewer (chain and papers: sampler.h). */
#ifndef RUNTIME_GENERATE_SAMPLING_CANDIDATES_H
#define RUNTIME_GENERATE_SAMPLING_CANDIDATES_H

#include "runtime/generate/sampling/sampler.h"
#include "runtime/generate/sampling/top.h"

enum candidate_order {
    CANDIDATES_WHOLE,    /* all ids whose logit is above -infinity, not listed yet */
    CANDIDATES_BY_ID,    /* items[n], rising */
    CANDIDATES_BY_LOGIT, /* items[n], falling; their ranks are the logits' */
    CANDIDATES_MIXED     /* items[n] */
};

/* Buffers are a struct sampler_scratch's. */
struct candidates {
    float *logits; /* [n_vocab] by id */
    float *floats; /* [n_vocab] for whatever a step needs */
    struct top_item *items, *swap;
    size_t n_vocab, n;
    enum candidate_order order;
};

void candidates_top_k(struct candidates *c, size_t k);
void candidates_typical(struct candidates *c, float p);
void candidates_top_p(struct candidates *c, float p);
void candidates_min_p(struct candidates *c, float p);
void candidates_sort(struct candidates *c);

/* Lists the candidates by rising id, with their probabilities in c->floats. */
void candidates_finish(struct candidates *c);

/* log(sum(exp(x))) over x[n], which is softmax(x) then. x must hold a finite number and none above it. */
float logits_log_sum_exp(float *x, size_t n);

#endif
