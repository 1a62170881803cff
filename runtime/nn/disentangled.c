#include "runtime/nn/disentangled.h"

#include "runtime/base/thread_pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Queries whose scores get their bias at once. */
#define CHUNK 64

/* ---- buckets ---- */

/* Rows for one direction. */
static size_t span(const struct hparams *hp)
{
    return hp->near_distances ? hp->near_distances : hp->max_distance;
}

size_t disentangled_rows(const struct hparams *hp)
{
    return 2 * span(hp);
}

/* One by one up to half of near_distances, then the others grow up to max_distance. In float32, as PyTorch does. */
static int32_t bucket(size_t distance, const struct hparams *hp)
{
    size_t mid = hp->near_distances / 2;
    if (hp->near_distances == 0 || distance <= mid)
        return (int32_t)distance;
    float place =
        logf((float)distance / (float)mid) / logf((float)((double)(hp->max_distance - 1) / (double)mid));
    float most = (float)span(hp); /* what is further is cut off there in any case */
    place = ceilf(place * (float)(mid - 1)) + (float)mid;
    return place < most ? (int32_t)place : (int32_t)most;
}

void disentangled_buckets(int32_t *out, const struct hparams *hp, size_t longest)
{
    int32_t half = (int32_t)span(hp);
    for (size_t i = 0; i < longest; i++) {
        int32_t b = bucket(i, hp);
        out[longest - 1 + i] = b < half ? half + b : 2 * half - 1;
        out[longest - 1 - i] = b < half ? half - b : 0;
    }
}

/* ---- keys and queries of buckets ---- */

struct preparation {
    struct net *m;
    const float *rows; /* [distances, n_embd] */
    bool *failed;
};

/* In bfloat16 where attention is: beside products of bytes, where the processor has such products. */
static bool is_bf16(const struct net *m)
{
    const struct kernels *k = m->kernels;
    return k->attention_bf16 != k->attention && m->attention == k->attention_bf16;
}

static size_t panel_of(const struct net *m)
{
    return is_bf16(m) ? m->kernels->panel_bf16 : m->kernels->panel_f32;
}

/* Floats of a panel's row; an element of bfloat16 takes half of one, and they lie in pairs. */
static size_t depth_of(const struct net *m)
{
    return is_bf16(m) ? (m->hp.head_dim + 1) / 2 : m->hp.head_dim;
}

static size_t head_floats(const struct net *m)
{
    size_t panel = panel_of(m), n = disentangled_rows(&m->hp);
    return (n + panel - 1) / panel * panel * depth_of(m);
}

/* A head's panels, of columns of x. room: as many elements as x has. */
static void pack_head(const struct net *m, float *to, const float *x, size_t ld, uint16_t *room)
{
    const struct kernels *k = m->kernels;
    size_t n = disentangled_rows(&m->hp), dim = m->hp.head_dim;
    if (!is_bf16(m)) {
        k->pack_f32(to, x, ld, n, dim);
        return;
    }
    for (size_t i = 0; i < n; i++)
        k->f32_to_bf16(room + i * dim, x + i * ld, dim);
    k->pack_bf16((uint16_t *)to, room, dim, n, dim);
}

/* rows times a layer's matrix, in packed panels for each head. NULL: no memory. */
static float *through(const struct net *m, const float *rows, const struct dense_part *part)
{
    const struct kernels *k = m->kernels;
    const struct quant_type *type = part->weight->type;
    size_t n = disentangled_rows(&m->hp), n_embd = m->hp.n_embd, dim = m->hp.head_dim,
           width = m->hp.n_heads * dim;
    size_t panels = (width + k->panel_f32 - 1) / k->panel_f32 * k->panel_f32;
    size_t n_weight = width * n_embd > n * dim ? width * n_embd : n * dim;
    float *weight = malloc(n_weight * sizeof *weight), *out = malloc(n * width * sizeof *out);
    float *bias = calloc(width, sizeof *bias),
          *packed = aligned_alloc(64, (panels * n_embd * sizeof *packed + 63) / 64 * 64);
    float *heads = aligned_alloc(64, (m->hp.n_heads * head_floats(m) * sizeof *heads + 63) / 64 * 64);
    if (weight && out && bias && packed && heads) {
        type->dequantize(weight, part->weight->data, width * n_embd);
        if (part->bias)
            part->bias->type->dequantize(bias, part->bias->data, width);
        k->pack_f32(packed, weight, n_embd, width, n_embd);
        k->gemm_f32(out, width, rows, n_embd, packed, bias, n, width, n_embd);
        for (size_t head = 0; head < m->hp.n_heads; head++)
            pack_head(m, heads + head * head_floats(m), out + head * dim, width, (uint16_t *)weight);
    } else {
        free(heads);
        heads = NULL;
    }
    free(weight);
    free(out);
    free(bias);
    free(packed);
    return heads;
}

