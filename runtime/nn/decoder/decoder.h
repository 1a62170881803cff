/* The forward pass that causal families share: norms before each half of a layer (and after it where there are such),
 * rotary positions, grouped queries, a gated feed-forward layer. */
#ifndef RUNTIME_NN_DECODER_DECODER_H
#define RUNTIME_NN_DECODER_DECODER_H

#include "runtime/nn/encoder_output.h"
#include "runtime/nn/kv/kv.h"
#include "runtime/nn/net.h"

/* The salt of a sequence in the cache whose tokens are rotated as those of a long one (LongRoPE). */
#define LONG_SALT UINT64_MAX

/* New tokens of some sequences. With a cache they see what is committed there, too, and leave their keys and values
 * behind; the caller reserved room for them and commits it. Without one every sequence is whole. */
struct decoder_call {
    const struct batch *batch;
    struct kv_cache *cache;                /* or NULL */
    struct kv_seq *const *seqs;            /* [n_seqs] */
    struct encoder_output *const *sources; /* [n_seqs], of a decoder behind an encoder; */
    const float
        *encoded; /* or, without a cache, what the encoder made of the same sequences: [n_tokens, n_embd] */
};

/* Floats of workspace a token, and of a thread's scratch with a cache; n_keys: the most that a query sees. */
size_t decoder_workspace(const struct net *m);
size_t decoder_scratch(const struct net *m, size_t n_keys);

/* The last hidden states [n_tokens, n_embd], normed, in the workspace. */
float *decoder_hidden(const struct net *m, const struct decoder_call *call, struct workspace *ws);

/* struct arch's functions: without a cache. */
size_t decoder_batch_scratch(const struct net *m, size_t longest);
float *decoder_forward(const struct net *m, const struct batch *b, struct workspace *ws);

/* rows: hidden states, with room for decoder_head_floats a row. out: [n_rows, n_vocab]; of a model with a head of labels
 * [n_rows, n_labels]. Uses ws->bytes. */
size_t decoder_head_floats(const struct net *m);
void decoder_logits(const struct net *m, float *rows, size_t n_rows, float *out, struct workspace *ws);

#endif
