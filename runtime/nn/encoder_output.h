/* What an encoder made of its input, as the layers of the decoder behind it see it: their keys and values, computed once
 * for all that is decoded from it. */
#ifndef RUNTIME_NN_ENCODER_OUTPUT_H
#define RUNTIME_NN_ENCODER_OUTPUT_H

#include "kernels/kernels.h"
#include "runtime/nn/net.h"

struct stepper;

struct encoder_output {
    const int32_t *ids; /* [n], the caller's */
    size_t n;
    uint64_t
        serial; /* its own: decoder sequences share blocks of their cache only where their inputs have the same number */
    enum kv_type type; /* KV_F32 or KV_F16 */
    void *kv;          /* [n_decoder_layers] of cross_pack's keys and values; NULL: not encoded yet */
};

/* Encodes those of the sources that are not, several at once. HONE_FAILED: no memory; some may be encoded then. Release
 * each in any case. */
enum hone_status encoder_outputs_compute(struct stepper *stepper, struct encoder_output *const *sources,
                                         size_t n, struct hone_error *err);
void encoder_output_release(struct encoder_output *s);

/* Floats of workspace a token that this needs beside the encoder's: a layer's keys and values. m: what decodes. */
static inline size_t encoder_output_floats(const struct net *m)
{
    return 2 * m->hp.n_heads * m->hp.head_dim;
}

/* struct arch's workspace of a family with an encoder and a decoder behind it. */
size_t encoder_output_workspace(const struct net *m);

/* Tokens that an input may have: as many as there are positions, or any number. */
size_t encoder_output_longest(const struct net *m);

#endif
