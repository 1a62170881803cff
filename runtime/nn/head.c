#include "runtime/nn/head.h"

#include "runtime/base/assert.h"
#include "runtime/base/text.h"
#include "runtime/nn/encoder.h"

#include <math.h>
#include <string.h>

#define STEP_EPS 1e-5f /* of norms behind the layers, which are torch's own */

/* ---- pooling ---- */

static const char *const pooling_names[N_POOLINGS] = {
    [POOL_NONE] = "none",      [POOL_MEAN] = "mean",
    [POOL_CLS] = "cls",        [POOL_LAST] = "last",
    [POOL_RANK] = "none",      [POOL_MAX] = "max",
    [POOL_TOKENS] = "tokens",  [POOL_SPLADE] = "splade",
    [POOL_ROOT] = "root-mean", [POOL_WEIGHTED] = "weighted-mean"};

static bool makes_a_vector(enum pooling p)
{
    return p != POOL_NONE && p != POOL_RANK && p != POOL_TOKENS && p != POOL_SPLADE;
}

enum pooling pooling_by_name(struct hone_text name)
{
    for (enum pooling p = POOL_MEAN; p < N_POOLINGS; p++)
        if (makes_a_vector(p) && text_is(name, pooling_names[p]))
            return p;
    return N_POOLINGS;
}

const char *pooling_name(enum pooling pooling)
{
    return pooling_names[pooling];
}

static void max_of(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] > out[i] ? x[i] : out[i];
}

/* Row i counts i + 1 times; a prompt that is left out keeps its numbers. */
static void weighted_mean(const struct kernels *k, const struct pooled *in, float *out)
{
    size_t n = in->width;
    float sum = 0;
    memset(out, 0, n * sizeof *out);
    for (size_t i = in->n_skipped; i < in->n_rows; i++) {
        float weight = (float)(i + 1);
        const float *row = in->rows + i * n;
        for (size_t j = 0; j < n; j++)
            out[j] += weight * row[j];
        sum += weight;
    }
    k->scale(out, 1 / sum, n);
}

static void sum_of(const struct kernels *k, const struct pooled *in, float *out)
{
    memcpy(out, in->rows + in->n_skipped * in->width, in->width * sizeof *out);
    for (size_t i = in->n_skipped + 1; i < in->n_rows; i++)
        k->add(out, in->rows + i * in->width, in->width);
}

void head_pool(const struct kernels *k, enum pooling pooling, const struct pooled *in, float *out)
{
    size_t n = in->width, n_rows = in->n_rows - in->n_skipped;
    const float *first = in->rows + in->n_skipped * n;
    if (in->n_skipped >= in->n_rows) {
        memset(out, 0, n * sizeof *out);
    } else if (pooling == POOL_WEIGHTED) {
        weighted_mean(k, in, out);
    } else if (pooling == POOL_MEAN || pooling == POOL_ROOT) {
        sum_of(k, in, out);
        k->scale(out, 1 / (pooling == POOL_MEAN ? (float)n_rows : sqrtf((float)n_rows)), n);
    } else {
        memcpy(out, pooling == POOL_LAST ? in->rows + (in->n_rows - 1) * n : first, n * sizeof *out);
        for (size_t i = 1; i < n_rows && pooling == POOL_MAX; i++)
            max_of(out, first + i * n, n);
    }
}

void head_normalize(const struct kernels *k, float *x, size_t n)
{
    float norm = sqrtf(k->dot(x, x, n));
    k->scale(x, 1 / (norm > 1e-12f ? norm : 1e-12f), n);
}

/* ---- widths ---- */

/* What the steps make of a vector; the widest between them is at least *most. */
static size_t width_behind(const struct net *m, size_t first, size_t end, size_t width, size_t *most)
{
    for (size_t i = first; i < end; i++) {
        const struct head_step *s = &m->weights.steps[i];
        if (s->kind == STEP_DENSE)
            width = s->dense.n_out;
        *most = width > *most ? width : *most;
    }
    return width;
}

/* Of a token's vector, before pooling. */
static size_t token_width(const struct net *m)
{
    size_t most = 0;
    return width_behind(m, 0, m->weights.n_token_steps, m->hp.n_embd, &most);
}

size_t head_width(const struct net *m)
{
    size_t most = 0, n = token_width(m), n_steps = m->weights.n_steps;
    return width_behind(m, m->weights.n_token_steps, n_steps, n * m->hp.n_poolings, &most);
}

/* The widest of what passes through. */
static size_t widest(const struct net *m)
{
    size_t most = m->hp.n_embd > m->hp.n_labels ? m->hp.n_embd : m->hp.n_labels;
    size_t n = width_behind(m, 0, m->weights.n_token_steps, m->hp.n_embd, &most) * m->hp.n_poolings;
    most = n > most ? n : most;
    width_behind(m, m->weights.n_token_steps, m->weights.n_steps, n, &most);
    return most;
}

