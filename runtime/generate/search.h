/* A beam search among the steps of a generator: sampling/beam.h chooses, and the beams' pasts share the blocks of the KV
 * cache. In a step it is as many sequences as it has live beams. */
#ifndef RUNTIME_GENERATE_SEARCH_H
#define RUNTIME_GENERATE_SEARCH_H

#include "runtime/generate/sequence.h"

struct search;

/* For what w->g->beams asks, going on with w->tokens. HONE_USAGE: that makes no sense, or needs more room than there can be.
 * On success *out is the caller's, and w must outlive it; on failure it is NULL. */
enum hone_status search_new(struct search **out, struct sequence *w, struct hone_error *err);
void search_free(struct search *s); /* NULL is allowed */

size_t search_n_beams(const struct search *s); /* that it may have at a time */

/* Sequences for its beams, with what is known of their tokens. HONE_FAILED: no memory; it has none then. */
enum hone_status search_begin(struct search *s, struct hone_error *err);
/* Gives them up; beams that go on later are read anew. */
void search_retire(struct search *s);
bool search_is_active(const struct search *s);

/* Blocks that the next step takes, at most. */
size_t search_n_blocks(const struct search *s);
/* What it brings to the next step: of each beam the last token and its logits; or, where beams have to be read first, at
 * most *budget tokens of them and no logits. seqs: room for one a beam. */
size_t search_plan(struct search *s, size_t *budget, struct step_seq *seqs);
/* Goes on by logits [beams, n_vocab]. At the end the results are the sequence's, and it is over. */
enum hone_status search_advance(struct search *s, const float *logits, struct sampler_scratch *scratch,
                                struct hone_error *err);

#endif
