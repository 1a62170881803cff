#include "runtime/generate/sampling/speculation.h"

#include "runtime/base/text.h"

#include <string.h>

/* How many tokens before `end` (a place in tokens) equal those before the last one, at most max. */
static size_t common_end(const int32_t *tokens, size_t n_tokens, size_t end, size_t max)
{
    size_t n = 0;
    while (n < max && n < end && tokens[end - 1 - n] == tokens[n_tokens - 1 - n])
        n++;
    return n;
}

size_t lookup_draft(const int32_t *tokens, size_t n_tokens, size_t min_ngram, size_t max_ngram,
                    int32_t *draft, size_t n_max, size_t *end)
{
    size_t best = 0, best_end = 0;
    for (size_t at = n_tokens; at-- > 1 && best < max_ngram;) {
        size_t n = common_end(tokens, n_tokens, at, max_ngram);
        if (n > best) {
            best = n;
            best_end = at;
        }
    }
    if (end)
        *end = best;
    if (best == 0 || best < min_ngram)
        return 0;
    size_t n_known = n_tokens - best_end;
    for (size_t i = 0; i < n_max; i++) /* what repeats goes on repeating */
        draft[i] = i < n_known ? tokens[best_end + i] : draft[i - n_known];
    return n_max;
}

enum hone_status speculation_verify(const int32_t *draft, size_t n_draft, speculation_choose choose,
                                    void *arg, int32_t *chosen, size_t *n_chosen, struct hone_error *err)
{
    *n_chosen = 0;
    for (size_t i = 0; i <= n_draft; i++) {
        bool is_last = false;
        enum hone_status status = choose(arg, i, &chosen[i], &is_last, err);
        if (status)
            return status;
        *n_chosen = i + 1;
        if (is_last || i == n_draft || chosen[i] != draft[i])
            break;
    }
    return HONE_OK;
}

size_t draft_length_next(const struct draft_length *d)
{
    return d->next < d->min ? d->min : d->next;
}

void draft_length_learn(struct draft_length *d, size_t n_draft, size_t n_right)
{
    if (n_draft == 0)
        return;
    d->next = n_right >= n_draft ? 2 * n_draft : n_right + 1;
    d->next = d->next > d->max ? d->max : d->next;
}

enum hone_status draft_vocab_check(const struct hone_text *tokens, size_t n_vocab,
                                   const struct hone_text *draft, size_t n_draft_vocab,
                                   struct hone_error *err)
{
    size_t n = n_vocab < n_draft_vocab ? n_vocab : n_draft_vocab;
    for (size_t i = 0; i < n; i++)
        if (!text_equal(tokens[i], draft[i]))
            return hone_fail(err, HONE_USAGE, "the draft model has another vocabulary: token %zu differs", i);
    return HONE_OK;
}
