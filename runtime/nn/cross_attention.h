/* Attention over what an encoder made of its input. Its keys and values never change, so they lie in the panels that
 * kernels->gemm_f32 reads, or these as binary16: all queries of a step over one input (the beams of a search, a forced
 * beginning) meet them in one product a head. */
#ifndef RUNTIME_NN_CROSS_ATTENTION_H
#define RUNTIME_NN_CROSS_ATTENTION_H

#include "runtime/nn/encoder_output.h"

/* Bytes of one layer's keys and values of n tokens; type: KV_F32 or KV_F16. */
size_t cross_size(const struct net *m, enum kv_type type, size_t n);

/* Packs one head. kv: [n, 2 * n_heads * head_dim], a token's keys, then its values; packed: cross_size, 64-byte
 * aligned; room: cross_pack_room floats, likewise. */
size_t cross_pack_room(const struct net *m, size_t n);
void cross_pack(const struct net *m, enum kv_type type, const float *kv, size_t n, size_t head, void *packed,
                float *room);

/* Floats of a thread's scratch that cross_attend needs. */
size_t cross_scratch(const struct net *m, struct encoder_output *const *sources, size_t n);

/* out: [n_tokens, n_heads * head_dim]: attention of q, likewise, over the sources of the tokens' sequences. Neighbours
 * in the batch that have the same source go together. */
void cross_attend(const struct net *m, const struct batch *b, struct encoder_output *const *sources,
                  size_t i_layer, const float *q, float *out, struct workspace *ws);

#endif
