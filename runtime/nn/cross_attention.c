#include "runtime/nn/cross_attention.h"

#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/encoder.h"

#include <string.h>

#define ALIGN 32   /* elements: panels begin at multiples of 64 bytes, of either type */
#define ROWS  16   /* queries that have scores at a time */
#define ROOM  4096 /* floats that halves become at a time, or one panel */

/* ---- packing ---- */

/* Elements of a head's keys [n, head_dim], as outputs of a product, and of its values, as inputs. */
static size_t keys_size(const struct net *m, size_t n)
{
    return round_up(round_up(n, m->kernels->panel_f32) * m->hp.head_dim, ALIGN);
}

static size_t values_size(const struct net *m, size_t n)
{
    return round_up(round_up(m->hp.head_dim, m->kernels->panel_f32) * n, ALIGN);
}

static size_t head_size(const struct net *m, size_t n)
{
    return keys_size(m, n) + values_size(m, n);
}

static size_t element_size(enum kv_type type)
{
    return type == KV_F16 ? sizeof(uint16_t) : sizeof(float);
}

size_t cross_size(const struct net *m, enum kv_type type, size_t n)
{
    return m->hp.n_heads * head_size(m, n) * element_size(type);
}

/* v: [n, head_dim], stride ld. They are the transposed matrix's panels but for where a row ends. */
static void pack_values(const struct net *m, const float *v, size_t ld, size_t n, float *packed)
{
    const size_t panel = m->kernels->panel_f32, head_dim = m->hp.head_dim;
    for (size_t d = 0; d < head_dim; d += panel)
        for (size_t i = 0; i < n; i++, packed += panel) {
            const size_t width = head_dim - d < panel ? head_dim - d : panel;
            memcpy(packed, v + i * ld + d, width * sizeof *v);
            memset(packed + width, 0, (panel - width) * sizeof *v);
        }
}

/* keys: of the head, behind which its values come. What is between the two parts and behind them is zero. */
static void pack_head(const struct net *m, const float *keys, size_t n, float *packed)
{
    const size_t width = m->hp.n_heads * m->hp.head_dim;
    memset(packed, 0, head_size(m, n) * sizeof *packed);
    m->kernels->pack_f32(packed, keys, 2 * width, n, m->hp.head_dim);
    pack_values(m, keys + width, 2 * width, n, packed + keys_size(m, n));
}

size_t cross_pack_room(const struct net *m, size_t n)
{
    return head_size(m, n);
}

void cross_pack(const struct net *m, enum kv_type type, const float *kv, size_t n, size_t head, void *packed,
                float *room)
{
    const size_t size = head_size(m, n);
    const float *keys = kv + head * m->hp.head_dim;
    if (type == KV_F16) {
        pack_head(m, keys, n, room);
        m->kernels->f32_to_f16((uint16_t *)packed + head * size, room, size);
    } else {
        pack_head(m, keys, n, (float *)packed + head * size);
    }
}

/* ---- attention ---- */

size_t cross_scratch(const struct net *m, struct encoder_output *const *sources, size_t n)
{
    size_t longest = m->hp.head_dim;
    for (size_t i = 0; i < n; i++)
        longest = sources[i]->n > longest ? sources[i]->n : longest;
    const size_t panel = m->kernels->panel_f32 * longest;
    return round_up(ROWS * longest, ALIGN) + (panel > ROOM ? panel : ROOM);
}

/* Panels [n_out, n_in] of a head, `at` elements behind its start. */
struct cross_matrix {
    const void *head;
    enum kv_type type;
    size_t at, n_out, n_in;
};

