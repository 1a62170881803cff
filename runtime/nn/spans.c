#include "runtime/nn/spans.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/head.h"

#include <stdlib.h>
#include <string.h>

/* What is computed of a batch, in one block of memory. */
struct spans {
    const struct net *m;
    const struct batch *b;
    const struct span_marks *marks;
    struct workspace *ws;
    size_t n, n_words, n_labels; /* width; of all sequences */
    size_t longest_text;         /* words */
    float *block;
    float *tokens;      /* [n_tokens, n] */
    float *words;       /* [n_words, n] */
    float *gates;       /* [n_words, 4 n]: the LSTM's, and what networks are wide inside */
    float *ends;        /* [n_words, n] */
    float *starts_wide; /* [n_words, 4 n], what reads both ends has of the first, */
    float *ends_wide;   /* and of the last */
    float *labels;      /* [n_labels, n] */
    float *labels_wide; /* [n_labels, 4 n] */
    float *own;         /* [n_threads, 4 n], each thread's */
    float *logits;      /* [longest_text, longest, labels of a text] */
};

static bool reserve(struct spans *s)
{
    size_t n = s->n, most_labels = 0;
    for (size_t i = 0; i < s->b->n_seqs; i++) {
        const struct span_marks *k = &s->marks[i];
        s->n_words += k->n_words;
        s->n_labels += k->n_labels;
        s->longest_text = k->n_words > s->longest_text ? k->n_words : s->longest_text;
        most_labels = k->n_labels > most_labels ? k->n_labels : most_labels;
    }
    const struct {
        float **at;
        size_t rows, width;
    } parts[] = {{&s->tokens, s->b->n_tokens, n},
                 {&s->words, s->n_words, n},
                 {&s->gates, s->n_words + s->n_labels, 4 * n},
                 {&s->ends, s->n_words, n},
                 {&s->starts_wide, s->n_words, 4 * n},
                 {&s->ends_wide, s->n_words, 4 * n},
                 {&s->labels, s->n_labels, n},
                 {&s->labels_wide, s->n_labels, 4 * n},
                 {&s->own, (size_t)s->ws->n_threads, 4 * n},
                 {&s->logits, s->longest_text * s->m->hp.spans.longest, most_labels}};
    size_t sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += (parts[i].rows * parts[i].width + 15) / 16 * 16;
    float *next = s->block = malloc((sum + 1) * sizeof *next);
    for (size_t i = 0; next && i < sizeof parts / sizeof *parts; i++) {
        *parts[i].at = next;
        next += (parts[i].rows * parts[i].width + 15) / 16 * 16;
    }
    return s->block != NULL;
}

/* In pieces of as many rows as there are tokens, for which the workspace has room: some words may have no token. */
static void product(const struct spans *s, const struct dense *d, const float *in, float *out, size_t n_rows,
                    enum activation act)
{
    for (size_t first = 0, n; first < n_rows; first += n) {
        n = n_rows - first < s->b->n_tokens ? n_rows - first : s->b->n_tokens;
        struct dense_call call = {.in = in + first * d->n_in,
                                  .ld_in = d->n_in,
                                  .out = out + first * d->n_out,
                                  .ld_out = d->n_out,
                                  .n_rows = n,
                                  .act = act};
        dense_forward(d, &call, s->ws);
    }
}

/* ---- words and labels ---- */

/* The rows of each sequence's words and labels. */
static void gather(const struct spans *s, const float *tokens)
{
    const size_t n = s->n;
    const struct span_shape *shape = &s->m->hp.spans;
    float *word = s->words, *label = s->labels;
    for (size_t i = 0; i < s->b->n_seqs; i++) {
        const struct span_marks *k = &s->marks[i];
        const float *first = tokens + s->b->seq_start[i] * n;
        const size_t last = s->b->seq_start[i + 1] - s->b->seq_start[i] - 1;
        for (size_t w = 0; w < k->n_words; w++, word += n)
            head_pool(s->m->kernels, shape->pooling,
                      &(struct pooled){.rows = first + k->words[w] * n,
                                       .n_rows = k->words[w + 1] - k->words[w],
                                       .width = n},
                      word);
        for (size_t l = 0; l < k->n_labels; l++, label += n) {
            const size_t at = k->labels[l] + shape->behind;
            memcpy(label, first + (at < last ? at : last) * n, n * sizeof *label);
        }
    }
}

/* ---- the LSTM ---- */

/* One direction over one sequence, whose words begin at row `first` of all: from s->gates to s->words. Gates are those of what is
 * written, what is kept, what might be written, and what is shown (Hochreiter and Schmidhuber, 1997). */
