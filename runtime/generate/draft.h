/* Where guesses of the next tokens come from: the text so far, or a smaller model (sampling/speculation.h). */
#ifndef RUNTIME_GENERATE_DRAFT_H
#define RUNTIME_GENERATE_DRAFT_H

#include "runtime/generate/sampling/draft_policy.h"
#include "runtime/infer/model.h"

#include <hone/generate.h>

/* Guesses of a step, at most. */
#define MAX_DRAFT 31

struct drafter;

/* For g, of a model. *out is NULL where g->n_draft is 0; and where guesses are asked for only if they pay, and cannot be made: for
 * a model with an encoder, for one with recurrent layers, which would have to compute what follows a wrong guess again, for a
 * beam search, and with HONE_COMPUTE_BLAS, where a text is not the same with guesses. HONE_USAGE: g->draft_model cannot guess
 * for the model. */
enum hone_status drafter_new(struct drafter **out, struct hone_model *model, const struct hone_generation *g,
                             struct hone_error *err);
void drafter_free(struct drafter *d); /* NULL is allowed */

/* Writes at most n_max tokens that may follow tokens [n] to draft, and returns how many. A draft model that another call
 * uses guesses nothing. */
size_t drafter_guess(struct drafter *d, const int32_t *tokens, size_t n, int32_t *draft, size_t n_max);

/* Whether guesses are made only where they pay; by this, in a step of n_rows without them, whose costs are known. */
bool drafter_is_automatic(const struct drafter *d);
size_t drafter_guess_paying(struct drafter *d, const struct draft_costs *costs, size_t n_rows,
                            const int32_t *tokens, size_t n, int32_t *draft, size_t n_max);

/* How many of the guesses were right. */
void drafter_learn(struct drafter *d, size_t n_guessed, size_t n_right);

#endif