/* ---- steps ---- */

/* Of steps. */
static size_t step_floats(const struct net *m, size_t n_seqs, size_t n_tokens)
{
    size_t n_rows = m->weights.n_token_steps > 0 || m->hp.head_late ? n_seqs + n_tokens : n_seqs;
    return 3 * widest(m) * n_rows;
}

size_t head_floats(const struct net *m, size_t n_seqs, size_t n_tokens)
{
    size_t floats = step_floats(m, n_seqs, n_tokens);
    floats += n_tokens * (m->weights.lexical.n_out + m->weights.multi_vector.n_out);
    bool tells = m->hp.pooling == POOL_SPLADE || m->hp.head == HEAD_WORDS;
    size_t words = tells ? head_words_floats(m) : 0;
    return floats > words ? floats : words;
}

/* What the steps write to; each has room for the widest of all rows. */
struct buffers {
    float *x, *y, *spare;
};

static struct buffers buffers_at(const struct net *m, float *scratch, size_t n_rows)
{
    size_t size = n_rows * widest(m);
    return (struct buffers){scratch, scratch + size, scratch + 2 * size};
}

static void product(const struct dense *d, const float *in, float *out, size_t n_rows, enum activation act,
                    const float *added, struct workspace *ws)
{
    struct dense_call call = {.in = in,
                              .ld_in = d->n_in,
                              .out = out,
                              .ld_out = d->n_out,
                              .n_rows = n_rows,
                              .act = act,
                              .residual = added};
    dense_forward(d, &call, ws);
}

/* From b->x to b->y, which are exchanged. */
static void take_dense(const struct head_step *s, struct buffers *b, size_t n_rows, struct workspace *ws)
{
    const float *added = s->adds_input ? b->x : NULL;
    if (s->residual.n_parts > 0) {
        product(&s->residual, b->x, b->spare, n_rows, ACT_NONE, NULL, ws);
        added = b->spare;
    }
    product(&s->dense, b->x, b->y, n_rows, s->activation, added, ws);
    float *swap = b->x;
    b->x = b->y;
    b->y = swap;
}

/* Steps `first` up to `end` for rows of b.x: [n_rows, n]. */
static float *take_steps(const struct net *m, size_t first, size_t end, struct buffers b, size_t n_rows,
                         size_t n, struct workspace *ws)
{
    for (size_t i = first; i < end; i++) {
        const struct head_step *s = &m->weights.steps[i];
        ASSERT(s->kind != STEP_NORM || s->norm.n == n);
        if (s->kind == STEP_DENSE) {
            ASSERT(s->dense.n_in == n && s->dense.n_out <= widest(m));
            ASSERT(s->residual.n_parts == 0 ||
                   (s->residual.n_in == n && s->residual.n_out == s->dense.n_out));
            take_dense(s, &b, n_rows, ws);
            n = s->dense.n_out;
        }
        for (size_t row = 0; row < n_rows && s->kind == STEP_NORM; row++)
            m->kernels->layer_norm(b.x + row * n, b.x + row * n, s->norm.gamma, s->norm.beta, n, STEP_EPS);
        for (size_t row = 0; row < n_rows && s->kind == STEP_NORMALIZE; row++)
            head_normalize(m->kernels, b.x + row * n, n);
    }
    return b.x;
}

/* ---- all sequences ---- */

/* out: [n_seqs, n * width]; n poolings. */
static void pool_all(const struct net *m, const struct batch *b, const enum pooling *poolings, size_t n,
                     const float *rows, size_t width, float *out)
{
    for (size_t s = 0; s < b->n_seqs; s++) {
        struct pooled in = {.rows = rows + b->seq_start[s] * width,
                            .n_rows = b->seq_start[s + 1] - b->seq_start[s],
                            .n_skipped = b->n_skipped,
                            .width = width};
        for (size_t i = 0; i < n; i++)
            head_pool(m->kernels, poolings[i], &in, out + (s * n + i) * width);
    }
}

/* The row of each sequence's last token of that id, or where there is none, of its last one. out: [n_seqs, n_embd]. */
static void take_token(const struct net *m, const struct batch *b, const float *hidden, float *out)
{
    const size_t n = m->hp.n_embd;
    for (size_t s = 0; s < b->n_seqs; s++) {
        size_t first = b->seq_start[s], at = b->seq_start[s + 1];
        while (at > first && b->ids[at - 1] != m->hp.head_token)
            at--;
        const size_t row = at > first ? at - 1 : b->seq_start[s + 1] - 1;
        memcpy(out + s * n, hidden + row * n, n * sizeof *out);
    }
}

