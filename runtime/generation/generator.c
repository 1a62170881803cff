#include "runtime/generation/generator.h"

#include "runtime/generation/search.h"
#include "runtime/generation/writer.h"
#include "runtime/sampling/beam.h"
#include "runtime/sampling/speculation.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ROWS     32 /* of logits in a step: a text each, and what is drafted for it */
#define MAX_ACTIVE   MAX_ROWS
#define MAX_SEQS     (MAX_ACTIVE + BEAM_MAX) /* a search is as many as it has beams */
#define LEAST_PIECE  32 /* tokens of a prompt in a step beside texts that are being written; more, as far as */
#define STEP_SECONDS 0.1 /* such a step takes no longer than this, about */

struct generator {
    struct hone_model *model;
    generator_on_end on_end;
    void *arg;
    struct writer **writers; /* [n] in the order of arrival; those with a sequence are active */
    size_t n, capacity, n_active;
    struct stepper stepper;
    struct sampler_scratch scratch;
    float *logits; /* [n_rows, n_vocab] */
    size_t n_rows, n_preempted;
    double token_seconds; /* what a token of a prompt took lately */
};

/* What a text brings to a step. */
struct part {
    struct writer *writer;
    size_t n_seqs, n_rows; /* of the plan's sequences; of logits */
    size_t n_draft;
    int32_t ids[MAX_DRAFT + 1]; /* its last token and the draft, where there is one */
};

struct plan {
    struct part parts[MAX_ACTIVE];
    struct step_seq seqs[MAX_SEQS];
    size_t n, n_seqs, n_rows, n_tokens, n_blocks; /* n: parts; n_blocks: that the step will take */
};

/* ---- texts ---- */

enum hone_status generator_new(struct generator **out, struct hone_model *model, generator_on_end on_end,
                               void *arg, struct hone_error *err)
{
    *out = NULL;
    enum hone_status status = step_check(model, err);
    if (status == HONE_OK)
        status = step_cache(model, 0, 0, err);
    if (status != HONE_OK)
        return status;
    struct generator *gen = calloc(1, sizeof *gen);
    if (!gen)
        return hone_no_memory(err, "a generator", sizeof *gen);
    gen->model = model;
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
        generator_remove(gen, gen->writers[gen->n - 1]->g);
    free(gen->writers);
    free(gen->logits);
    sampler_scratch_release(&gen->scratch);
    stepper_release(&gen->stepper);
    free(gen);
}

enum hone_status generator_add(struct generator *gen, struct hone_generation *g, struct hone_error *err)
{
    if (gen->n == gen->capacity) {
        size_t capacity = 2 * gen->capacity + 16;
        struct writer **grown = realloc(gen->writers, capacity * sizeof *grown);
        if (!grown)
            return hone_no_memory(err, "texts", capacity * sizeof *grown);
        gen->writers = grown;
        gen->capacity = capacity;
    }
    enum hone_status status = writer_new(&gen->writers[gen->n], gen->model, g, err);
    gen->n += status == HONE_OK;
    return status;
}

static bool is_active(const struct writer *w)
{
    return w->seq || (w->search && search_is_active(w->search));
}

/* The text's blocks are free, but known; it waits. */
static void retire(struct generator *gen, struct writer *w)
{
    gen->n_active -= is_active(w);
    kv_seq_free(gen->model->kv, w->seq);
    w->seq = NULL;
    if (w->search)
        search_retire(w->search);
}

static void drop(struct generator *gen, size_t i)
{
    retire(gen, gen->writers[i]);
    writer_free(gen->writers[i]);
    gen->n--;
    memmove(&gen->writers[i], &gen->writers[i + 1], (gen->n - i) * sizeof *gen->writers);
}

void generator_remove(struct generator *gen, struct hone_generation *g)
{
    struct hone_error ignored;
    for (size_t i = 0; i < gen->n; i++) {
        if (gen->writers[i]->g != g)
            continue;
        retire(gen, gen->writers[i]);
        writer_give_up(gen->writers[i], &ignored);
        drop(gen, i);
        return;
    }
}

size_t generator_n_texts(const struct generator *gen)
{
    return gen->n;
}

