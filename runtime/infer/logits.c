/* What a causal model says of a given text: hone_logits and hone_perplexity. */
#include "runtime/base/thread_pool.h"
#include "runtime/infer/model.h"

#include <hone/generate.h>
#include <math.h>
#include <stdlib.h>

/* Gets the logits [n, n_vocab] that follow tokens first to first + n. */
typedef void (*logits_sink)(void *arg, size_t first, size_t n, const float *logits);

/* The ids of one sequence in pieces; source: what the encoder is given, or NULL. out: room for a piece's logits, or NULL: for all of them, `all`. */
static enum hone_status run(struct hone_model *model, struct encoder_output *source, const int32_t *ids,
                            size_t n, float *piece, float *all, logits_sink sink, void *arg,
                            struct hone_error *err)
{
    struct kv_seq *seq = NULL;
    size_t n_vocab = model->net.hp.n_vocab;
    enum hone_status status = source ? encoder_outputs_compute(&model->stepper, &source, 1, err) : HONE_OK;
    if (status == HONE_OK)
        status = step_cache(&model->stepper, n, 1, err);
    if (status == HONE_OK)
        status = kv_seq_new(model->stepper.kv, &seq, step_salt(&model->net, n), NULL, 0, err);
    for (size_t i = 0; i < n && status == HONE_OK; i += STEP_TOKENS) {
        size_t n_ids = n - i < STEP_TOKENS ? n - i : STEP_TOKENS;
        float *out = all ? all + i * n_vocab : piece;
        struct step_seq step = {.kv = seq, .ids = ids + i, .n = n_ids, .source = source, .n_logits = n_ids};
        status = step_run(&model->stepper, &step, 1, out, err);
        if (status == HONE_OK && sink)
            sink(arg, i, n_ids, out);
    }
    if (seq)
        kv_seq_free(model->stepper.kv, seq);
    return status;
}

static enum hone_status check_length(const struct hone_model *model, size_t n, struct hone_error *err)
{
    if (n <= model->net.hp.max_length)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%zu tokens, but the context of %s has %zu", n, model->path,
                     model->net.hp.max_length);
}

