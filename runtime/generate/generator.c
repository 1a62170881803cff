#include "runtime/base/average.h"
#include "runtime/generate/sampling/speculation.h"
#include "runtime/generate/state.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_LEARNT 8 /* tokens of prompts in a step that say what one takes */

/* ---- texts ---- */

enum hone_status generator_new(struct generator **out, struct hone_model *model, const struct clock *clock,
                               generator_on_end on_end, void *arg, struct hone_error *err)
{
    struct vocabulary *vocabulary;
    *out = NULL;
    enum hone_status status = model_check_generates(model, err);
    if (status == HONE_OK)
        status = vocabulary_of(model, &vocabulary, err);
    if (status == HONE_OK)
        status = step_cache(&model->stepper, 0, 0, err);
    if (status != HONE_OK)
        return status;
    struct generator *gen = calloc(1, sizeof *gen);
    if (!gen)
        return hone_no_memory(err, "a generator", sizeof *gen);
    gen->model = model;
    gen->costs = &vocabulary->costs;
    gen->clock = clock;
    gen->on_end = on_end;
    gen->arg = arg;
    *out = gen;
    return HONE_OK;
}

void generator_free(struct generator *gen)
{
    if (!gen)
        return;
    while (gen->n > 0)
        generator_remove(gen, gen->sequences[gen->n - 1]->g);
    free(gen->sequences);
    free(gen->logits);
    sampler_scratch_release(&gen->scratch);
    free(gen);
}

enum hone_status generator_add(struct generator *gen, struct hone_generation *g, struct compiled *compiled,
                               struct hone_error *err)
{
    if (gen->n == gen->capacity) {
        size_t capacity = 2 * gen->capacity + 16;
        struct sequence **grown = realloc(gen->sequences, capacity * sizeof *grown);
        if (!grown)
            return hone_no_memory(err, "texts", capacity * sizeof *grown);
        gen->sequences = grown;
        gen->capacity = capacity;
    }
    enum hone_status status = sequence_new(&gen->sequences[gen->n], gen->model, g, compiled, err);
    gen->n += status == HONE_OK;
    return status;
}

static void drop(struct generator *gen, size_t i)
{
    generator_retire(gen, gen->sequences[i]);
    sequence_free(gen->sequences[i]);
    gen->n--;
    memmove(&gen->sequences[i], &gen->sequences[i + 1], (gen->n - i) * sizeof *gen->sequences);
}

void generator_remove(struct generator *gen, struct hone_generation *g)
{
    struct hone_error ignored;
    for (size_t i = 0; i < gen->n; i++) {
        if (gen->sequences[i]->g != g)
            continue;
        generator_retire(gen, gen->sequences[i]);
        sequence_give_up(gen->sequences[i], &ignored);
        drop(gen, i);
        return;
    }
}

size_t generator_n_texts(const struct generator *gen)
{
    return gen->n;
}

size_t generator_n_preempted(const struct generator *gen)
{
    return gen->n_preempted;
}

void generator_pause(struct generator *gen)
{
    for (size_t i = 0; i < gen->n; i++)
        generator_retire(gen, gen->sequences[i]);
}

/* ---- steps ---- */

static enum hone_status reserve_logits(struct generator *gen, size_t n_rows, struct hone_error *err)
{
    size_t n_vocab = gen->model->net.hp.n_vocab;
    if (n_rows <= gen->n_rows)
        return HONE_OK;
    float *logits = malloc(n_rows * n_vocab * sizeof *logits);
    if (!logits)
        return hone_no_memory(err, "logits", n_rows * n_vocab * sizeof *logits);
    free(gen->logits);
    gen->logits = logits;
    gen->n_rows = n_rows;
    return HONE_OK;
}

static void learn(struct generator *gen, const struct plan *plan, double seconds)
{
    size_t n_prompt = plan->n_tokens - plan->n_rows;
    double added = seconds - gen->write_seconds; /* weights are read once, whoever needs them */
    if (n_prompt == 0)
        gen->write_seconds = average_lately(gen->write_seconds, seconds);
    else if (n_prompt >= LEAST_LEARNT && added > 0)
        gen->token_seconds = average_lately(gen->token_seconds, added / (double)n_prompt);
    gen->costs->row_seconds = gen->token_seconds;
}

