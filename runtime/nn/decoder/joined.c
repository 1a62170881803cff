/* Layers of Zamba 2 (Zyphra, 2024, arXiv:2411.15242): all recur, and before some of them comes a block of attention and a feed-forward
 * layer, without residuals, which reads what the layer does and, beside it, the tokens' embeddings. What it makes is added to what the
 * recurrence reads, and to nothing else. */
#include "runtime/nn/decoder/pass.h"

#include <string.h>

void joined_list(struct decoder_pass *d, struct workspace_list *list)
{
    if (!d->m->arch->joined_blocks)
        return;
    workspace_add(list, &d->embedded, d->m->hp.n_embd);
    workspace_add(list, &d->joined, 2 * d->m->hp.n_embd);
}

void joined_start(const struct decoder_pass *d, const float *x)
{
    if (d->embedded)
        memcpy(d->embedded, x, d->b->n_tokens * d->m->hp.n_embd * sizeof *x);
}

/* d->normed = x + what the block makes. */
static void run_block(struct decoder_pass *d, const struct layer *l, const float *x, float *y)
{
    const struct net *m = d->m;
    const size_t n = d->b->n_tokens, n_embd = m->hp.n_embd;
    for (size_t t = 0; t < n; t++) {
        memcpy(d->joined + 2 * t * n_embd, x + t * n_embd, n_embd * sizeof *x);
        memcpy(d->joined + (2 * t + 1) * n_embd, d->embedded + t * n_embd, n_embd * sizeof *x);
    }
    encoder_norm(m, &l->block_norm, d->joined, d->joined, n, d->ws->n_threads);
    decoder_attention(d, l, d->joined, (struct tail){NULL, NULL}, y);
    encoder_norm(m, &l->ffn_norm, y, y, n, d->ws->n_threads);
    encoder_feed_forward(&d->parts, l, y, NULL, NULL, y);
    struct dense_call out = {
        .in = y, .ld_in = n_embd, .out = d->normed, .ld_out = n_embd, .n_rows = n, .residual = x};
    dense_forward(&l->block_out, &out, d->ws);
}

void joined_layer(struct decoder_pass *d, const struct layer *l, const float *x, float *y)
{
    const float *in = x;
    if (l->attends) {
        run_block(d, l, x, y);
        in = d->normed;
    }
    encoder_norm(d->m, &l->attn_norm, in, y, d->b->n_tokens, d->ws->n_threads);
    recurrent_forward(d->m, d->call, l, &d->recurrent, y, x, y, d->ws);
}