/* Item 2 i is layer i's keys, 2 i + 1 its queries. */
static void prepare_piece(const void *arg, struct work_range items)
{
    const struct preparation *p = arg;
    const struct hparams *hp = &p->m->hp;
    for (size_t i = items.first; i < items.end; i++) {
        struct layer *l = &p->m->weights.layers[i / 2];
        bool is_query = i % 2 != 0;
        const struct dense_part *part = &(is_query ? l->pos_q : l->pos_k).parts[0];
        if (!hp->own_positions)
            part = &l->qkv.parts[is_query ? 0 : 1];
        float **to = is_query ? &l->query_of_distance : &l->key_of_distance;
        if (!(is_query ? hp->meets_query : hp->meets_key))
            continue;
        *to = through(p->m, p->rows, part);
        p->failed[i] = !*to;
    }
}

static enum hone_status own(struct net *m, float **p, struct hone_error *err)
{
    if (!*p || gguf_own_memory(m->gguf, *p))
        return HONE_OK;
    free(*p);
    *p = NULL;
    return hone_no_memory(err, "keys of distances", m->hp.n_heads * head_floats(m) * sizeof **p);
}

enum hone_status disentangled_prepare(struct net *m, int n_threads, struct hone_error *err)
{
    size_t n = disentangled_rows(&m->hp), n_embd = m->hp.n_embd, n_items = 2 * m->hp.n_layers;
    if (!m->weights.distance_embd)
        return HONE_OK;
    float *rows = malloc(n * n_embd * sizeof *rows);
    bool *failed = calloc(n_items, sizeof *failed);
    enum hone_status status = HONE_OK;
    if (rows && failed) {
        memcpy(rows, m->weights.distance_embd, n * n_embd * sizeof *rows);
        encoder_norm(m, &m->weights.distance_norm, rows, rows, n, n_threads);
        thread_pool_run(n_threads, n_items, n_items, prepare_piece, &(struct preparation){m, rows, failed});
    }
    bool made = rows && failed;
    for (size_t i = 0; i < n_items && made; i++)
        made = !failed[i];
    for (size_t i = 0; i < n_items; i++) {
        struct layer *l = &m->weights.layers[i / 2];
        enum hone_status kept = own(m, i % 2 ? &l->query_of_distance : &l->key_of_distance, err);
        status = status == HONE_OK ? kept : status;
    }
    if (!made)
        status = hone_no_memory(err, "keys of distances", n * n_embd * sizeof *rows);
    free(rows);
    free(failed);
    return status;
}

/* ---- attention ---- */

/* A head of a sequence. */
struct one_head {
    const struct encoder *e;
    const float *keys_of, *queries_of; /* panels of buckets; or NULL */
    const int32_t *buckets;            /* of distance 0 */
    size_t n, first, n_buckets; /* tokens; the buckets that they need, of which the first begins a panel */
    float *by_query,
        *by_key;   /* [n, n_buckets]: products of queries with keys of buckets, and the other way */
    float *bias;   /* [CHUNK, n] */
    float *narrow; /* room for CHUNK rows of bfloat16 */
    float scale;
};

size_t disentangled_scratch(const struct net *m, size_t longest)
{
    size_t kernel = (m->kernels->attention_scratch(longest, m->hp.head_dim) + 15) / 16 * 16;
    size_t n_buckets = disentangled_rows(&m->hp) + panel_of(m);
    n_buckets = 2 * longest + panel_of(m) < n_buckets ? 2 * longest + panel_of(m) : n_buckets;
    return kernel + 2 * longest * n_buckets + CHUNK * longest + CHUNK * (m->hp.head_dim + 1);
}

/* Products of rows first up to first + n with the buckets low up to high, of which no others are needed. */
static void meet_rows(const struct one_head *h, const float *rows, size_t ld, const float *panels, float *out,
                      size_t first, size_t n, size_t low, size_t high)
{
    const struct net *m = h->e->m;
    const struct kernels *k = m->kernels;
    size_t panel = panel_of(m), from = low / panel * panel, dim = m->hp.head_dim, wide = (dim + 1) / 2 * 2;
    const float *x = rows + first * ld;
    float *to = out + first * h->n_buckets + from - h->first;
    panels += from * depth_of(m);
    if (!is_bf16(m)) {
        k->gemm_f32(to, h->n_buckets, x, ld, panels, NULL, n, high + 1 - from, dim);
        return;
    }
    uint16_t *narrow = (uint16_t *)h->narrow;
    for (size_t i = 0; i < n; i++) {
        narrow[i * wide + wide - 1] = 0;
        k->f32_to_bf16(narrow + i * wide, x + i * ld, dim);
    }
    k->gemm_bf16(to, h->n_buckets, narrow, wide, (const uint16_t *)panels, NULL, n, high + 1 - from, dim);
}

