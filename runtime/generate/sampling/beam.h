/* Beam search over one input, as transformers does it (version 5): of the continuations of all live beams, the most
 * probable ones that do not end live on; those that end and rank among the first n_beams become results, whose score
 * is the sum of log-probabilities divided by n_tokens^length_penalty.
 *
 * A step: compute logits for each live beam's last token; beam_search_step; then live beam i goes on from what was
 * beam_search_parent(i) before, with the last of beam_search_tokens(i) behind it (kv_seq_fork the parent; kv.h). Beams
 * share their past.
 */
#ifndef RUNTIME_GENERATE_SAMPLING_BEAM_H
#define RUNTIME_GENERATE_SAMPLING_BEAM_H

#include "runtime/generate/sampling/sampler.h"

/* Each beam is a sequence with keys and values of its own. */
#define BEAM_MAX 64

enum beam_stop {
    BEAM_STOP_LIKELY, /* when n_beams results are there and no live beam would beat the worst at its present length */
    BEAM_STOP_FIRST, /* when n_beams results are there ("early_stopping": true) */
    BEAM_STOP_NEVER, /* as LIKELY, but at the length that suits it best ("never") */
};

struct beam_params {
    size_t n_beams;       /* 1 to BEAM_MAX */
    size_t max_length;    /* tokens of a result, at least 1 */
    float length_penalty; /* 1 */
    enum beam_stop stop;
    const int32_t *end_ids; /* copied */
    size_t n_end_ids;
    bool ignore_end; /* end tokens never come */
    /* Changes the log-probabilities [n_vocab] of what follows live beam i: -infinity forbids. NULL: nothing does. */
    void (*change)(const void *arg, size_t i, float *scores);
    const void *arg;
};

struct beam_search;

/* One live beam, with no tokens. HONE_USAGE and a sentence for parameters that make no sense. On success *out is the
 * caller's; on failure it is NULL. */
enum hone_status beam_search_new(struct beam_search **out, const struct beam_params *params, size_t n_vocab,
                                 struct hone_error *err);
void beam_search_free(struct beam_search *b); /* NULL is allowed */

size_t beam_search_n_live(const struct beam_search *b); /* 0: the search is over */

/* logits: a row of n_vocab for each live beam, ld floats apart. HONE_FAILED: NaN or +infinity in them, nothing that can
 * follow, or no memory. */
enum hone_status beam_search_step(struct beam_search *b, const float *logits, size_t ld,
                                  struct sampler_scratch *scratch, struct hone_error *err);

/* Of live beam i: which live beam it was before the step; its tokens, the last one new, and how many they are (ids has room
 * for max_length). */
uint32_t beam_search_parent(const struct beam_search *b, size_t i);
size_t beam_search_tokens(const struct beam_search *b, size_t i, int32_t *ids);

/* The results, best first; at most n_beams, at least one when the search is over. *n: tokens of it, its end token
 * included where it has one; ids has room for max_length. */
size_t beam_search_n_results(const struct beam_search *b);
float beam_search_result(const struct beam_search *b, size_t i, int32_t *ids, size_t *n);

#endif
