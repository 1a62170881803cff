/* One step of a causal model: some tokens of several sequences through it at once, and the logits that follow them. */
#ifndef RUNTIME_NN_STEP_H
#define RUNTIME_NN_STEP_H

#include "runtime/nn/decoder/decoder.h"

/* Prompts go through in pieces of so many tokens, together with the single tokens of other sequences. */
#define STEP_TOKENS 512

struct step_seq {
    struct kv_seq *kv;
    const int32_t *ids; /* [n] that follow what kv holds */
    size_t n;
    struct encoder_output *source; /* encoded; NULL where the model has no encoder */
    size_t n_logits;               /* of how many of the last of them logits are wanted */
};

/* What the steps of a decoder reuse, and the cache that they write. Calls on one must not overlap. */
struct stepper {
    const struct net *net;
    int n_threads;
    struct kv_shape shape; /* of the cache */
    size_t n_limit;        /* blocks that the cache may ever have; 0: as many as there is memory for */
    struct kv_cache *kv;   /* NULL: none was needed yet */

    struct workspace ws;
    struct batch batch;
    struct kv_seq **kvs;             /* [max_seqs] */
    struct encoder_output **sources; /* [max_seqs] */
    float *rows;                     /* hidden states whose logits are wanted */
    size_t max_tokens, max_seqs;
};

/* kv_tokens: for how many tokens the cache may have room; 0: as many as there is memory for. Nothing is allocated. */
void stepper_init(struct stepper *s, const struct net *net, int n_threads, enum kv_type type,
                  size_t kv_tokens);
void stepper_release(struct stepper *s);

/* The tokens go into the sequences, which are of s->kv. logits: [sum of n_logits, n_vocab], in order. HONE_FAILED: no
 * memory, or the cache has no room. */
enum hone_status step_run(struct stepper *s, const struct step_seq *seqs, size_t n_seqs, float *logits,
                          struct hone_error *err);

/* The shape of a cache of the net's keys and values. */
struct kv_shape step_kv_shape(const struct net *net, enum kv_type type);

/* s->kv with room for n_tokens in n_seqs sequences beside those that there are, as far as the limit allows it. HONE_USAGE:
 * it never will. */
enum hone_status step_cache(struct stepper *s, size_t n_tokens, size_t n_seqs, struct hone_error *err);
/* Tokens that s->kv may ever hold; SIZE_MAX: as many as there is memory for. */
size_t step_cache_limit(const struct stepper *s);

/* What a sequence in s->kv of n tokens in all is to be made with: sequences share what they have in common only where it is
 * computed alike. One that grows until this changes must be read anew (LongRoPE; transformers does the same). */
uint64_t step_salt(const struct net *net, size_t n);

/* HONE_USAGE where one of the ids is not in the vocabulary: hp.n_vocab, or of what an encoder reads hp.n_input_vocab. */
enum hone_status step_check_ids(size_t n_vocab, const int32_t *ids, size_t n, struct hone_error *err);

#endif
