/* What a text must look like: a grammar, and how far the text has come in it. */
#ifndef RUNTIME_GENERATE_CONSTRAINT_H
#define RUNTIME_GENERATE_CONSTRAINT_H

#include "runtime/generate/compiled.h"
#include "runtime/generate/vocabulary.h"

#include <hone/generate.h>

struct constraint;

/* Of what has been compiled, which it holds; *out is NULL where that is NULL. The vocabulary must outlive it. */
enum hone_status constraint_new(struct constraint **out, struct vocabulary *v, const struct net *m,
                                struct compiled *compiled, struct hone_error *err);
void constraint_free(struct constraint *c); /* NULL is allowed */

/* The tokens that may come now, as struct sampler_input takes them; until the next call. HONE_FAILED: none may. */
enum hone_status constraint_mask(struct constraint *c, const uint64_t **mask, struct hone_error *err);

/* Goes on by a token that the mask has. *is_over: nothing can follow. */
enum hone_status constraint_accept(struct constraint *c, int32_t id, bool *is_over, struct hone_error *err);

#endif
