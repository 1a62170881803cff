#include "runtime/encoder.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static void read_embedding(const struct embedding *e, size_t row, float *dst, size_t n)
{
    const struct quant_type *type = e->table->type;
    const char *data = e->table->data;
    type->dequantize(dst, data + row * (n / type->block_len) * type->block_size, n);
}

static size_t sequence_of(const struct batch *b, size_t token)
{
    size_t low = 0, high = b->n_seqs;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        *(b->seq_start[mid] <= token ? &low : &high) = mid;
    }
    return low;
}

void embed_tokens(const struct model *m, const struct batch *b, size_t position_offset, float *out,
                  int n_threads)
{
    const struct weights *w = &m->weights;
    size_t n = m->hp.n_embd;
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (size_t t = 0; t < b->n_tokens; t++) {
        float *x = out + t * n;
        read_embedding(&w->token_embd, (size_t)b->ids[t], x, n);
        if (w->type_embd)
            m->kernels->add(x, w->type_embd + b->type_ids[t] * n, n);
        if (w->position_embd) {
            size_t position = t - b->seq_start[sequence_of(b, t)] + position_offset;
            m->kernels->add(x, w->position_embd + position * n, n);
        }
    }
}

void norm_rows(const struct model *m, const struct norm *norm, float *x, size_t n_rows, int n_threads)
{
    size_t n = m->hp.n_embd;
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (size_t i = 0; i < n_rows; i++)
        m->kernels->layer_norm(x + i * n, x + i * n, norm->gamma, norm->beta, n, m->hp.norm_eps);
}

void attend(const struct model *m, const struct batch *b, const float *qkv, float *out, struct workspace *ws)
{
    size_t n_heads = m->hp.n_heads, head_dim = m->hp.head_dim, width = n_heads * head_dim;
#pragma omp parallel for schedule(dynamic) num_threads(ws->n_threads) if (ws->n_threads > 1)
    for (size_t task = 0; task < b->n_seqs * n_heads; task++) {
        size_t seq = task / n_heads, head = task % n_heads, start = b->seq_start[seq];
        const float *q = qkv + start * 3 * width + head * head_dim;
        struct attention_args args = {
            .out = out + start * width + head * head_dim,
            .q = q,
            .k = q + width,
            .v = q + 2 * width,
            .ld_out = width,
            .ld_q = 3 * width,
            .ld_kv = 3 * width,
            .n_q = b->seq_start[seq + 1] - start,
            .n_k = b->seq_start[seq + 1] - start,
            .head_dim = head_dim,
            .scale = 1 / sqrtf((float)head_dim),
            .scratch =
                ws->scratch + (ws->n_threads > 1 ? (size_t)omp_get_thread_num() : 0) * ws->scratch_size,
        };
        m->kernels->attention(&args);
    }
}

void pool(const struct model *m, enum pooling pooling, const float *hidden, size_t n_rows, float *out)
{
    size_t n = m->hp.n_embd;
    const float *row = pooling == POOL_LAST ? hidden + (n_rows - 1) * n : hidden;
    memcpy(out, row, n * sizeof *out);
    if (pooling != POOL_MEAN)
        return;
    for (size_t i = 1; i < n_rows; i++)
        m->kernels->add(out, hidden + i * n, n);
    m->kernels->scale(out, 1.0f / (float)n_rows, n);
}

void normalize(const struct kernels *k, float *x, size_t n)
{
    float norm = sqrtf(k->dot(x, x, n));
    k->scale(x, 1 / (norm > 1e-12f ? norm : 1e-12f), n);
}
