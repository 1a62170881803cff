/* Layers that go over a sequence token by token and carry on what they know of it in a state of fixed size, where attention
 * looks at all tokens again:
 *
 * - a gated short convolution (LFM2): y = c * conv(b * x) over the last few tokens of each channel;
 * - the scan of a state-space model (Dao and Gu, Mamba 2, 2024, arXiv:2405.21060), behind a convolution;
 * - its forerunner (Gu and Dao, Mamba, 2023, arXiv:2312.00752), whose channels are not in heads and decay each for itself;
 * - a gated delta rule (Yang, Kautz, Hatamizadeh, 2024, arXiv:2412.06464), likewise.
 *
 * Mamba 2 and the delta rule are one recurrence of matrices (kernels->recurrence), Mamba one of vectors
 * (kernels->selective_scan). It is computed token by token, not in the chunks that
 * papers write of: a chunk's sums would depend on where it begins, so that a text's bits would depend on the pieces in which
 * it came. Panels of a head's state that stay in the first-level cache for all tokens of a piece make up for most of it.
 *
 * A sequence's state, for each recurrent layer from layer.state_at on: rows [conv_len - 1, channels] that the convolution
 * still sees, then each head's panels, or those of the channels, each part from a multiple of 16 floats on. */
#ifndef RUNTIME_NN_RECURRENT_RECURRENT_H
#define RUNTIME_NN_RECURRENT_RECURRENT_H

#include "runtime/nn/decoder/decoder.h"

/* ---- sizes ---- */

#define MAX_CONV        32 /* tokens that the convolution sees, whose rows stand on the stack; models have 3 or 4 */
#define MAX_STATE_HEADS 1024 /* what the families' tables let through */

size_t recurrent_channels(const struct net *m);   /* that the convolution is over */
size_t recurrent_in_width(const struct net *m);   /* of what layers make of their input */
size_t recurrent_layer_size(const struct net *m); /* floats of a layer's state */
size_t recurrent_state_size(const struct net *m); /* of all layers'; 0: none recurs */
size_t recurrent_scratch(const struct net *m);    /* of a thread */

/* Blocks of workspace, [n_tokens, ...]. */
struct recurrent_room {
    float *in, *mixed, *inner, *gates;
};
void recurrent_list(const struct net *m, struct workspace_list *list, struct recurrent_room *room);

/* ---- a layer ---- */

/* y = what the recurrence makes of x [n_tokens, n_embd], plus the residual where it is not NULL; y may be x. With a cache its
 * sequences' states go on (kv_seq_state, kv_seq_stops); without, each begins with zeros. */
void recurrent_forward(const struct net *m, const struct decoder_call *call, const struct layer *l,
                       const struct recurrent_room *room, const float *x, const float *residual, float *y,
                       struct workspace *ws);

#endif
