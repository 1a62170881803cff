#include "runtime/beams.h"

#include <stdlib.h>
#include <string.h>

struct beams {
    const struct beams_call *call;
    struct beam_search *search;
    struct kv_seq *seqs[BEAM_MAX]; /* of the live beams */
    int32_t tokens[BEAM_MAX];      /* that they go on with */
    size_t n;
    float *logits; /* [n_beams, n_vocab] */
};

static void free_seqs(const struct beams *b, struct kv_seq **seqs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kv_seq_free(b->call->model->kv, seqs[i]);
        seqs[i] = NULL;
    }
}

/* What was given, in one sequence, and the logits behind it. */
static enum hone_status read_given(struct beams *b, struct hone_error *err)
{
    const struct beams_call *c = b->call;
    uint64_t salt = c->source ? c->source->serial : 0;
    enum hone_status status = kv_seq_new(c->model->kv, &b->seqs[0], salt, c->given, c->n_given, err);
    b->n = 1;
    while (status == HONE_OK && kv_seq_length(b->seqs[0]) < c->n_given) {
        size_t done = kv_seq_length(b->seqs[0]), left = c->n_given - done;
        struct step_seq step = {.kv = b->seqs[0],
                                .ids = c->given + done,
                                .n = left < STEP_TOKENS ? left : STEP_TOKENS,
                                .source = c->source,
                                .n_logits = left <= STEP_TOKENS};
        status = step_run(c->stepper, c->model, c->model->kv, &step, 1, b->logits, err);
    }
    return status;
}

/* The live beams become what the search chose. */
static enum hone_status move(struct beams *b, struct hone_error *err)
{
    struct kv_cache *kv = b->call->model->kv;
    struct kv_seq *next[BEAM_MAX] = {NULL};
    size_t n = beam_search_n_live(b->search);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        struct beam_move chosen = beam_search_move(b->search, i);
        b->tokens[i] = chosen.token;
        status = kv_seq_fork(kv, b->seqs[chosen.parent], &next[i], err);
    }
    free_seqs(b, b->seqs, b->n); /* before there is need for room: who has one child leaves it all blocks */
    memcpy(b->seqs, next, sizeof next);
    b->n = n;
    return status;
}

static enum hone_status step(struct beams *b, struct hone_error *err)
{
    const struct beams_call *c = b->call;
    struct step_seq steps[BEAM_MAX];
    for (size_t i = 0; i < b->n; i++)
        steps[i] = (struct step_seq){
            .kv = b->seqs[i], .ids = &b->tokens[i], .n = 1, .source = c->source, .n_logits = 1};
    return step_run(c->stepper, c->model, c->model->kv, steps, b->n, b->logits, err);
}

static enum hone_status run(struct beams *b, struct hone_error *err)
{
    size_t n_vocab = b->call->model->model.hp.n_vocab;
    enum hone_status status = read_given(b, err);
    while (status == HONE_OK) {
        status = beam_search_step(b->search, b->logits, n_vocab, b->call->scratch, err);
        if (status != HONE_OK || beam_search_n_live(b->search) == 0)
            return status;
        status = move(b, err);
        if (status == HONE_OK)
            status = step(b, err);
    }
    return status;
}

enum hone_status beams_run(const struct beams_call *call, int32_t *ids, size_t *n, struct hone_error *err)
{
    struct beams b = {.call = call};
    size_t n_beams = call->params.n_beams, n_vocab = call->model->model.hp.n_vocab;
    enum hone_status status = beam_search_new(&b.search, &call->params, n_vocab, err);
    if (status != HONE_OK)
        return status;
    b.logits = malloc(n_beams * n_vocab * sizeof *b.logits);
    if (!b.logits)
        status = hone_no_memory(err, "logits", n_beams * n_vocab * sizeof *b.logits);
    if (status == HONE_OK)
        status = step_cache(call->model, n_beams * (call->n_given + call->params.max_length), n_beams, err);
    if (status == HONE_OK)
        status = run(&b, err);
    if (status == HONE_OK)
        beam_search_result(b.search, 0, ids, n);
    free_seqs(&b, b.seqs, b.n);
    free(b.logits);
    beam_search_free(b.search);
    return status;
}
