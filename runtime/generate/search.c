#include "runtime/generate/search.h"

#include "runtime/generate/sampling/beam.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct sequence *sequence;
    struct beam_search *beams;
    size_t n_beams, n;             /* at most, and live now */
    struct kv_seq *seqs[BEAM_MAX]; /* of the live beams; NULL: it is not active */
    int32_t *tokens;               /* [n_beams, sequence->max]: what is gone on with, and what a beam added */
    size_t length;                 /* tokens of each live beam */
};

static int32_t *row_of(const struct search *s, size_t i)
{
    return s->tokens + i * s->sequence->max;
}

/* ---- lifetime ---- */

/* What the model's own rules make of the log-probabilities behind beam i. */
static void follow_rules(const void *arg, size_t i, float *scores)
{
    const struct search *s = arg;
    struct rules_text text = sequence_rules_text(s->sequence);
    text.ids = row_of(s, i);
    text.n = s->length;
    token_rules_apply(&s->sequence->vocabulary->rules, &text, scores, s->sequence->model->net.hp.n_vocab);
}

static struct beam_params params_of(const struct sequence *w, const struct search *s)
{
    const struct hone_generation *g = w->g;
    return (struct beam_params){.n_beams = g->beams->n,
                                .max_length = w->max - w->n_given,
                                .length_penalty = g->beams->length_penalty,
                                .stop = g->beams->stop_early   ? BEAM_STOP_FIRST
                                        : g->beams->stop_never ? BEAM_STOP_NEVER
                                                               : BEAM_STOP_LIKELY,
                                .end_ids = w->vocabulary->ends,
                                .n_end_ids = g->past_end ? 0 : w->vocabulary->n_ends,
                                .ignore_end = g->ignore_end,
                                .change = sequence_has_rules(w) ? follow_rules : NULL,
                                .arg = s};
}

/* That all beams at their longest fit into the cache. */
static enum hone_status check_room(const struct sequence *w, struct hone_error *err)
{
    const struct kv_cache *kv = w->model->stepper.kv;
    size_t n = w->g->beams->n * kv_n_needed(kv, NULL, w->max), limit = step_cache_limit(&w->model->stepper);
    if (n <= limit / kv_shape_of(kv)->block_len)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE,
                     "%zu beams of %zu tokens need %zu blocks of the KV cache, which has %zu", w->g->beams->n,
                     w->max, n, limit / kv_shape_of(kv)->block_len);
}

enum hone_status search_new(struct search **out, struct sequence *w, struct hone_error *err)
{
    *out = NULL;
    struct search *s = calloc(1, sizeof *s);
    if (!s)
        return hone_no_memory(err, "a beam search", sizeof *s);
    const struct beam_params params = params_of(w, s);
    s->sequence = w;
    s->n_beams = params.n_beams;
    s->length = w->n_given;
    enum hone_status status = beam_search_new(&s->beams, &params, w->model->net.hp.n_vocab, err);
    if (status == HONE_OK)
        status = check_room(w, err);
    if (status == HONE_OK && !(s->tokens = malloc(s->n_beams * w->max * sizeof *s->tokens)))
        status = hone_no_memory(err, "beams", s->n_beams * w->max * sizeof *s->tokens);
    if (status != HONE_OK) {
        search_free(s);
        return status;
    }
    s->n = 1;
    for (size_t i = 0; i < s->n_beams; i++)
        memcpy(s->tokens + i * w->max, w->tokens, w->n_given * sizeof *s->tokens);
    *out = s;
    return HONE_OK;
}

void search_free(struct search *s)
{
    if (!s)
        return;
    search_retire(s);
    beam_search_free(s->beams);
    free(s->tokens);
    free(s);
}

size_t search_n_beams(const struct search *s)
{
    return s->n_beams;
}

/* ---- in the cache ---- */

enum hone_status search_begin(struct search *s, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < s->n && status == HONE_OK; i++)
        status = kv_seq_new(s->sequence->model->stepper.kv, &s->seqs[i], sequence_salt(s->sequence),
                            row_of(s, i), s->length, err);
    if (status != HONE_OK)
        search_retire(s);
    return status;
}

