#include "runtime/generate/draft.h"

#include "runtime/generate/sampling/speculation.h"
#include "runtime/nn/recurrent/recurrent.h"

#include <stdlib.h>

/* Ends of the text that lookups search for: shorter ones repeat by chance. */
enum { MIN_NGRAM = 2, MAX_NGRAM = 5 };

struct drafter {
    struct draft_length length;
    struct hone_model *model; /* that guesses; NULL: the text is searched */
    struct kv_seq *seq;       /* in model->stepper.kv */
    size_t n_same;            /* of its tokens: certainly those of the text */
    size_t n_vocab;           /* of the model that is guessed for */
    float *logits;
    /* Of guesses that are made where they pay: */
    bool is_automatic;
    struct draft_record record;
    size_t end;     /* of the text, as far as it was found again */
    size_t at;      /* where a guess was not used; 0: there is none */
    int32_t unused; /* that guess */
};

/* ---- a model that guesses ---- */

enum hone_status hone_draft_check(const struct hone_model *model, const struct hone_model *guesser,
                                  struct hone_error *err)
{
    const struct gguf_value *own = gguf_find(model->net.gguf, "tokenizer.ggml.tokens"),
                            *its = gguf_find(guesser->net.gguf, "tokenizer.ggml.tokens");
    if (guesser == model)
        return hone_fail(err, HONE_USAGE, "a model cannot be its own draft model");
    if (guesser->options.vocab_only || !model_goes_stepwise(guesser))
        return hone_fail(err, HONE_USAGE, "%s cannot draft: it does not generate text", guesser->path);
    if (guesser->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s cannot draft: it has an encoder", guesser->path);
    if (model->options.vocab_only || !model_goes_stepwise(model) || model->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE,
                         "%s has an encoder, or generates no text: nothing can be drafted for it",
                         model->path);
    if (!own || !its)
        return hone_fail(err, HONE_USAGE, "%s has no vocabulary to draft with", guesser->path);
    return draft_vocab_check(own->strings, own->n, its->strings, its->n, err);
}

/* Forgets what the text has not. */
static void go_back(struct drafter *d, const int32_t *tokens, size_t n)
{
    size_t length = kv_seq_length(d->seq), same = d->n_same < length ? d->n_same : length;
    while (same < length && same + 1 < n && kv_seq_token(d->model->stepper.kv, d->seq, same) == tokens[same])
        same++;
    kv_seq_truncate(d->model->stepper.kv, d->seq, same);
}

static int32_t most_probable(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return (int32_t)best;
}

/* The tokens behind those that the sequence has, and what the model guesses to follow. */
static enum hone_status read_on(struct drafter *d, const int32_t *tokens, size_t n, int32_t *next,
                                struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i += STEP_TOKENS) {
        size_t n_now = n - i < STEP_TOKENS ? n - i : STEP_TOKENS;
        struct step_seq step = {.kv = d->seq, .ids = tokens + i, .n = n_now, .n_logits = i + n_now == n};
        status = step_run(&d->model->stepper, &step, 1, d->logits, err);
    }
    *next = most_probable(d->logits, d->model->net.hp.n_vocab);
    return status;
}

static size_t ask_model(struct drafter *d, const int32_t *tokens, size_t n, int32_t *draft, size_t n_max)
{
    struct hone_error ignored;
    size_t i = 0;
    if (n + n_max > d->model->net.hp.max_length)
        return 0;
    enum hone_status status = d->seq ? HONE_OK : step_cache(&d->model->stepper, n + n_max, 1, &ignored);
    if (status == HONE_OK && !d->seq)
        status = kv_seq_new(d->model->stepper.kv, &d->seq, step_salt(&d->model->net, n), tokens, n, &ignored);
    if (status != HONE_OK)
        return 0;
    go_back(d, tokens, n);
    size_t length = kv_seq_length(d->seq);
    if (step_cache(&d->model->stepper, n + n_max - length, 1, &ignored) != HONE_OK)
        return 0;
    for (; i < n_max && status == HONE_OK; i++) {
        const int32_t *from = i > 0 ? &draft[i - 1] : tokens + length;
        status = read_on(d, from, i > 0 ? 1 : n - length, &draft[i], &ignored);
        if (i == 0 && status == HONE_OK)
            kv_seq_hold(d->model->stepper.kv, d->seq); /* what it guesses behind may be wrong */
        if (status != HONE_OK || (size_t)draft[i] >= d->n_vocab)
            break;
    }
    length = kv_seq_length(d->seq);
    d->n_same = length < n ? length : n;
    return i;
}