/* From hidden states through pooling and all steps; what tokens go through first has its buffers in front. */
static float *pool_and_step(const struct net *m, const struct batch *b, const enum pooling *poolings,
                            size_t n, const float *hidden, float *scratch, struct workspace *ws)
{
    size_t width = token_width(m), n_token_steps = m->weights.n_token_steps;
    struct buffers tokens = buffers_at(m, scratch, b->n_tokens);
    struct buffers seqs =
        buffers_at(m, scratch + (n_token_steps > 0 ? 3 * b->n_tokens * widest(m) : 0), b->n_seqs);
    if (n_token_steps > 0) {
        memcpy(tokens.x, hidden, b->n_tokens * m->hp.n_embd * sizeof *hidden);
        hidden = take_steps(m, 0, n_token_steps, tokens, b->n_tokens, m->hp.n_embd, ws);
    }
    pool_all(m, b, poolings, n, hidden, width, seqs.x);
    return take_steps(m, n_token_steps, m->weights.n_steps, seqs, b->n_seqs, n * width, ws);
}

float *head_embed(const struct net *m, const struct batch *b, enum pooling pooling, const float *hidden,
                  float *scratch, struct workspace *ws)
{
    bool own = pooling == POOL_NONE;
    const enum pooling *poolings = own ? m->hp.poolings : &pooling;
    if (m->hp.n_labels == 0)
        return pool_and_step(m, b, poolings, own ? m->hp.n_poolings : 1, hidden, scratch, ws);
    pool_all(m, b, poolings, 1, hidden, m->hp.n_embd, scratch); /* steps are those of a classifier */
    return scratch;
}

struct head_hybrid head_hybrid(const struct net *m, const struct batch *b, enum pooling pooling,
                               const float *hidden, float *scratch, struct workspace *ws)
{
    const struct dense *lexical = &m->weights.lexical, *vectors = &m->weights.multi_vector;
    struct head_hybrid out = {.dense = head_embed(m, b, pooling, hidden, scratch, ws)};
    float *weights = scratch + step_floats(m, b->n_seqs, b->n_tokens);
    if (lexical->n_parts > 0)
        product(lexical, hidden, out.weights = weights, b->n_tokens, ACT_RELU, NULL, ws);
    if (vectors->n_parts > 0)
        product(vectors, hidden, out.vectors = weights + b->n_tokens * lexical->n_out, b->n_tokens, ACT_NONE,
                NULL, ws);
    return out;
}

float *head_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                   struct workspace *ws)
{
    memcpy(scratch, hidden, b->n_tokens * m->hp.n_embd * sizeof *scratch);
    if (m->hp.pooling != POOL_TOKENS)
        return scratch;
    return take_steps(m, 0, m->weights.n_steps, buffers_at(m, scratch, b->n_tokens), b->n_tokens,
                      m->hp.n_embd, ws);
}

/* What the last matrix of the head sees, in x; y: of the same size. */
static void before_labels(const struct net *m, const struct batch *b, const float *hidden, float *x, float *y,
                          struct workspace *ws)
{
    const struct dense *cls = &m->weights.cls;
    if (m->hp.head_late) {
        product(cls, hidden, y, b->n_tokens, m->hp.head_activation, NULL, ws);
        pool_all(m, b, &m->hp.head_pooling, 1, y, m->hp.n_embd, x);
        return;
    }
    if (m->hp.heads_token)
        take_token(m, b, hidden, x);
    else
        pool_all(m, b, &m->hp.head_pooling, 1, hidden, m->hp.n_embd, x);
    if (cls->n_parts == 0) /* a matrix of labels alone */
        return;
    product(cls, x, y, b->n_seqs, m->hp.head_activation, NULL, ws);
    encoder_norm(m, &m->weights.cls_norm, y, y, b->n_seqs, ws->n_threads);
    memcpy(x, y, b->n_seqs * m->hp.n_embd * sizeof *x);
}

float *head_classify(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                     struct workspace *ws)
{
    if (m->hp.scores_by_steps)
        return pool_and_step(m, b, m->hp.poolings, m->hp.n_poolings, hidden, scratch, ws);
    struct buffers buffers = buffers_at(m, scratch, m->hp.head_late ? b->n_tokens : b->n_seqs);
    ASSERT(m->weights.cls_out.n_in == m->hp.n_embd && m->weights.cls_out.n_out == m->hp.n_labels);
    before_labels(m, b, hidden, buffers.x, buffers.y, ws);
    product(&m->weights.cls_out, buffers.x, buffers.y, b->n_seqs, ACT_NONE, NULL, ws);
    return buffers.y;
}

float *head_classify_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                            struct workspace *ws)
{
    const struct dense *cls = &m->weights.cls;
    float *x = scratch, *y = scratch + b->n_tokens * widest(m);
    if (cls->n_parts > 0) {
        product(cls, hidden, y, b->n_tokens, m->hp.head_activation, NULL, ws);
        encoder_norm(m, &m->weights.cls_norm, y, y, b->n_tokens, ws->n_threads);
        hidden = y;
    }
    product(&m->weights.cls_out, hidden, x, b->n_tokens, ACT_NONE, NULL, ws);
    return x;
}