/* Of a model that has no encoder. */
static enum hone_status check(const struct hone_model *model, const int32_t *ids, size_t n,
                              struct hone_error *err)
{
    enum hone_status status = model_check_generates(model, err);
    if (status == HONE_OK && model->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s predicts nothing without its encoder's input", model->path);
    if (status == HONE_OK)
        status = check_length(model, n, err);
    return status == HONE_OK ? step_check_ids(model->net.hp.n_vocab, ids, n, err) : status;
}

enum hone_status hone_logits(struct hone_model *model, const int32_t *ids, size_t n_ids, float *out,
                             struct hone_error *err)
{
    enum hone_status status = check(model, ids, n_ids, err);
    if (status != HONE_OK)
        return status;
    pthread_mutex_lock(&model->lock);
    status = run(model, NULL, ids, n_ids, NULL, out, NULL, NULL, err);
    pthread_mutex_unlock(&model->lock);
    return status;
}

enum hone_status hone_decoder_logits(struct hone_model *model, const int32_t *ids, size_t n_ids,
                                     const int32_t *decoder_ids, size_t n_decoder_ids, float *out,
                                     struct hone_error *err)
{
    struct encoder_output source = {.ids = ids, .n = n_ids};
    const struct net *m = &model->net;
    enum hone_status status = model_check_generates(model, err);
    if (status == HONE_OK && !m->arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has no encoder before its decoder", model->path);
    if (status == HONE_OK && (n_ids == 0 || n_ids > encoder_output_longest(m)))
        return hone_fail(err, HONE_USAGE, "%zu tokens for the encoder, expected 1 to %zu", n_ids,
                         encoder_output_longest(m));
    if (status == HONE_OK && n_decoder_ids == 0) {
        decoder_ids = &m->hp.decoder_start;
        n_decoder_ids = 1;
    }
    if (status == HONE_OK)
        status = check_length(model, n_decoder_ids, err);
    if (status == HONE_OK)
        status = step_check_ids(model->net.hp.n_input_vocab, ids, n_ids, err);
    if (status == HONE_OK)
        status = step_check_ids(model->net.hp.n_vocab, decoder_ids, n_decoder_ids, err);
    if (status != HONE_OK)
        return status;
    pthread_mutex_lock(&model->lock);
    status = run(model, &source, decoder_ids, n_decoder_ids, NULL, out, NULL, NULL, err);
    pthread_mutex_unlock(&model->lock);
    encoder_output_release(&source);
    return status;
}

/* ---- perplexity ---- */

struct nll {
    const int32_t *ids;
    size_t n_ids, n_vocab;
    int n_threads;
    double sum; /* of negative log-probabilities */
};

static double nll_of(const float *logits, size_t n_vocab, int32_t id)
{
    double max = (double)logits[0];
    for (size_t i = 1; i < n_vocab; i++)
        max = (double)logits[i] > max ? (double)logits[i] : max;
    double sum = exp((double)logits[0] - max);
    for (size_t i = 1; i < n_vocab; i++)
        sum += exp((double)logits[i] - max);
    return log(sum) + max - (double)logits[id];
}

struct nll_rows {
    const struct nll *s;
    const float *logits;
    const int32_t *next; /* ids */
    double *each;
};

static void nll_rows(const void *arg, struct work_range rows)
{
    const struct nll_rows *c = arg;
    size_t n_vocab = c->s->n_vocab;
    for (size_t i = rows.first; i < rows.end; i++)
        c->each[i] = nll_of(c->logits + i * n_vocab, n_vocab, c->next[i]);
}

static void nll_add(void *arg, size_t first, size_t n, const float *logits)
{
    struct nll *s = arg;
    double each[STEP_TOKENS];
    const struct nll_rows surprises = {s, logits, s->ids + first + 1, each};
    n = first + n < s->n_ids ? n : s->n_ids - first - 1; /* the last has no next */
    thread_pool_run(s->n_threads, n, 0, nll_rows, &surprises);
    for (size_t i = 0; i < n; i++)
        s->sum += each[i];
}

enum hone_status hone_perplexity(struct hone_model *model, const int32_t *ids, size_t n_ids, size_t context,
                                 double *out, struct hone_error *err)
{
    enum hone_status status = check(model, ids, 0, err);
    size_t n_counted = 0, n_vocab = model->net.hp.n_vocab;
    if (context == 0 || context > model->net.hp.max_length)
        context = model->net.hp.max_length;
    if (status == HONE_OK && (n_ids < 2 || context < 2))
        return hone_fail(err, HONE_USAGE, "a perplexity needs two tokens or more");
    if (status == HONE_OK)
        status = step_check_ids(model->net.hp.n_vocab, ids, n_ids, err);
    if (status != HONE_OK)
        return status;
    struct nll s = {.n_vocab = n_vocab, .n_threads = model->options.n_threads};
    float *piece = malloc(STEP_TOKENS * n_vocab * sizeof *piece);
    if (!piece)
        return hone_no_memory(err, "logits", STEP_TOKENS * n_vocab * sizeof *piece);
    pthread_mutex_lock(&model->lock);
    for (size_t i = 0; i + 1 < n_ids && status == HONE_OK; i += context) {
        s.ids = ids + i;
        s.n_ids = n_ids - i < context ? n_ids - i : context;
        n_counted += s.n_ids - 1;
        status = run(model, NULL, s.ids, s.n_ids, piece, NULL, nll_add, &s, err);
    }
    pthread_mutex_unlock(&model->lock);
    free(piece);
    if (status == HONE_OK)
        *out = exp(s.sum / (double)n_counted);
    return status;
}
