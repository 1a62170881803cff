/* What a model's own settings of generating say of the tokens that may come, as `generate` of transformers (version 5) has it.
 * They hold for every text of that model, however its tokens are chosen. */
#ifndef RUNTIME_GENERATE_SAMPLING_TOKEN_RULES_H
#define RUNTIME_GENERATE_SAMPLING_TOKEN_RULES_H

#include "runtime/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_ids {
    int32_t *ids; /* [n] */
    size_t n;
};

/* Zeros mean none, but for the tokens and the penalty: -1 and 1. */
struct token_rules {
    int32_t first,
        last;         /* the first token that is generated; the last one, where the text has no more room */
    size_t no_repeat; /* so many tokens in a row come once, */
    size_t no_repeat_source; /* and so many of the encoder's input never */
    float
        repetition_penalty; /* logits above 0 of tokens that came before are divided by it, others multiplied */
    size_t min_length,
        min_new;          /* no end before there are so many tokens, with those that were given or without */
    struct token_ids bad; /* sequences of tokens, one behind the other, */
    struct token_ids bad_sizes;    /* and how many each has: their last ones do not follow the others */
    struct token_ids suppressed;   /* never come, */
    struct token_ids not_at_first; /* or not as the first one that is not forced */
};

/* None. */
struct token_rules token_rules_none(void);
bool token_rules_any(const struct token_rules *r);
void token_rules_release(struct token_rules *r);
/* HONE_BAD_MODEL: a token that the vocabulary does not have. path: of the file. */
enum hone_status token_rules_check(const struct token_rules *r, size_t n_vocab, const char *path,
                                   struct hone_error *err);

/* A text on its way. */
struct rules_text {
    const int32_t *ids;     /* [n] of which n_given were given */
    size_t n, n_given, max; /* max: that it may have */
    const int32_t *source;  /* [n_source] what the encoder read */
    size_t n_source;
    const int32_t *ends; /* [n_ends] tokens that end it */
    size_t n_ends;
    int32_t first; /* instead of the rules' own; -1: as these say */
};

/* scores: [n_vocab] logits, or their logarithms of probabilities; tokens that must not come get -infinity, and one that
 * must come 0. */
void token_rules_apply(const struct token_rules *r, const struct rules_text *t, float *scores,
                       size_t n_vocab);

#endif
