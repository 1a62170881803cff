/* From logits to the next token.
 *
 * The chain, in this order (llama.cpp's default; each step drops candidates or changes their logits):
 *   1. allowed: ids outside the mask are dropped (a grammar's)
 *   2. bias: logit += bias; -infinity forbids. ignore_end: the end tokens' logits become -infinity
 *   3. repetition penalty (Keskar et al., CTRL, 2019): logits > 0 are divided by it, others multiplied; then
 *      logit -= count * frequency_penalty + (count > 0) * presence_penalty (OpenAI's), over the last penalty_last_n
 *      tokens
 *   4. DRY (p-e-w, text-generation-webui, 2024): a token that would prolong a repetition of at least
 *      dry_allowed_length tokens loses dry_multiplier * dry_base^(length - dry_allowed_length)
 *      Then the model's own rules (token_rules.h)
 *   5. greedy, where temperature is 0: the largest logit, of equal ones the lowest id; what follows has no say
 *   6. mirostat 1 or 2 (Basu et al., 2020), after the temperature and instead of 7 to 10
 *   7. top_k: the k largest
 *   8. typical_p (Meister et al., Locally typical sampling, 2022)
 *   9. top_p (Holtzman et al., 2019): the fewest of the largest whose probabilities reach p, at least one
 *  10. min_p (Nguyen et al., 2024): those with at least min_p times the largest probability
 *  11. temperature, softmax, and a draw: over rising ids, the first at which the sum of probabilities exceeds a random
 *      number that depends on (seed, n_tokens) alone (random.h)
 * The same seed, tokens and logits give the same token; a sampler remembers nothing but mirostat's mu.
 *
 * A sampler belongs to one sequence and one thread at a time; a scratch to one thread.
 */
#ifndef RUNTIME_GENERATE_SAMPLING_SAMPLER_H
#define RUNTIME_GENERATE_SAMPLING_SAMPLER_H

#include "runtime/base/error.h"
#include "runtime/generate/sampling/token_rules.h"

#include <hone/generate.h>

struct sampler_params {
    struct hone_sampling sampling; /* its numbers; texts are not looked at, but these ids: */
    const int32_t *dry_breakers;   /* [n_dry_breakers] tokens that no repetition reaches across */
    size_t n_dry_breakers;
    const struct hone_bias *biases; /* each finite or -INFINITY */
    size_t n_biases;
    const int32_t *end_ids; /* of the model's end-of-text tokens */
    size_t n_end_ids;
    bool ignore_end;
    const struct token_rules *rules; /* of the model, which outlive the sampler; NULL: none */
    struct rules_text text;          /* what they look at, but for the tokens so far */
};

struct sampler;

/* Checks the parameters (HONE_USAGE and a sentence that names the one that makes no sense) and copies them, arrays
 * too. On success *out is the caller's, to be freed with sampler_free; on failure it is NULL. */
enum hone_status sampler_new(struct sampler **out, const struct sampler_params *params, size_t n_vocab,
                             struct hone_error *err);
void sampler_free(struct sampler *s); /* NULL is allowed */

/* Memory of 24 bytes a token of the vocabulary, kept from call to call. Zero-initialise; release at the end. */
struct sampler_scratch {
    float *logits, *floats;
    struct top_item *items, *swap;
    size_t capacity;
};
/* false: out of memory. */
bool sampler_scratch_reserve(struct sampler_scratch *scratch, size_t n_vocab, struct hone_error *err);
void sampler_scratch_release(struct sampler_scratch *scratch);

struct sampler_input {
    const float *logits;   /* [n_vocab], of the position after the last token */
    const int32_t *tokens; /* [n_tokens] the sequence so far, prompt and all */
    size_t n_tokens;
    const uint64_t
        *allowed; /* [(n_vocab + 63) / 64] bit i % 64 of word i / 64: token i may come; NULL: any may */
};

/* HONE_FAILED: a logit that is NaN or +infinity, no token left to choose from, or no memory. */
enum hone_status sampler_sample(struct sampler *s, const struct sampler_input *in,
                                struct sampler_scratch *scratch, int32_t *id, struct hone_error *err);

/* The n candidates that a draw would be among, by rising id, and their probabilities; both in the scratch, until its
 * next use. */
enum hone_status sampler_distribution(const struct sampler *s, const struct sampler_input *in,
                                      struct sampler_scratch *scratch, const struct top_item **ids,
                                      const float **probabilities, size_t *n, struct hone_error *err);

#endif
