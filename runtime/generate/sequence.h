/* One text on its way: what it goes on with, and how each of its tokens is chosen and told. */
#ifndef RUNTIME_GENERATE_SEQUENCE_H
#define RUNTIME_GENERATE_SEQUENCE_H

#include "runtime/generate/constraint.h"
#include "runtime/generate/draft.h"
#include "runtime/generate/infill.h"
#include "runtime/generate/result.h"
#include "runtime/generate/sampling/sampler.h"

struct search;

/* Whether what comes is thought. */
struct thinking {
    enum { THINKING_UNKNOWN, THINKING_ON, THINKING_OFF } state;
    size_t n_closed; /* tokens of the mark that ends it that were forced */
};

struct sequence {
    struct hone_generation *g;
    struct hone_model *model;
    const struct vocabulary *vocabulary;
    struct kv_seq *seq;           /* its tokens in the model's cache, the generator's; NULL: it waits */
    int32_t *tokens;              /* [max] what is gone on with, and what follows */
    size_t n, max;                /* tokens so far, and at most */
    size_t n_given;               /* of them not generated */
    struct encoder_output source; /* the prompt, where an encoder reads it; */
    int32_t *source_ids;          /* [source.n] its tokens */
    struct infill_marks gap;      /* where the text fills one; else no marks */
    struct sampler *sampler;
    struct constraint *constraint; /* or NULL */
    struct drafter *drafter;       /* or NULL */
    struct search *search;         /* instead of these, where beams were asked for */
    size_t
        n_scored; /* tokens of the prompt whose log-probabilities need not be computed any more: they are known, or nobody asked */
    struct thinking thinking; /* where it is limited */
    struct result result;
    int32_t first; /* a token that its text must begin with; -1: none, or as the model's rules say */
    bool is_over;
    struct hone_error error; /* of one that is over: HONE_OK, or why it failed */
};

/* Sequences of the same number find each other's tokens in the cache. */
static inline uint64_t sequence_salt(const struct sequence *w)
{
    return w->source.serial ^ w->g->partition;
}

/* Whether the model's own rules say anything of its tokens, and what they look at, but for the tokens so far. */
bool sequence_has_rules(const struct sequence *w);
struct rules_text sequence_rules_text(const struct sequence *w);

/* Whether log-probabilities of its prompt are wanted that are not there: then all of it is computed, known or not. */
static inline bool sequence_scores(const struct sequence *w)
{
    return w->n_scored < w->n_given;
}

/* Tokenizes the prompt and checks all that g asks for; g's results are empty. HONE_USAGE: what makes no sense, or needs
 * more room than there can be. compiled: what g asks of its text (compiled_of). On success *out is the caller's; on failure
 * it is NULL. Under the model's lock. */
enum hone_status sequence_new(struct sequence **out, struct hone_model *model, struct hone_generation *g,
                              struct compiled *compiled, struct hone_error *err);
void sequence_free(struct sequence *w); /* NULL is allowed */

/* Chooses the token that follows, of logits [n_vocab], and takes it; at the end w->is_over. */
enum hone_status sequence_choose(struct sequence *w, const float *logits, struct sampler_scratch *scratch,
                                 int32_t *id, struct hone_error *err);

/* Log-probabilities of the prompt's tokens behind the one at `at`, of n rows of logits: the first is what follows that one. */
enum hone_status sequence_score(struct sequence *w, size_t at, const float *logits, size_t n,
                                struct sampler_scratch *scratch, struct hone_error *err);

/* The text is over for want of what the error names. */
void sequence_fail(struct sequence *w, const struct hone_error *err);

/* The text ends here, untold: its result is what there is. */
enum hone_status sequence_give_up(struct sequence *w, struct hone_error *err);

/* Another result, of tokens that a search found, which may hold an end token at their end; the first one's are told. */
enum hone_status sequence_add_result(struct sequence *w, const int32_t *ids, size_t n, float score,
                                     struct hone_error *err);

#endif
