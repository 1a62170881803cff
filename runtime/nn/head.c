#include "runtime/nn/head.h"

#include "runtime/nn/encoder.h"

#include <math.h>
#include <string.h>

/* ---- pooling ---- */

static const char *const pooling_names[N_POOLINGS] = {
    [POOL_NONE] = "none", [POOL_MEAN] = "mean", [POOL_CLS] = "cls",       [POOL_LAST] = "last",
    [POOL_RANK] = "none", [POOL_MAX] = "max",   [POOL_TOKENS] = "tokens", [POOL_SPLADE] = "splade"};

enum pooling pooling_by_name(struct hone_text name)
{
    for (enum pooling p = POOL_MEAN; p <= POOL_MAX; p++)
        if (p != POOL_RANK && name.size == strlen(pooling_names[p]) &&
            memcmp(name.data, pooling_names[p], name.size) == 0)
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

void head_pool(const struct net *m, enum pooling pooling, const float *hidden, size_t n_rows, float *out)
{
    size_t n = m->hp.n_embd;
    const float *row = pooling == POOL_LAST ? hidden + (n_rows - 1) * n : hidden;
    memcpy(out, row, n * sizeof *out);
    if (pooling != POOL_MEAN && pooling != POOL_MAX)
        return;
    for (size_t i = 1; i < n_rows; i++) {
        if (pooling == POOL_MAX)
            max_of(out, hidden + i * n, n);
        else
            m->kernels->add(out, hidden + i * n, n);
    }
    if (pooling == POOL_MEAN)
        m->kernels->scale(out, 1.0f / (float)n_rows, n);
}

void head_normalize(const struct kernels *k, float *x, size_t n)
{
    float norm = sqrtf(k->dot(x, x, n));
    k->scale(x, 1 / (norm > 1e-12f ? norm : 1e-12f), n);
}

static void pool_all(const struct net *m, const struct batch *b, enum pooling pooling, const float *hidden,
                     float *out)
{
    size_t n = m->hp.n_embd;
    for (size_t s = 0; s < b->n_seqs; s++)
        head_pool(m, pooling, hidden + b->seq_start[s] * n, b->seq_start[s + 1] - b->seq_start[s],
                  out + s * n);
}

/* ---- what follows it ---- */

/* The widest of what passes through. */
static size_t widest(const struct net *m)
{
    size_t n = m->hp.n_embd > m->hp.n_labels ? m->hp.n_embd : m->hp.n_labels;
    for (size_t i = 0; i < m->weights.n_projections; i++)
        if (m->weights.projections[i].dense.n_out > n)
            n = m->weights.projections[i].dense.n_out;
    return n;
}

#define WORD_ROWS                                                                                            \
    64 /* tokens whose logits are computed together: the vocabulary's matrix is read once for them */

size_t head_rows(const struct net *m, size_t n_tokens, size_t n_seqs)
{
    return m->hp.head_late ? n_tokens : n_seqs;
}

/* Of a row before words' logits. */
static size_t word_width(const struct net *m)
{
    return m->hp.n_token > m->hp.n_embd ? m->hp.n_token : m->hp.n_embd;
}

size_t head_floats(const struct net *m, size_t n_rows)
{
    size_t floats = 2 * widest(m) * n_rows;
    size_t words =
        m->hp.pooling == POOL_SPLADE ? WORD_ROWS * 2 * word_width(m) + (WORD_ROWS + 1) * m->hp.n_vocab : 0;
    return floats > words ? floats : words;
}

static void product(const struct dense *d, const float *in, float *out, size_t n_rows, enum activation act,
                    struct workspace *ws)
{
    struct dense_call call = {
        .in = in, .ld_in = d->n_in, .out = out, .ld_out = d->n_out, .n_rows = n_rows, .act = act};
    dense_forward(d, &call, ws);
}

/* Through what follows pooling; x and y: [n_rows, widest]. */
static float *project(const struct net *m, float *x, float *y, size_t n_rows, struct workspace *ws)
{
    for (size_t i = 0; i < m->weights.n_projections; i++) {
        const struct projection *p = &m->weights.projections[i];
        product(&p->dense, x, y, n_rows, p->activation, ws);
        float *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

float *head_embed(const struct net *m, const struct batch *b, enum pooling pooling, const float *hidden,
                  float *scratch, struct workspace *ws)
{
    pool_all(m, b, pooling, hidden, scratch);
    return project(m, scratch, scratch + b->n_seqs * widest(m), b->n_seqs, ws);
}

float *head_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                   struct workspace *ws)
{
    memcpy(scratch, hidden, b->n_tokens * m->hp.n_embd * sizeof *scratch);
    if (m->hp.pooling != POOL_TOKENS)
        return scratch;
    return project(m, scratch, scratch + b->n_tokens * widest(m), b->n_tokens, ws);
}

/* Logits of the rows: [n_rows, n_vocab], behind two blocks of [WORD_ROWS, n_embd]. */
static float *word_logits(const struct net *m, const float *hidden, size_t n_rows, float *scratch,
                          struct workspace *ws)
{
    const struct weights *w = &m->weights;
    float *logits = scratch + 2 * WORD_ROWS * word_width(m);
    enum activation act = m->arch->mlm_activation ? m->arch->mlm_activation : m->hp.activation;
    product(&w->mlm, hidden, scratch, n_rows, act, ws);
    encoder_norm(m, &w->mlm_norm, scratch, scratch, n_rows, ws->n_threads);
    product(&w->mlm_out, scratch, logits, n_rows, ACT_NONE, ws);
    return logits;
}

void head_words(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                struct workspace *ws, head_done done, void *arg)
{
    size_t n_vocab = m->hp.n_vocab, seq = 0;
    float *row = scratch + 2 * WORD_ROWS * word_width(m) + WORD_ROWS * n_vocab;
    memset(row, 0, n_vocab * sizeof *row);
    for (size_t t = 0; t < b->n_tokens; t += WORD_ROWS) {
        size_t n = b->n_tokens - t < WORD_ROWS ? b->n_tokens - t : WORD_ROWS;
        const float *logits = word_logits(m, hidden + t * m->hp.n_embd, n, scratch, ws);
        for (size_t i = 0; i < n; i++) {
            max_of(row, logits + i * n_vocab, n_vocab);
            if (t + i + 1 < b->seq_start[seq + 1])
                continue;
            for (size_t j = 0; j < n_vocab; j++)
                row[j] = row[j] > 0 ? log1pf(row[j]) : 0;
            done(arg, seq++, row);
            memset(row, 0, n_vocab * sizeof *row);
        }
    }
}

/* What the last matrix of the head sees, in x; y: of the same size. */
static void before_labels(const struct net *m, const struct batch *b, const float *hidden, float *x, float *y,
                          struct workspace *ws)
{
    const struct dense *cls = &m->weights.cls;
    if (m->hp.head_late) {
        product(cls, hidden, y, b->n_tokens, m->hp.head_activation, ws);
        pool_all(m, b, m->hp.head_pooling, y, x);
        return;
    }
    pool_all(m, b, m->hp.head_pooling, hidden, x);
    if (cls->n_parts == 0) /* a matrix of labels alone */
        return;
    product(cls, x, y, b->n_seqs, m->hp.head_activation, ws);
    encoder_norm(m, &m->weights.cls_norm, y, y, b->n_seqs, ws->n_threads);
    memcpy(x, y, b->n_seqs * m->hp.n_embd * sizeof *x);
}

float *head_classify(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                     struct workspace *ws)
{
    float *x = scratch, *y = scratch + head_rows(m, b->n_tokens, b->n_seqs) * widest(m);
    before_labels(m, b, hidden, x, y, ws);
    product(&m->weights.cls_out, x, y, b->n_seqs, ACT_NONE, ws);
    return y;
}