/* Both products. A run of queries stands from n - 1 tokens before a key to so many behind one as its last has before it;
 * for a run of keys it is the other way round. */
static void meet_buckets(struct one_head *h, const struct attention_args *args, float *scratch)
{
    size_t reach = h->n - 1, panel = panel_of(h->e->m);
    h->first = (size_t)h->buckets[-(ptrdiff_t)reach] / panel * panel;
    h->n_buckets = (size_t)h->buckets[reach] + 1 - h->first;
    h->by_query = scratch;
    h->by_key = h->by_query + h->n * h->n_buckets;
    h->bias = h->by_key + h->n * h->n_buckets;
    h->narrow = h->bias + CHUNK * h->n;
    for (size_t i = 0; i < h->n; i += CHUNK) {
        size_t n = h->n - i < CHUNK ? h->n - i : CHUNK, last = i + n - 1;
        ptrdiff_t before = (ptrdiff_t)(reach - i), behind = (ptrdiff_t)last;
        if (h->keys_of)
            meet_rows(h, args->q, args->ld_q, h->keys_of, h->by_query, i, n, (size_t)h->buckets[-before],
                      (size_t)h->buckets[behind]);
        if (h->queries_of)
            meet_rows(h, args->k, args->ld_kv, h->queries_of, h->by_key, i, n, (size_t)h->buckets[-behind],
                      (size_t)h->buckets[before]);
    }
}

/* The bias of query i's scores. */
static void fill_bias(const struct one_head *h, size_t i, float *out)
{
    const int32_t *bucket = h->buckets + i, first = (int32_t)h->first;
    const float *row = h->by_query + i * h->n_buckets, *key = h->by_key;
    float scale = h->scale;
    if (h->keys_of && h->queries_of)
        for (size_t j = 0; j < h->n; j++, key += h->n_buckets) {
            int32_t b = bucket[-(ptrdiff_t)j] - first;
            out[j] = scale * (row[b] + key[b]);
        }
    else if (h->keys_of)
        for (size_t j = 0; j < h->n; j++)
            out[j] = scale * row[bucket[-(ptrdiff_t)j] - first];
    else
        for (size_t j = 0; j < h->n; j++, key += h->n_buckets)
            out[j] = scale * key[bucket[-(ptrdiff_t)j] - first];
}

static void attend_head(struct one_head *h, struct attention_args *args)
{
    size_t kernel = (h->e->m->kernels->attention_scratch(h->e->longest, args->head_dim) + 15) / 16 * 16;
    const float *q = args->q;
    float *out = args->out;
    meet_buckets(h, args, args->scratch + kernel);
    args->bias = h->bias;
    args->ld_bias = (ptrdiff_t)h->n;
    for (size_t i = 0; i < h->n; i += CHUNK) {
        args->n_q = h->n - i < CHUNK ? h->n - i : CHUNK;
        for (size_t r = 0; r < args->n_q; r++)
            fill_bias(h, i + r, h->bias + r * h->n);
        args->q = q + i * args->ld_q;
        args->out = out + i * args->ld_out;
        h->e->m->attention(args);
    }
}

struct call {
    const struct encoder *e;
    const struct layer *l;
};

static void attend_piece(const void *arg, struct work_range piece)
{
    const struct call *c = arg;
    const struct encoder *e = c->e;
    size_t per_head = head_floats(e->m);
    for (size_t task = piece.first; task < piece.end; task++) {
        size_t head = task % e->m->hp.n_heads;
        struct attention_args args =
            attention_of(e, task, e->ws->scratch + piece.thread * e->ws->scratch_size);
        struct one_head h = {
            .e = e, .n = args.n_q, .scale = args.scale, .buckets = e->buckets + e->longest - 1};
        h.keys_of = c->l->key_of_distance ? c->l->key_of_distance + head * per_head : NULL;
        h.queries_of = c->l->query_of_distance ? c->l->query_of_distance + head * per_head : NULL;
        attend_head(&h, &args);
    }
}

void attend_disentangled(const struct encoder *e, const struct layer *l)
{
    size_t n_tasks = e->b->n_seqs * e->m->hp.n_heads;
    thread_pool_run(e->ws->n_threads, n_tasks, n_tasks, attend_piece, &(struct call){e, l});
}