/* c = a b^T for n rows; room: for halves. */
static void multiply(const struct kernels *k, const struct cross_matrix *b, const float *a, size_t ld_a,
                     float *c, size_t ld_c, size_t n, float *room)
{
    const size_t panel = k->panel_f32, most = ROOM / (panel * b->n_in);
    const size_t step = b->type == KV_F32 ? round_up(b->n_out, panel) : most > 0 ? most * panel : panel;
    for (size_t i = 0; i < b->n_out; i += step) {
        const size_t n_out = b->n_out - i < step ? b->n_out - i : step, at = b->at + i * b->n_in;
        const float *panels = room;
        if (b->type == KV_F32)
            panels = (const float *)b->head + at;
        else
            k->f16_to_f32(room, (const uint16_t *)b->head + at, round_up(n_out, panel) * b->n_in);
        k->gemm_f32(c + i, ld_c, a, ld_a, panels, NULL, n, n_out, b->n_in);
    }
}

/* Rows of the batch over one source. */
struct cross_rows {
    const struct encoder_output *source;
    size_t first, n;
};

/* One head of the rows. q, out: of the first of them, a row each `width` floats. */
static void attend(const struct net *m, const struct cross_rows *rows, const void *head, const float *q,
                   float *out, float *scratch)
{
    const struct kernels *k = m->kernels;
    const size_t n = rows->source->n, head_dim = m->hp.head_dim, width = m->hp.n_heads * head_dim;
    const struct cross_matrix keys = {head, rows->source->type, 0, n, head_dim};
    const struct cross_matrix values = {head, rows->source->type, keys_size(m, n), head_dim, n};
    const float scale = encoder_attention_scale(m);
    float *scores = scratch, *room = scratch + round_up(ROWS * n, ALIGN);
    for (size_t i = 0, n_rows; i < rows->n; i += n_rows) {
        n_rows = rows->n - i < ROWS ? rows->n - i : ROWS;
        multiply(k, &keys, q + i * width, width, scores, n, n_rows, room);
        if (scale != 1)
            k->scale(scores, scale, n_rows * n);
        for (size_t r = 0; r < n_rows; r++)
            k->softmax(scores + r * n, n);
        multiply(k, &values, scores, n, out + i * width, width, n_rows, room);
    }
}

/* Those from the first token of sequence s on. */
static struct cross_rows rows_of(const struct batch *b, struct encoder_output *const *sources, size_t s)
{
    size_t end = s + 1;
    while (end < b->n_seqs && sources[end] == sources[s])
        end++;
    return (struct cross_rows){sources[s], b->seq_start[s], b->seq_start[end] - b->seq_start[s]};
}

static size_t n_products(const struct batch *b, struct encoder_output *const *sources)
{
    size_t n = 0;
    for (size_t s = 0; s < b->n_seqs; s++)
        n += (b->seq_start[s + 1] - b->seq_start[s]) * sources[s]->n;
    return n;
}

struct cross {
    const struct net *m;
    const struct batch *b;
    struct encoder_output *const *sources;
    size_t i_layer;
    const float *q;
    float *out;
    struct workspace *ws;
};

/* An item is a head of a sequence. */
static void attend_heads(const void *arg, struct work_range items)
{
    const struct cross *c = arg;
    const size_t n_heads = c->m->hp.n_heads, head_dim = c->m->hp.head_dim, width = n_heads * head_dim;
    for (size_t i = items.first; i < items.end; i++) {
        const size_t s = i / n_heads, head = i % n_heads;
        if (s > 0 && c->sources[s - 1] == c->sources[s])
            continue;
        const struct encoder_output *source = c->sources[s];
        const struct cross_rows rows = rows_of(c->b, c->sources, s);
        const size_t at = rows.first * width + head * head_dim;
        const size_t size = cross_size(c->m, source->type, source->n);
        attend(c->m, &rows, (const char *)source->kv + c->i_layer * size + head * (size / n_heads), c->q + at,
               c->out + at, c->ws->scratch + items.thread * c->ws->scratch_size);
    }
}

void cross_attend(const struct net *m, const struct batch *b, struct encoder_output *const *sources,
                  size_t i_layer, const float *q, float *out, struct workspace *ws)
{
    const struct cross c = {m, b, sources, i_layer, q, out, ws};
    const size_t n = b->n_seqs * m->hp.n_heads, width = m->hp.n_heads * m->hp.head_dim;
    thread_pool_run(threads_for(ws->n_threads, n_products(b, sources) * width), n, 0, attend_heads, &c);
}
