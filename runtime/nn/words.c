/* The head of a model that weighs the words of its vocabulary (SPLADE), or tells which fit where one is masked. */
#include "runtime/nn/encoder.h"
#include "runtime/nn/head.h"
#include "runtime/nn/positions.h"

#include <math.h>
#include <string.h>

#define WORD_ROWS                                                                                            \
    64 /* tokens whose logits are computed together: the vocabulary's matrix is read once for them */

/* Of a row before words' logits. */
static size_t word_width(const struct net *m)
{
    return m->hp.n_token > m->hp.n_embd ? m->hp.n_token : m->hp.n_embd;
}

size_t head_words_floats(const struct net *m)
{
    return WORD_ROWS * 2 * word_width(m) + (WORD_ROWS + 1) * m->hp.n_vocab;
}

static void product(const struct dense *d, const float *in, float *out, size_t n_rows, enum activation act,
                    struct workspace *ws)
{
    struct dense_call call = {
        .in = in, .ld_in = d->n_in, .out = out, .ld_out = d->n_out, .n_rows = n_rows, .act = act};
    dense_forward(d, &call, ws);
}

/* Logits of the rows: [n_rows, n_vocab], behind two blocks of [WORD_ROWS, word_width]. */
static float *word_logits(const struct net *m, const float *hidden, size_t n_rows, float *scratch,
                          struct workspace *ws)
{
    const struct weights *w = &m->weights;
    float *logits = scratch + 2 * WORD_ROWS * word_width(m);
    enum activation own = m->arch->mlm_as_head ? m->hp.head_activation : m->arch->mlm_activation;
    enum activation act = own ? own : m->hp.activation;
    if (w->mlm.n_parts > 0) {
        product(&w->mlm, hidden, scratch, n_rows, act, ws);
        encoder_norm(m, &w->mlm_norm, scratch, scratch, n_rows, ws->n_threads);
    }
    product(&w->mlm_out, w->mlm.n_parts > 0 ? scratch : hidden, logits, n_rows, ACT_NONE, ws);
    return logits;
}

static float weight_of(const struct net *m, float logit)
{
    float weight = logit > 0 ? log1pf(logit) : 0;
    return m->hp.words_twice ? log1pf(weight) : weight;
}

/* The largest logit has the largest weight, so that only a sum needs them all. */
static void gather(const struct net *m, float *row, const float *logits)
{
    size_t n = m->hp.n_vocab;
    for (size_t i = 0; i < n && m->hp.words_summed; i++)
        row[i] += weight_of(m, logits[i]);
    for (size_t i = 0; i < n && !m->hp.words_summed; i++)
        row[i] = logits[i] > row[i] ? logits[i] : row[i];
}

static uint32_t bits_of(float weight)
{
    uint32_t bits;
    memcpy(&bits, &weight, sizeof bits);
    return bits;
}

/* Zeros for all but the `most` largest weights. None is below zero, so that their order is that of their bits: the
 * least of those that stay is found bit by bit. */
static void keep_largest(float *row, size_t n, size_t most)
{
    uint32_t least = 0;
    for (uint32_t bit = UINT32_C(1) << 30; bit > 0; bit >>= 1) {
        size_t above = 0;
        for (size_t i = 0; i < n; i++)
            above += bits_of(row[i]) >= (least | bit);
        if (above >= most)
            least |= bit;
    }
    size_t room = most;
    for (size_t i = 0; i < n; i++)
        room -= bits_of(row[i]) > least;
    for (size_t i = 0; i < n; i++) {
        bool equal = bits_of(row[i]) == least;
        if (bits_of(row[i]) < least || (equal && room == 0))
            row[i] = 0;
        else if (equal)
            room--;
    }
}

/* Each token of a text once. */
static void look_up(const struct net *m, const struct batch *b, const float *weights, float *row,
                    head_done done, void *arg)
{
    for (size_t seq = 0; seq < b->n_seqs; seq++) {
        for (size_t t = b->seq_start[seq]; t < b->seq_start[seq + 1]; t++)
            row[b->ids[t]] = weights[t];
        if (m->hp.max_words > 0 && m->hp.max_words < m->hp.n_vocab)
            keep_largest(row, m->hp.n_vocab, m->hp.max_words);
        done(arg, seq, row);
        memset(row, 0, m->hp.n_vocab * sizeof *row);
    }
}

void head_words(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                struct workspace *ws, head_done done, void *arg)
{
    size_t n_vocab = m->hp.n_vocab, seq = 0;
    float *row = scratch + 2 * WORD_ROWS * word_width(m) + WORD_ROWS * n_vocab;
    memset(row, 0, n_vocab * sizeof *row);
    if (m->arch->words_looked_up) {
        look_up(m, b, hidden, row, done, arg);
        return;
    }
    for (size_t t = 0; t < b->n_tokens; t += WORD_ROWS) {
        size_t n = b->n_tokens - t < WORD_ROWS ? b->n_tokens - t : WORD_ROWS;
        const float *logits = word_logits(m, hidden + t * m->hp.n_embd, n, scratch, ws);
        for (size_t i = 0; i < n; i++) {
            gather(m, row, logits + i * n_vocab);
            if (t + i + 1 < b->seq_start[seq + 1])
                continue;
            for (size_t j = 0; j < n_vocab && !m->hp.words_summed; j++)
                row[j] = weight_of(m, row[j]);
            if (m->hp.max_words > 0 && m->hp.max_words < n_vocab)
                keep_largest(row, n_vocab, m->hp.max_words);
            done(arg, seq++, row);
            memset(row, 0, n_vocab * sizeof *row);
        }
    }
}

void head_fill(const struct net *m, const struct batch *b, const float *hidden, int32_t mask, float *scratch,
               struct workspace *ws, head_filled done, void *arg)
{
    size_t n_embd = m->hp.n_embd, seqs[WORD_ROWS], n = 0;
    float *rows = scratch + WORD_ROWS * word_width(m);
    for (size_t t = 0; t < b->n_tokens; t++) {
        if (b->ids[t] == mask) {
            seqs[n] = batch_sequence_of(b, t);
            memcpy(rows + n++ * n_embd, hidden + t * n_embd, n_embd * sizeof *rows);
        }
        if (n < WORD_ROWS && t + 1 < b->n_tokens)
            continue;
        float *logits = n ? word_logits(m, rows, n, scratch, ws) : NULL;
        for (size_t i = 0; i < n; i++)
            done(arg, seqs[i], logits + i * m->hp.n_vocab);
        n = 0;
    }
}