size_t generator_n_active(const struct generator *gen)
{
    return gen->n_active;
}

size_t generator_n_preempted(const struct generator *gen)
{
    return gen->n_preempted;
}

void generator_pause(struct generator *gen)
{
    for (size_t i = 0; i < gen->n; i++)
        retire(gen, gen->writers[i]);
}

/* ---- room in the cache ---- */

/* Whether there are so many blocks, beside those that a plan will take; more are made where there is no limit. */
static bool has_room(struct generator *gen, size_t n_blocks, size_t n_planned)
{
    struct hone_error ignored;
    struct kv_cache *kv = gen->model->kv;
    size_t need = n_blocks + n_planned, n_available = kv_n_available(kv);
    if (need <= n_available)
        return true;
    return step_cache_limit(gen->model) == SIZE_MAX &&
           kv_grow(kv, kv_stats(kv).n_blocks + need - n_available, &ignored) == HONE_OK;
}

/* The last to come of those that are active; NULL: none came after `w`. */
static struct writer *latest_after(const struct generator *gen, const struct writer *w)
{
    for (size_t i = gen->n; i-- > 0 && gen->writers[i] != w;)
        if (is_active(gen->writers[i]))
            return gen->writers[i];
    return NULL;
}

/* Blocks for n more tokens of a text, or for the next ones of a search. */
static size_t n_blocks_of(const struct writer *w, size_t n)
{
    return w->search ? search_n_blocks(w->search) : kv_n_needed(w->model->kv, w->seq, n);
}

/* Makes room for that, at the cost of those that came later and so are not in the plan yet. */
static bool make_room(struct generator *gen, const struct writer *w, size_t n, const struct plan *plan)
{
    for (;;) {
        struct writer *other = latest_after(gen, w);
        if (has_room(gen, n_blocks_of(w, n), plan->n_blocks))
            return true;
        if (!other)
            return false;
        retire(gen, other);
        gen->n_preempted++;
    }
}

/* ---- admission ---- */

/* Of the tokens that w begins with, how many are those of another text too. */
static size_t n_common(const struct writer *w, const struct writer *other)
{
    size_t n = w->n < other->n ? w->n : other->n, i = 0;
    while (i < n && w->tokens[i] == other->tokens[i])
        i++;
    return i;
}

/* Whether an active text is about to compute what w will then find. */
static bool is_worth_waiting(const struct generator *gen, const struct writer *w)
{
    struct kv_cache *kv = gen->model->kv;
    size_t block_len = kv_shape_of(kv)->block_len, known = kv_known(kv, w->source.serial, w->tokens, w->n);
    for (size_t i = 0; i < gen->n && !gen->model->model.arch->has_decoder; i++) {
        const struct writer *other = gen->writers[i];
        size_t n = other->seq ? n_common(w, other) : 0;
        n = n < w->n ? n : w->n - 1;
        if (n / block_len * block_len > known && kv_seq_length(other->seq) < n / block_len * block_len)
            return true;
    }
    return false;
}

/* A sequence with what is known of its tokens. It stays where the cache has room for the rest, and another block for
 * each that is active. */
static bool begin(struct generator *gen, struct writer *w)
{
    struct kv_cache *kv = gen->model->kv;
    w->error.status = w->search ? search_begin(w->search, &w->error)
                                : kv_seq_new(kv, &w->seq, w->source.serial, w->tokens, w->n, &w->error);
    w->is_over = w->error.status != HONE_OK;
    if (w->is_over)
        return false;
    gen->n_active++;
    size_t known = w->seq ? kv_seq_length(w->seq) : 0, n_blocks = n_blocks_of(w, w->n + 1 - known);
    if (has_room(gen, n_blocks, gen->n_active - 1) || gen->n_active == 1) {
        if (w->seq && w->n == w->n_given && !gen->model->model.arch->has_decoder)
            w->g->n_cached = known;
        return true;
    }
    retire(gen, w);
    return false;
}

static void fail(struct writer *w, const struct hone_error *err)
{
    w->error = *err;
    w->is_over = true;
}

