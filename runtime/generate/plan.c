#include "runtime/generate/state.h"

#include "runtime/base/assert.h"

#include <string.h>

/* How much longer prompts may make a step, in units of a step that only generates. With 1 a text that is being generated
 * waits at most twice as long for its next token. Where no text is, a prompt may take 2, not all the time there is: a request
 * that arrives meanwhile has to wait until the step is over. */
#define PROMPT_SHARE 1
#define ALONE_SHARE  2
/* Prompt tokens that a step takes however slow they are, so that prompts always move; and how many it takes beside texts
 * that are being generated before any step was measured. */
#define LEAST_PIECE 8
#define FIRST_PIECE 32

/* Tokens of w that no step has taken yet; 0: it takes no part. */
static size_t tokens_left(const struct sequence *w)
{
    if (!sequence_is_active(w) || w->is_over)
        return 0;
    return w->search ? 1 : w->n - kv_seq_length(w->seq);
}

/* Tokens of prompts that a step may add for that share of its time. */
static size_t tokens_for(const struct generator *gen, double share)
{
    double n = share * gen->write_seconds / gen->token_seconds;
    return n >= STEP_TOKENS ? STEP_TOKENS : n > LEAST_PIECE ? (size_t)n : LEAST_PIECE;
}

/* How many prompt tokens the next step takes. Few, if a text is being generated, or will be after this step, while others
 * want the step too: the longer the step, the longer it waits for its next token. More, if a prompt is alone. */
static size_t prompt_budget(const struct generator *gen)
{
    bool is_known = gen->write_seconds > 0 && gen->token_seconds > 0, is_close = false;
    size_t few = is_known ? tokens_for(gen, PROMPT_SHARE) : FIRST_PIECE, n_waiting = 0;
    for (size_t i = 0; i < gen->n; i++) {
        size_t left = tokens_left(gen->sequences[i]);
        n_waiting += left > 0;
        is_close |= left > 0 && left <= few;
    }
    return is_close && n_waiting > 1 ? few : is_known ? tokens_for(gen, ALONE_SHARE) : STEP_TOKENS;
}

/* Adds tokens that may follow a text to its part of the step, so that they are checked all at once: as many as there is room
 * for in the step and in the cache. Where none is guessed the part stays as it is. */
static void add_draft(struct generator *gen, struct plan *plan, struct part *part, struct step_seq *seq)
{
    struct sequence *w = part->sequence;
    struct kv_cache *kv = gen->model->stepper.kv;
    size_t n_max = (MAX_ROWS - gen->n_active) / gen->n_active, n_left = w->max - w->n - 1;
    n_max = n_max < n_left ? n_max : n_left;
    while (n_max > 0 && step_salt(&gen->model->net, w->n + n_max) != w->source.serial)
        n_max--; /* guesses beyond would have to be computed in another way */
    n_max = n_max < MAX_DRAFT ? n_max : MAX_DRAFT;
    int32_t *draft = part->ids + seq->n;
    bool is_automatic = drafter_is_automatic(w->drafter);
    size_t n = is_automatic ? drafter_guess_paying(w->drafter, gen->costs, gen->n_active + plan->n_guessed,
                                                   w->tokens, w->n, draft, n_max)
                            : drafter_guess(w->drafter, w->tokens, w->n, draft, n_max);
    if (n == 0 || !generator_has_room(gen, kv_n_needed(kv, w->seq, seq->n + n), plan->n_blocks))
        return;
    memcpy(part->ids, seq->ids, seq->n * sizeof *part->ids);
    kv_seq_hold(kv, w->seq); /* to go back to where guesses are wrong */
    part->n_read = seq->n;
    part->n_draft = n;
    plan->n_guessed += n;
    plan->is_measured = plan->is_measured && is_automatic;
    seq->ids = part->ids;
    seq->n += n;
    seq->n_logits = n + 1;
}

/* The part of a text that is written by one sequence, not by beams: its last token, or the next n of its prompt. */
static size_t plan_writing(struct generator *gen, struct plan *plan, struct part *part, size_t n)
{
    struct sequence *w = part->sequence;
    struct step_seq *seq = &plan->seqs[plan->n_seqs];
    size_t done = kv_seq_length(w->seq), left = w->n - done;
    *seq = (struct step_seq){.kv = w->seq,
                             .ids = w->tokens + done,
                             .n = n,
                             .source = w->source.kv ? &w->source : NULL,
                             .n_logits = n == left};
    if (sequence_scores(w)) {
        seq->n_logits = n;
        plan->n_scored += n;
        part->n_scored = n;
        part->scored_at = done;
    }
    if (n == left && n <= MAX_DRAFT && w->n > w->n_given && w->drafter &&
        (plan->is_measured || !drafter_is_automatic(w->drafter)))
        add_draft(gen, plan, part, seq);
    plan->n_blocks += kv_n_needed(gen->model->stepper.kv, w->seq, seq->n);
    return 1;
}

/* How many tokens the step takes of each prompt at most, so that all together stay within the budget. Short prompts go in as a
 * whole, so that they need not wait for long ones; the long ones share what is left in equal parts. */
static size_t share_of(const struct generator *gen, size_t budget)
{
    size_t share = 0, next = 0, n_long = 0;
    do {
        size_t n_short_tokens = 0;
        share = next;
        n_long = 0;
        for (size_t i = 0; i < gen->n; i++) {
            size_t left = tokens_left(gen->sequences[i]);
            n_long += left > 1 && left > share;
            n_short_tokens += left > 1 && left <= share ? left : 0;
        }
        next = n_long > 0 && n_short_tokens < budget ? (budget - n_short_tokens) / n_long : share;
    } while (next > share);
    return n_long == 0 ? budget : share > 0 ? share : 1;
}

/* Adds the part that w has in the step: at most `most` tokens of its prompt, which are taken off the budget. */
static void plan_text(struct generator *gen, struct sequence *w, size_t most, size_t *budget,
                      struct plan *plan)
{
    struct part *part = &plan->parts[plan->n];
    size_t left = tokens_left(w), n = left < most ? left : most;
    n = left == 1 || n < *budget ? n : *budget;
    if (sequence_scores(w) && n > MAX_SCORED - plan->n_scored)
        n = MAX_SCORED - plan->n_scored;
    if (n == 0)
        return;
    if (!generator_make_room(gen, w, n, plan)) {
        if (plan->n == 0)
            (void)hone_fail(&w->error, HONE_FAILED, "the KV cache has no room for %zu more tokens", n);
        w->is_over = plan->n == 0;
        generator_retire(gen, w);
        return;
    }
    *part = (struct part){.sequence = w};
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

/* Whether a step is of texts alone that go on by a token each, so that what it takes says what guesses cost. */
static bool writes_only(const struct generator *gen)
{
    for (size_t i = 0; i < gen->n; i++)
        if (tokens_left(gen->sequences[i]) > 1 || gen->sequences[i]->search)
            return false;
    return true;
}

void generator_plan(struct generator *gen, struct plan *plan)
{
    size_t budget = prompt_budget(gen), most = share_of(gen, budget);
    *plan = (struct plan){.is_measured = writes_only(gen)};
    for (size_t i = 0; i < gen->n; i++)
        if (tokens_left(gen->sequences[i]) > 0)
            plan_text(gen, gen->sequences[i], most, &budget, plan);
    ASSERT(plan->n <= MAX_ACTIVE && plan->n_seqs <= MAX_SEQS && plan->n_rows <= plan->n_tokens);
}
