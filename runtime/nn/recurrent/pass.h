/* A pass through a layer that recurs, for its parts: what is computed, and where it lies. */
#ifndef RUNTIME_NN_RECURRENT_PASS_H
#define RUNTIME_NN_RECURRENT_PASS_H

#include "runtime/base/thread_pool.h"
#include "runtime/nn/recurrent/recurrent.h"

struct recurrent_pass {
    const struct net *m;
    const struct decoder_call *call;
    const struct layer *l;
    const struct recurrent_room *room;
    const struct workspace *ws;
    size_t n_channels, in_width;
    size_t conv_at, gate_at; /* in a row of room->in: what goes through the convolution, and the gate */
};

/* out [n_rows, n_out] = d in; nothing where the layer has no such matrix. */
void recurrent_multiply(const struct dense *d, const float *in, size_t ld, float *out, size_t n_rows,
                        struct workspace *ws);

/* ---- selective.c: Mamba's scan of channels ---- */

size_t selective_panels(const struct net *m);     /* that a state has */
size_t selective_panel_size(const struct net *m); /* floats of one */
size_t selective_width(const struct net *m);      /* of a row of room->gates: times in a lower rank, B, C */

/* What was convolved [n_tokens, n_channels] makes times, B and C; the times lie where results come. */
void selective_prepare(const struct recurrent_pass *p, struct workspace *ws);
/* What the tokens from `first` on do to the state of a panel of channels. */
void selective_run(const struct recurrent_pass *p, size_t first, size_t n_tokens, size_t panel, float *state);

#endif