/* What the next texts give the encoder, as many as may be active. */
static void encode(struct generator *gen)
{
    struct writer *list[MAX_ACTIVE];
    struct source *sources[MAX_ACTIVE];
    struct hone_error err;
    size_t n = 0;
    for (size_t i = 0; i < gen->n && gen->n_active + n < MAX_ACTIVE; i++) {
        if (gen->writers[i]->source.kv)
            continue;
        list[n] = gen->writers[i];
        sources[n] = &list[n]->source;
        n++;
    }
    if (n > 0 && sources_encode(gen->model, sources, n, &gen->stepper.ws, &err) != HONE_OK)
        for (size_t i = 0; i < n; i++)
            fail(list[i], &err);
}

/* Sequences that the active texts may have. */
static size_t n_seqs(const struct generator *gen)
{
    size_t n = 0;
    for (size_t i = 0; i < gen->n; i++)
        if (is_active(gen->writers[i]))
            n += gen->writers[i]->search ? search_n_beams(gen->writers[i]->search) : 1;
    return n;
}

static void admit(struct generator *gen)
{
    if (gen->model->model.arch->has_decoder)
        encode(gen);
    for (size_t i = 0; i < gen->n && n_seqs(gen) < MAX_ACTIVE; i++) {
        struct writer *w = gen->writers[i];
        if (is_active(w) || w->is_over || is_worth_waiting(gen, w))
            continue;
        if (!begin(gen, w) && !w->is_over)
            break;
    }
}

/* ---- steps ---- */

/* Tokens of prompts that a step takes. */
static size_t prompt_budget(const struct generator *gen)
{
    bool someone_writes = false;
    for (size_t i = 0; i < gen->n && !someone_writes; i++) {
        const struct writer *w = gen->writers[i];
        someone_writes = w->seq && kv_seq_length(w->seq) + 1 == w->n;
    }
    if (!someone_writes || gen->token_seconds * STEP_TOKENS <= STEP_SECONDS)
        return STEP_TOKENS;
    size_t n = (size_t)(STEP_SECONDS / gen->token_seconds);
    return n > LEAST_PIECE ? n : LEAST_PIECE;
}

/* The last token of a text and what may follow it. */
static void add_draft(struct generator *gen, struct plan *plan, struct part *part, struct step_seq *seq)
{
    struct writer *w = part->writer;
    size_t n_max = (MAX_ROWS - gen->n_active) / gen->n_active, n_left = w->max - w->n - 1;
    n_max = n_max < n_left ? n_max : n_left;
    size_t n =
        drafter_guess(w->drafter, w->tokens, w->n, part->ids + 1, n_max < MAX_DRAFT ? n_max : MAX_DRAFT);
    if (!has_room(gen, kv_n_needed(gen->model->kv, w->seq, n + 1), plan->n_blocks))
        return;
    part->ids[0] = w->tokens[w->n - 1];
    part->n_draft = n;
    seq->ids = part->ids;
    seq->n = seq->n_logits = n + 1;
}

/* Those of a text that is not searched for: its last token, or the next n of its prompt. */
static size_t plan_writing(struct generator *gen, struct plan *plan, struct part *part, size_t n)
{
    struct writer *w = part->writer;
    struct step_seq *seq = &plan->seqs[plan->n_seqs];
    size_t done = kv_seq_length(w->seq), left = w->n - done;
    *seq = (struct step_seq){.kv = w->seq,
                             .ids = w->tokens + done,
                             .n = n,
                             .source = w->source.kv ? &w->source : NULL,
                             .n_logits = n == left};
    if (left == 1 && w->drafter)
        add_draft(gen, plan, part, seq);
    plan->n_blocks += kv_n_needed(gen->model->kv, w->seq, seq->n);
    return 1;
}

