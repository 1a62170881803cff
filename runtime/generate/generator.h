/* Continuous batching: texts join and leave at every step, each with its own sampler, and long prompts go through in
 * pieces beside the single tokens of the others, so that none of these waits long.
 *
 * A text is admitted when the KV cache has room for its prompt, in the order of arrival; one that shares the beginning of
 * its prompt with another that is being read waits until it can share its blocks too. When blocks run short, the text that
 * came last gives its own back and is read again later; its tokens stay what they are, since they depend on seed, position
 * and logits alone. The beams of a search are sequences like others.
 *
 * Not thread-safe. Every call is made under the model's lock, which may be let go between them. */
#ifndef RUNTIME_GENERATE_GENERATOR_H
#define RUNTIME_GENERATE_GENERATOR_H

#include "runtime/base/clock.h"
#include "runtime/base/error.h"

#include <hone/generate.h>

struct compiled;
struct generator;

/* Gets each text that is over, from generator_step, which it must not call again: HONE_OK, or its own failure and a
 * sentence; whatever becomes of one text, the others go on. g is the caller's from then on. */
typedef void (*generator_on_end)(void *arg, struct hone_generation *g, enum hone_status status,
                                 const char *message);

/* HONE_USAGE: the model does not generate. On success *out is the caller's, and model and clock must outlive it; on
 * failure it is NULL. How much of a prompt goes into a step follows from what steps took by that clock. */
enum hone_status generator_new(struct generator **out, struct hone_model *model, const struct clock *clock,
                               generator_on_end on_end, void *arg, struct hone_error *err);
/* Texts that are not over are removed. NULL is allowed. */
void generator_free(struct generator *gen);

/* Takes a text, which must live until it is over or removed. compiled: of compiled_of, held meanwhile; NULL where g asks
 * for none. HONE_USAGE and a sentence for what makes no sense in it or
 * needs more room than there can be; it is not taken then. */
enum hone_status generator_add(struct generator *gen, struct hone_generation *g, struct compiled *compiled,
                               struct hone_error *err);
/* Gives a text up, at whatever stage; on_end is not called, and the text so far is its result. One that is not (or no
 * longer) there is left alone. */
void generator_remove(struct generator *gen, struct hone_generation *g);

size_t generator_n_texts(const struct generator *gen); /* taken, and not over */

size_t
generator_n_preempted(const struct generator *gen); /* how often blocks were taken from a text so far */

/* Computes one step of all texts that there is room for; adds to stats->n_tokens. */
void generator_step(struct generator *gen, struct hone_stats *stats);

/* Gives all blocks of the KV cache back, for another call that needs the room; the texts go on with the next step. */
void generator_pause(struct generator *gen);

#endif
