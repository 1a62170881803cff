/* What the parts of a generator share: its texts, and what a step is made of. */
#ifndef RUNTIME_GENERATE_STATE_H
#define RUNTIME_GENERATE_STATE_H

#include "runtime/generate/generator.h"
#include "runtime/generate/sampling/beam.h"
#include "runtime/generate/search.h"
#include "runtime/generate/sequence.h"

#define MAX_ROWS   32 /* of logits in a step: a text each, and what is drafted for it */
#define MAX_SCORED 64 /* rows beside these for log-probabilities of prompts: logits are large */
#define MAX_ACTIVE MAX_ROWS
#define MAX_SEQS   (MAX_ACTIVE + BEAM_MAX) /* a search is as many as it has beams */

/* Of generator.h. */
struct generator {
    struct hone_model *model;
    const struct clock *clock;
    generator_on_end on_end;
    void *arg;
    struct sequence **sequences; /* [n] in the order of arrival; those with a sequence are active */
    size_t n, capacity, n_active;
    struct sampler_scratch scratch;
    float *logits; /* [n_rows, n_vocab] */
    size_t n_rows, n_preempted;
    double write_seconds;      /* what a step without prompts took lately, */
    double token_seconds;      /* and what each token of a prompt added to one */
    struct draft_costs *costs; /* the model's */
};

/* What a text brings to a step. */
struct part {
    struct sequence *sequence;
    size_t n_seqs, n_rows; /* of the plan's sequences; of logits */
    size_t n_read, n_draft;
    size_t scored_at,
        n_scored; /* rows that log-probabilities of the prompt are made of, and behind which token they begin */
    int32_t ids[2 * MAX_DRAFT + 1]; /* its last n_read tokens and the draft, where there is one */
};

struct plan {
    struct part parts[MAX_ACTIVE];
    struct step_seq seqs[MAX_SEQS];
    size_t n_scored;                              /* rows for log-probabilities of prompts */
    size_t n, n_seqs, n_rows, n_tokens, n_blocks; /* n: parts; n_blocks: that the step will take */
    size_t n_guessed;                             /* tokens of all drafts */
    bool is_measured;                             /* the time that it takes says what guesses cost */
};

/* admit.c: whether a text has blocks of the cache; it gives them back, which stay known, and waits. */
bool sequence_is_active(const struct sequence *w);
void generator_retire(struct generator *gen, struct sequence *w);

/* Blocks for n more tokens of a text, or for the next ones of a search. */
size_t sequence_n_blocks(const struct sequence *w, size_t n);
/* Whether there are so many blocks, beside those that a plan will take; more are made where there is no limit. */
bool generator_has_room(struct generator *gen, size_t n_blocks, size_t n_planned);
/* Makes room for n more tokens of w, at the cost of those that came later and so are not in the plan yet. */
bool generator_make_room(struct generator *gen, const struct sequence *w, size_t n, const struct plan *plan);

/* Those that wait and that there is room for become active. */
void generator_admit(struct generator *gen);

/* plan.c: what the active texts bring to the next step. */
void generator_plan(struct generator *gen, struct plan *plan);

#endif