/* What w brings to the step, at most *budget tokens of its prompt. */
static void plan_text(struct generator *gen, struct writer *w, size_t *budget, struct plan *plan)
{
    struct part *part = &plan->parts[plan->n];
    size_t left = w->search ? 1 : w->n - kv_seq_length(w->seq);
    size_t n = left == 1 || left < *budget ? left : *budget;
    if (n == 0)
        return;
    if (!make_room(gen, w, n, plan)) {
        if (plan->n == 0)
            (void)hone_fail(&w->error, HONE_FAILED, "the KV cache has no room for %zu more tokens", n);
        w->is_over = plan->n == 0;
        retire(gen, w);
        return;
    }
    *part = (struct part){.writer = w};
    plan->n_blocks += w->search ? search_n_blocks(w->search) : 0;
    if (w->search)
        part->n_seqs = search_plan(w->search, budget, &plan->seqs[plan->n_seqs]);
    else
        part->n_seqs = plan_writing(gen, plan, part, n);
    *budget -= left > 1 ? n : 0;
    for (size_t i = 0; i < part->n_seqs; i++) {
        part->n_rows += plan->seqs[plan->n_seqs].n_logits;
        plan->n_tokens += plan->seqs[plan->n_seqs++].n;
    }
    plan->n++;
    plan->n_rows += part->n_rows;
}

static enum hone_status reserve_logits(struct generator *gen, size_t n_rows, struct hone_error *err)
{
    size_t n_vocab = gen->model->model.hp.n_vocab;
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

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum hone_status compute(struct generator *gen, const struct plan *plan, struct hone_error *err)
{
    enum hone_status status = reserve_logits(gen, plan->n_rows, err);
    if (status != HONE_OK)
        return status;
    double begun = seconds_now();
    status = step_run(&gen->stepper, gen->model, gen->model->kv, plan->seqs, plan->n_seqs, gen->logits, err);
    if (plan->n_tokens >= LEAST_PIECE)
        gen->token_seconds = (seconds_now() - begun) / (double)plan->n_tokens;
    return status;
}

struct choice {
    struct writer *writer;
    const float *logits;
    size_t n_vocab;
    struct sampler_scratch *scratch;
};

static enum hone_status choose(void *arg, size_t i, int32_t *id, bool *is_last, struct hone_error *err)
{
    struct choice *c = arg;
    enum hone_status status = writer_choose(c->writer, c->logits + i * c->n_vocab, c->scratch, id, err);
    *is_last = c->writer->is_over;
    return status;
}

/* The tokens that follow a part, of its rows of logits. */
static void write_on(struct generator *gen, const struct part *part, const float *logits)
{
    struct writer *w = part->writer;
    struct hone_error err;
    struct choice choice = {w, logits, gen->model->model.hp.n_vocab, &gen->scratch};
    int32_t chosen[MAX_DRAFT + 1];
    size_t n_chosen, n_before = w->n;
    if (w->search) {
        if (search_advance(w->search, logits, &gen->scratch, &err) != HONE_OK)
            fail(w, &err);
        return;
    }
    if (speculation_verify(part->ids + 1, part->n_draft, choose, &choice, chosen, &n_chosen, &err) !=
        HONE_OK) {
        fail(w, &err);
        return;
    }
    if (part->n_draft == 0)
        return;
    kv_seq_truncate(gen->model->kv, w->seq, n_before + n_chosen - 1);
    drafter_learn(w->drafter, part->n_draft, n_chosen - 1);
    w->g->n_drafted += part->n_draft;
    w->g->n_accepted += n_chosen - 1;
}

/* Those that are over leave. */
static void sweep(struct generator *gen)
{
    for (size_t i = 0; i < gen->n;) {
        struct writer *w = gen->writers[i];
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
    struct plan plan = {.n = 0};
    admit(gen);
    size_t budget = prompt_budget(gen);
    for (size_t i = 0; i < gen->n; i++)
        if (is_active(gen->writers[i]) && !gen->writers[i]->is_over)
            plan_text(gen, gen->writers[i], &budget, &plan);
    enum hone_status status = plan.n_seqs > 0 ? compute(gen, &plan, &err) : HONE_OK;
    const float *logits = gen->logits;
    for (size_t i = 0; i < plan.n; i++) {
        if (status != HONE_OK)
            fail(plan.parts[i].writer, &err);
        else if (plan.parts[i].n_rows > 0)
            write_on(gen, &plan.parts[i], logits);
        logits += plan.parts[i].n_rows * gen->model->model.hp.n_vocab;
    }
    stats->n_tokens += plan.n_tokens;
    sweep(gen);
}