static void run_direction(const struct spans *s, size_t first, size_t n_words, bool back, float *own)
{
    const struct kernels *k = s->m->kernels;
    const size_t n = s->n, h = n / 2;
    const float *state = s->m->weights.spans.rnn_state[back], *shown = NULL;
    float *gates = own, *cell = own + 4 * h;
    memset(cell, 0, h * sizeof *cell);
    for (size_t i = 0; i < n_words; i++) {
        const size_t word = first + (back ? n_words - 1 - i : i);
        float *out = s->words + word * n + (back ? h : 0);
        memcpy(gates, s->gates + word * 4 * n + (back ? 4 * h : 0), 4 * h * sizeof *gates);
        for (size_t j = 0; j < 4 * h && shown; j++)
            gates[j] += k->dot(state + j * h, shown, h);
        k->sigmoid(gates, 2 * h);
        k->tanh(gates + 2 * h, h);
        k->sigmoid(gates + 3 * h, h);
        for (size_t j = 0; j < h; j++)
            out[j] = cell[j] = gates[h + j] * cell[j] + gates[j] * gates[2 * h + j];
        k->tanh(out, h);
        for (size_t j = 0; j < h; j++)
            out[j] *= gates[3 * h + j];
        shown = out;
    }
}

/* Items are both directions of each sequence. */
static void run_directions(const void *arg, struct work_range items)
{
    const struct spans *s = arg;
    for (size_t item = items.first; item < items.end; item++) {
        size_t first = 0;
        for (size_t i = 0; i < item / 2; i++)
            first += s->marks[i].n_words;
        run_direction(s, first, s->marks[item / 2].n_words, item % 2, s->own + items.thread * 4 * s->n);
    }
}

/* ---- spans ---- */

/* Those of one sequence, whose first word and first label are so many rows behind the batch's. */
struct scoring {
    const struct spans *s;
    size_t first_word, first_label, n_words, n_labels;
};

static void score_words(const void *arg, struct work_range words)
{
    const struct scoring *c = arg;
    const struct spans *s = c->s;
    const struct kernels *k = s->m->kernels;
    const size_t n = s->n, wide = 4 * n, longest = s->m->hp.spans.longest;
    float *span = s->own + words.thread * wide;
    for (size_t w = words.first; w < words.end; w++)
        for (size_t i = 0; i < longest && w + i < c->n_words; i++) {
            float *out = s->logits + (w * longest + i) * c->n_labels;
            memcpy(span, s->starts_wide + (c->first_word + w) * wide, wide * sizeof *span);
            k->add(span, s->ends_wide + (c->first_word + w + i) * wide, wide);
            k->relu(span, wide);
            for (size_t l = 0; l < c->n_labels; l++) {
                const size_t label = c->first_label + l;
                out[l] = k->dot(span, s->labels_wide + label * wide, wide) +
                         k->dot(s->m->weights.spans.pair_bias, s->labels + label * n, n);
            }
        }
}

static void score_all(const struct spans *s, spans_done done, void *arg)
{
    struct scoring c = {.s = s};
    for (size_t i = 0; i < s->b->n_seqs; i++) {
        c.n_words = s->marks[i].n_words;
        c.n_labels = s->marks[i].n_labels;
        const size_t n = c.n_words * c.n_labels * s->m->hp.spans.longest * 4 * s->n;
        if (c.n_words > 0)
            thread_pool_run(threads_for(s->ws->n_threads, n), c.n_words, 0, score_words, &c);
        done(arg, i, s->logits);
        c.first_word += c.n_words;
        c.first_label += c.n_labels;
    }
}

/* What networks make of words and labels: s->starts_wide, s->ends_wide, s->labels and s->labels_wide. */
static void make_ends(const struct spans *s)
{
    const struct span_weights *w = &s->m->weights.spans;
    product(s, &w->start_up, s->words, s->gates, s->n_words, ACT_RELU);
    product(s, &w->start_down, s->gates, s->ends, s->n_words, ACT_RELU);
    product(s, &w->pair_start, s->ends, s->starts_wide, s->n_words, ACT_NONE);
    product(s, &w->end_up, s->words, s->gates, s->n_words, ACT_RELU);
    product(s, &w->end_down, s->gates, s->ends, s->n_words, ACT_RELU);
    product(s, &w->pair_end, s->ends, s->ends_wide, s->n_words, ACT_NONE);
    product(s, &w->label_up, s->labels, s->gates, s->n_labels, ACT_RELU);
    product(s, &w->label_down, s->gates, s->labels, s->n_labels, ACT_NONE);
    product(s, &w->pair_turned, s->labels, s->labels_wide, s->n_labels, ACT_NONE);
}

bool spans_score(const struct net *m, const struct batch *b, const struct span_marks *marks,
                 const float *hidden, struct workspace *ws, spans_done done, void *arg)
{
    const struct span_weights *w = &m->weights.spans;
    struct spans s = {.m = m, .b = b, .marks = marks, .ws = ws, .n = m->hp.spans.width};
    if (!reserve(&s))
        return false;
    if (w->proj.n_parts > 0)
        product(&s, &w->proj, hidden, s.tokens, b->n_tokens, ACT_NONE);
    gather(&s, w->proj.n_parts > 0 ? s.tokens : hidden);
    if (w->rnn.n_parts > 0 && s.n_words > 0) {
        product(&s, &w->rnn, s.words, s.gates, s.n_words, ACT_NONE);
        thread_pool_run(ws->n_threads, 2 * b->n_seqs, 0, run_directions, &s);
    }
    make_ends(&s);
    score_all(&s, done, arg);
    free(s.block);
    return true;
}