static enum hone_status compute(struct generator *gen, const struct plan *plan, double *seconds,
                                struct hone_error *err)
{
    enum hone_status status = reserve_logits(gen, plan->n_rows, err);
    if (status != HONE_OK)
        return status;
    double begun = clock_seconds(gen->clock);
    status = step_run(&gen->model->stepper, plan->seqs, plan->n_seqs, gen->logits, err);
    clock_computed(gen->clock, plan->n_tokens);
    *seconds = clock_seconds(gen->clock) - begun;
    if (status == HONE_OK)
        learn(gen, plan, *seconds);
    return status;
}

struct token_choice {
    struct sequence *sequence;
    const float *logits;
    size_t n_vocab;
    struct sampler_scratch *scratch;
};

static enum hone_status choose(void *arg, size_t i, int32_t *id, bool *is_last, struct hone_error *err)
{
    struct token_choice *c = arg;
    enum hone_status status = sequence_choose(c->sequence, c->logits + i * c->n_vocab, c->scratch, id, err);
    *is_last = c->sequence->is_over;
    return status;
}

/* The tokens that follow a part, of its rows of logits. Returns how many guesses were right. */
static size_t write_on(struct generator *gen, const struct part *part, const float *logits)
{
    struct sequence *w = part->sequence;
    struct hone_error err;
    struct token_choice choice = {w, logits, gen->model->net.hp.n_vocab, &gen->scratch};
    int32_t chosen[MAX_DRAFT + 1];
    size_t n_chosen, n_before = w->n;
    if (part->n_scored > 0) {
        if (sequence_score(w, part->scored_at, logits, part->n_scored, &gen->scratch, &err) != HONE_OK) {
            sequence_fail(w, &err);
            return 0;
        }
        if (part->scored_at + part->n_scored < w->n_given)
            return 0;
        choice.logits += (part->n_scored - 1) * choice.n_vocab;
    }
    if (w->search) {
        if (search_advance(w->search, logits, &gen->scratch, &err) != HONE_OK)
            sequence_fail(w, &err);
        return 0;
    }
    if (speculation_verify(part->ids + part->n_read, part->n_draft, choose, &choice, chosen, &n_chosen,
                           &err) != HONE_OK) {
        sequence_fail(w, &err);
        return 0;
    }
    if (part->n_draft == 0)
        return 0;
    kv_seq_truncate(gen->model->stepper.kv, w->seq, n_before + n_chosen - 1);
    drafter_learn(w->drafter, part->n_draft, n_chosen - 1);
    w->g->n_drafted += part->n_draft;
    w->g->n_accepted += n_chosen - 1;
    return n_chosen - 1;
}

/* Those that are over leave. */
static void sweep(struct generator *gen)
{
    for (size_t i = 0; i < gen->n;) {
        struct sequence *w = gen->sequences[i];
        if (!w->is_over) {
            i++;
            continue;
        }
        struct hone_generation *g = w->g;
        struct hone_error error = w->error;
        drop(gen, i);
        gen->on_end(gen->arg, g, error.status, error.message);
    }
}

void generator_step(struct generator *gen, struct hone_stats *stats)
{
    struct hone_error err;
    struct plan plan;
    generator_admit(gen);
    generator_plan(gen, &plan);
    double seconds = 0;
    size_t n_right = 0;
    enum hone_status status = plan.n_seqs > 0 ? compute(gen, &plan, &seconds, &err) : HONE_OK;
    const float *logits = gen->logits;
    for (size_t i = 0; i < plan.n; i++) {
        if (status != HONE_OK)
            sequence_fail(plan.parts[i].sequence, &err);
        else if (plan.parts[i].n_rows > 0)
            n_right += write_on(gen, &plan.parts[i], logits);
        logits += plan.parts[i].n_rows * gen->model->net.hp.n_vocab;
    }
    if (status == HONE_OK && plan.is_measured)
        draft_costs_learn(gen->costs, plan.n_rows, plan.n_guessed, n_right, seconds);
    stats->n_tokens += plan.n_tokens;
    sweep(gen);
}
