/* Several tokens a step: somebody drafts what may come, the model computes logits for all of the draft at once, and
 * what it would have chosen itself is kept (Leviathan et al., Fast inference from transformers via speculative
 * decoding, 2023). Here a drafted token is kept only where it is the very one that is chosen, so that the text is the
 * same as without drafts: a sampler's choice depends on seed, position, tokens and logits alone (sampler.h).
 *
 * A step: draft n tokens; compute the last token and the draft, n + 1 rows of logits; speculation_verify; commit to the
 * KV cache as many tokens of the step as were chosen, and leave out the rest (kv.h).
 */
#ifndef RUNTIME_GENERATE_SAMPLING_SPECULATION_H
#define RUNTIME_GENERATE_SAMPLING_SPECULATION_H

#include "runtime/base/error.h"

/* Prompt lookup (Saxena, 2023): where the last tokens have stood before, what followed them then. Looks for the longest
 * such end of min_ngram to max_ngram tokens, of equally long ones the latest. Writes at most n_max tokens to draft and
 * returns how many; 0: nothing was found. *end (may be NULL): how long what was found is. */
size_t lookup_draft(const int32_t *tokens, size_t n_tokens, size_t min_ngram, size_t max_ngram,
                    int32_t *draft, size_t n_max, size_t *end);

/* Chooses the token that follows the first i of the draft, which have all been chosen themselves, from row i of the
 * logits: a sampler's doing, on the tokens up to there. *is_last: nothing shall follow (an end token, a stop string,
 * the length asked for). */
typedef enum hone_status (*speculation_choose)(void *arg, size_t i, int32_t *id, bool *is_last,
                                               struct hone_error *err);

/* chosen [n_draft + 1] gets *n_chosen >= 1 tokens: the draft as far as it was right, and one more. A failure of
 * `choose` is passed on; *n_chosen tokens before it are good. */
enum hone_status speculation_verify(const int32_t *draft, size_t n_draft, speculation_choose choose,
                                    void *arg, int32_t *chosen, size_t *n_chosen, struct hone_error *err);

/* How many tokens to draft next: twice as many after a draft that was right, one more than was right otherwise.
 * Zero-initialise all but min and max (1 <= min <= max). */
struct draft_length {
    size_t min, max, next;
};
size_t draft_length_next(const struct draft_length *d);
void draft_length_learn(struct draft_length *d, size_t n_draft, size_t n_right);

/* A draft model must have the vocabulary of the model it drafts for: token i the same text in both. HONE_USAGE and a
 * sentence where it has not; a vocabulary may be longer at its end by what the other cannot choose. */
enum hone_status draft_vocab_check(const struct hone_text *tokens, size_t n_vocab,
                                   const struct hone_text *draft, size_t n_draft_vocab,
                                   struct hone_error *err);

#endif
