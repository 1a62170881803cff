#include "runtime/cross_attention.h"

#include "runtime/encoder.h"
#include "runtime/threads.h"

#include <omp.h>
#include <string.h>

#define ALIGN_FLOATS 16 /* panels begin at multiples of 64 bytes */
#define ROWS         16 /* queries that have scores at a time */

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* ---- packing ---- */

/* Floats of a head's keys [n, head_dim], as outputs of a product, and of its values, as inputs. */
static size_t keys_size(const struct model *m, size_t n)
{
    return round_up(round_up(n, m->kernels->panel_f32) * m->hp.head_dim, ALIGN_FLOATS);
}

static size_t values_size(const struct model *m, size_t n)
{
    return round_up(round_up(m->hp.head_dim, m->kernels->panel_f32) * n, ALIGN_FLOATS);
}

size_t cross_size(const struct model *m, size_t n)
{
    return m->hp.n_heads * (keys_size(m, n) + values_size(m, n));
}

/* v: [n, head_dim], stride ld. They are the transposed matrix's panels but for where a row ends. */
static void pack_values(const struct model *m, const float *v, size_t ld, size_t n, float *packed)
{
    const size_t panel = m->kernels->panel_f32, head_dim = m->hp.head_dim;
    for (size_t d = 0; d < head_dim; d += panel)
        for (size_t i = 0; i < n; i++, packed += panel) {
            const size_t width = head_dim - d < panel ? head_dim - d : panel;
            memcpy(packed, v + i * ld + d, width * sizeof *v);
            memset(packed + width, 0, (panel - width) * sizeof *v);
        }
}

void cross_pack(const struct model *m, const float *kv, size_t n, float *packed, int n_threads)
{
    const size_t n_heads = m->hp.n_heads, head_dim = m->hp.head_dim, width = n_heads * head_dim;
    const size_t n_keys = keys_size(m, n), size = n_keys + values_size(m, n);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (size_t head = 0; head < n_heads; head++) {
        const float *keys = kv + head * head_dim;
        m->kernels->pack_f32(packed + head * size, keys, 2 * width, n, head_dim);
        pack_values(m, keys + width, 2 * width, n, packed + head * size + n_keys);
    }
}

/* ---- attention ---- */

size_t cross_scratch(struct source *const *sources, size_t n)
{
    size_t longest = 1;
    for (size_t i = 0; i < n; i++)
        longest = sources[i]->n > longest ? sources[i]->n : longest;
    return ROWS * round_up(longest, ALIGN_FLOATS);
}

/* Rows of the batch over one source. */
struct rows {
    const struct source *source;
    size_t first, n;
};

/* One head of the rows. q, out: of the first of them, stride `width`. */
static void attend(const struct model *m, const struct rows *rows, const float *packed, const float *q,
                   float *out, float *scores)
{
    const struct kernels *k = m->kernels;
    const size_t n = rows->source->n, head_dim = m->hp.head_dim, width = m->hp.n_heads * head_dim;
    const float scale = attention_scale(m), *values = packed + keys_size(m, n);
    for (size_t i = 0, n_rows; i < rows->n; i += n_rows) {
        n_rows = rows->n - i < ROWS ? rows->n - i : ROWS;
        k->gemm_f32(scores, n, q + i * width, width, packed, NULL, n_rows, n, head_dim);
        if (scale != 1)
            k->scale(scores, scale, n_rows * n);
        for (size_t r = 0; r < n_rows; r++)
            k->softmax(scores + r * n, n);
        k->gemm_f32(out + i * width, width, scores, n, values, NULL, n_rows, head_dim, n);
    }
}

/* Those from the first token of sequence s on. */
static struct rows rows_of(const struct batch *b, struct source *const *sources, size_t s)
{
    size_t end = s + 1;
    while (end < b->n_seqs && sources[end] == sources[s])
        end++;
    return (struct rows){sources[s], b->seq_start[s], b->seq_start[end] - b->seq_start[s]};
}

static size_t n_products(const struct batch *b, struct source *const *sources)
{
    size_t n = 0;
    for (size_t s = 0; s < b->n_seqs; s++)
        n += (b->seq_start[s + 1] - b->seq_start[s]) * sources[s]->n;
    return n;
}

void cross_attend(const struct model *m, const struct batch *b, struct source *const *sources, size_t i_layer,
                  const float *q, float *out, struct workspace *ws)
{
    const size_t n_heads = m->hp.n_heads, head_dim = m->hp.head_dim, width = n_heads * head_dim;
    const int n_threads = threads_for(ws->n_threads, n_products(b, sources) * width);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (size_t i = 0; i < b->n_seqs * n_heads; i++) {
        const size_t s = i / n_heads, head = i % n_heads, size = cross_size(m, sources[s]->n);
        if (s > 0 && sources[s - 1] == sources[s])
            continue;
        const struct rows rows = rows_of(b, sources, s);
        const size_t at = rows.first * width + head * head_dim;
        float *scratch = ws->scratch + (n_threads > 1 ? (size_t)omp_get_thread_num() : 0) * ws->scratch_size;
        attend(m, &rows, sources[s]->kv + i_layer * size + head * (size / n_heads), q + at, out + at,
               scratch);
    }
}
