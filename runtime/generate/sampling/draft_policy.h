/* Whether guesses pay. A step that checks guesses takes longer than one without, by as much as the machine, the model and the
 * number of texts make it; a guess that is right saves a step. What steps take is measured as they come, by their rows of
 * logits, and how often guesses are right, by how long the end of the text was that was found again: a guess that was not
 * used is compared with what was chosen, too, so that learning this costs nothing.
 *
 * Guesses are made where they are expected to save time, and as long as they have not lost more than a small share of all:
 * what they may lose is a credit, which grows with the time of the steps and with what they save, so that no text is slower
 * by more than that share, whatever the machine and the text are like. No locks. */
#ifndef RUNTIME_GENERATE_SAMPLING_DRAFT_POLICY_H
#define RUNTIME_GENERATE_SAMPLING_DRAFT_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* Steps of more rows are left alone: arithmetic bounds them, not the reading of weights, and so each guess costs its share. */
#define DRAFT_MAX_ROWS 32
/* Times that are kept of steps of so many rows: two pauses of the machine among them do not move the median. */
#define DRAFT_SAMPLES 5
#define DRAFT_MAX_END 12 /* tokens of an end that are told apart */

/* Of all texts that share steps. Zero-initialise. */
struct draft_costs {
    struct {
        float
            seconds[DRAFT_SAMPLES]; /* of the last steps with so many rows, the latest first; 0: not known */
        uint64_t step;              /* when that was measured last */
    } rows[DRAFT_MAX_ROWS + 1];
    double row_seconds; /* what a token of a prompt added to a step, lately; 0: not known */
    double credit;      /* seconds that guesses may lose yet */
    uint64_t n_steps;
    unsigned n_guessed; /* steps with guesses in a row */
};

/* A step of n_rows, n_guessed of them guesses, of which n_right were, took so long. */
void draft_costs_learn(struct draft_costs *c, size_t n_rows, size_t n_guessed, size_t n_right,
                       double seconds);

/* How many tokens to guess for a text, at most n_max, in a step of n_rows without them; chances [n_max]: that the guess is
 * right if those before it are. */
size_t draft_costs_choose(const struct draft_costs *c, size_t n_rows, const double *chances, size_t n_max);

/* Of one text: how many guesses were right, by the length of the end that was found again. Zero-initialise. */
struct draft_record {
    uint16_t n_right[DRAFT_MAX_END + 1], n[DRAFT_MAX_END + 1];
};
void draft_record_learn(struct draft_record *r, size_t end, int right);
double draft_record_chance(const struct draft_record *r, size_t end);

#endif
