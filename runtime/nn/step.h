/* One step of a causal model: some tokens of several sequences through it at once, and the logits that follow them. */
#ifndef RUNTIME_NN_STEP_H
#define RUNTIME_NN_STEP_H

#include "runtime/nn/decoder.h"

/* Prompts go through in pieces of so many tokens, together with the single tokens of other sequences. */
#define STEP_TOKENS 512

struct step_seq {
    struct kv_seq *kv;
    const int32_t *ids; /* [n] that follow what kv holds */
    size_t n;
    struct source *source; /* encoded; NULL where the model has no encoder */
    size_t n_logits;       /* of how many of the last of them logits are wanted */
};

/* The tokens go into the sequences, which are of model->kv. logits: [sum of n_logits, n_vocab], in order. HONE_FAILED: no
 * memory, or the cache has no room. */
enum hone_status step_run(struct hone_model *model, const struct step_seq *seqs, size_t n_seqs, float *logits,
                          struct hone_error *err);

/* How keys and values are held. */
enum kv_type step_kv_type(const struct hone_model *model);

/* model->kv with room for n_tokens in n_seqs sequences beside those that there are, as far as options.kv_tokens allows
 * it. HONE_USAGE: it never will. */
enum hone_status step_cache(struct hone_model *model, size_t n_tokens, size_t n_seqs, struct hone_error *err);
/* Tokens that model->kv may ever hold; SIZE_MAX: as many as there is memory for. */
size_t step_cache_limit(const struct hone_model *model);

/* HONE_USAGE where the model does not predict tokens. */
enum hone_status step_check(const struct hone_model *model, struct hone_error *err);
/* HONE_USAGE where one of the ids is not in the vocabulary. */
enum hone_status step_check_ids(const struct hone_model *model, const int32_t *ids, size_t n,
                                struct hone_error *err);

#endif