/* ---- all ---- */

static bool may_guess(const struct hone_model *model, const struct hone_generation *g)
{
    return !model->net.arch->has_decoder && recurrent_state_size(&model->net) == 0 && !g->beams &&
           model->options.compute != HONE_COMPUTE_BLAS;
}

enum hone_status drafter_new(struct drafter **out, struct hone_model *model, const struct hone_generation *g,
                             struct hone_error *err)
{
    bool is_automatic = g->n_draft == HONE_DRAFT_AUTO && !g->draft_model;
    *out = NULL;
    if (g->n_draft == 0 || (is_automatic && !may_guess(model, g)))
        return HONE_OK;
    if (model->net.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s has an encoder: nothing can be drafted for it", model->path);
    enum hone_status status = g->draft_model ? model_check_generates(g->draft_model, err) : HONE_OK;
    if (status == HONE_OK && g->draft_model)
        status = hone_draft_check(model, g->draft_model, err);
    if (status != HONE_OK)
        return status;
    struct drafter *d = calloc(1, sizeof *d);
    size_t n_vocab = g->draft_model ? g->draft_model->net.hp.n_vocab : 1;
    if (!d || !(d->logits = malloc(n_vocab * sizeof *d->logits))) {
        free(d);
        return hone_no_memory(err, "drafts", n_vocab * sizeof(float));
    }
    d->model = g->draft_model;
    d->is_automatic = is_automatic;
    d->n_vocab = model->net.hp.n_vocab;
    d->length = (struct draft_length){.min = 1, .max = g->n_draft < MAX_DRAFT ? g->n_draft : MAX_DRAFT};
    *out = d;
    return HONE_OK;
}

void drafter_free(struct drafter *d)
{
    if (!d)
        return;
    if (d->seq) {
        pthread_mutex_lock(&d->model->lock);
        kv_seq_free(d->model->stepper.kv, d->seq);
        pthread_mutex_unlock(&d->model->lock);
    }
    free(d->logits);
    free(d);
}

size_t drafter_guess(struct drafter *d, const int32_t *tokens, size_t n, int32_t *draft, size_t n_max)
{
    size_t want = draft_length_next(&d->length);
    n_max = n_max < want ? n_max : want;
    if (n_max == 0)
        return 0;
    if (!d->model)
        return lookup_draft(tokens, n, MIN_NGRAM, MAX_NGRAM, draft, n_max, NULL);
    if (pthread_mutex_trylock(&d->model->lock) != 0)
        return 0;
    size_t n_guessed = ask_model(d, tokens, n, draft, n_max);
    pthread_mutex_unlock(&d->model->lock);
    return n_guessed;
}

bool drafter_is_automatic(const struct drafter *d)
{
    return d->is_automatic;
}

size_t drafter_guess_paying(struct drafter *d, const struct draft_costs *costs, size_t n_rows,
                            const int32_t *tokens, size_t n, int32_t *draft, size_t n_max)
{
    double chances[MAX_DRAFT];
    if (d->at > 0 && d->at < n)
        draft_record_learn(&d->record, d->end, tokens[d->at] == d->unused);
    d->at = 0;
    n_max = n_max < MAX_DRAFT ? n_max : MAX_DRAFT;
    n_max = lookup_draft(tokens, n, MIN_NGRAM, DRAFT_MAX_END, draft, n_max, &d->end);
    for (size_t i = 0; i < n_max; i++)
        chances[i] = draft_record_chance(&d->record, d->end + i);
    size_t n_guessed = draft_costs_choose(costs, n_rows, chances, n_max);
    if (n_guessed == 0 && n_max > 0) {
        d->at = n;
        d->unused = draft[0];
    }
    return n_guessed;
}

void drafter_learn(struct drafter *d, size_t n_guessed, size_t n_right)
{
    if (!d->is_automatic)
        draft_length_learn(&d->length, n_guessed, n_right);
    for (size_t i = 0; d->is_automatic && i < n_guessed && i <= n_right; i++)
        draft_record_learn(&d->record, d->end + i, i < n_right);
}