void search_retire(struct search *s)
{
    for (size_t i = 0; i < s->n; i++) {
        kv_seq_free(s->sequence->model->stepper.kv, s->seqs[i]);
        s->seqs[i] = NULL;
    }
}

bool search_is_active(const struct search *s)
{
    return s->seqs[0] != NULL;
}

/* ---- steps ---- */

/* Tokens of beam i that the cache lacks. */
static size_t n_missing(const struct search *s, size_t i)
{
    return s->length - kv_seq_length(s->seqs[i]);
}

/* Whether beam i is the second of those that will write to a block that they share: all but the last of them copy it,
 * though each for itself would. */
static bool saves_copy(const struct search *s, size_t i)
{
    const size_t length = kv_seq_length(s->seqs[i]),
                 block_len = kv_shape_of(s->sequence->model->stepper.kv)->block_len;
    size_t n = 0;
    for (size_t j = 0; j < i && length % block_len != 0; j++)
        n += kv_seq_length(s->seqs[j]) == length &&
             kv_seq_blocks(s->seqs[j])[length / block_len] == kv_seq_blocks(s->seqs[i])[length / block_len];
    return n == 1;
}

size_t search_n_blocks(const struct search *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += kv_n_needed(s->sequence->model->stepper.kv, s->seqs[i], n_missing(s, i)) - saves_copy(s, i);
    return n;
}

size_t search_plan(struct search *s, size_t *budget, struct step_seq *seqs)
{
    size_t n_seqs = 0, n_all = 0;
    for (size_t i = 0; i < s->n; i++)
        n_all += n_missing(s, i);
    const bool is_read = n_all == s->n;
    for (size_t i = 0; i < s->n; i++) {
        size_t done = kv_seq_length(s->seqs[i]), left = is_read ? 1 : s->length - 1 - done;
        size_t n = is_read || left < *budget ? left : *budget;
        if (n == 0)
            continue;
        *budget -= is_read ? 0 : n;
        seqs[n_seqs++] = (struct step_seq){.kv = s->seqs[i],
                                           .ids = row_of(s, i) + done,
                                           .n = n,
                                           .source = s->sequence->source.kv ? &s->sequence->source : NULL,
                                           .n_logits = is_read};
    }
    return n_seqs;
}

/* The live beams become what was chosen. */
static enum hone_status move(struct search *s, struct hone_error *err)
{
    struct kv_cache *kv = s->sequence->model->stepper.kv;
    struct kv_seq *next[BEAM_MAX] = {NULL};
    size_t n = beam_search_n_live(s->beams), n_given = s->sequence->n_given;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        s->length = n_given + beam_search_tokens(s->beams, i, row_of(s, i) + n_given);
        status = kv_seq_fork(kv, s->seqs[beam_search_parent(s->beams, i)], &next[i], err);
    }
    search_retire(s); /* before there is need for room: who has one child leaves it all blocks */
    memcpy(s->seqs, next, sizeof next);
    s->n = n;
    return status;
}

static enum hone_status give_results(struct search *s, struct hone_error *err)
{
    struct sequence *w = s->sequence;
    size_t n_best = w->g->beams->n_best > 1 ? w->g->beams->n_best : 1, n;
    size_t n_results = beam_search_n_results(s->beams);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n_best && i < n_results && status == HONE_OK; i++) {
        float score = beam_search_result(s->beams, i, s->tokens, &n);
        status = sequence_add_result(w, s->tokens, n, score, err);
    }
    w->is_over = true;
    return status;
}

enum hone_status search_advance(struct search *s, const float *logits, struct sampler_scratch *scratch,
                                struct hone_error *err)
{
    enum hone_status status =
        beam_search_step(s->beams, logits, s->sequence->model->net.hp.n_vocab, scratch, err);
    if (status != HONE_OK)
        return status;
    return beam_search_n_live(s->beams) > 0 ? move(s, err) : give_results(s, err);
}
