#include "runtime/generate/sampling/token_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct token_rules token_rules_none(void)
{
    return (struct token_rules){.first = -1, .last = -1, .repetition_penalty = 1};
}

bool token_rules_any(const struct token_rules *r)
{
    return r->first >= 0 || r->last >= 0 || r->no_repeat > 0 || r->no_repeat_source > 0 ||
           r->repetition_penalty != 1 || r->min_length > 0 || r->min_new > 0 || r->bad.n > 0 ||
           r->suppressed.n > 0 || r->not_at_first.n > 0;
}

void token_rules_release(struct token_rules *r)
{
    free(r->bad.ids);
    free(r->bad_sizes.ids);
    free(r->suppressed.ids);
    free(r->not_at_first.ids);
    *r = token_rules_none();
}

static enum hone_status check_list(const struct token_ids *list, size_t n_vocab, const char *path,
                                   struct hone_error *err)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->ids[i] < 0 || (size_t)list->ids[i] >= n_vocab)
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s: its settings of generating name the token %d; the vocabulary has %zu", path,
                             (int)list->ids[i], n_vocab);
    return HONE_OK;
}

enum hone_status token_rules_check(const struct token_rules *r, size_t n_vocab, const char *path,
                                   struct hone_error *err)
{
    int32_t ends[] = {r->first < 0 ? 0 : r->first, r->last < 0 ? 0 : r->last};
    const struct token_ids forced = {ends, 2};
    size_t n_bad = 0;
    enum hone_status status = check_list(&forced, n_vocab, path, err);
    if (status == HONE_OK)
        status = check_list(&r->bad, n_vocab, path, err);
    if (status == HONE_OK)
        status = check_list(&r->suppressed, n_vocab, path, err);
    if (status == HONE_OK)
        status = check_list(&r->not_at_first, n_vocab, path, err);
    for (size_t i = 0; i < r->bad_sizes.n && status == HONE_OK; i++) {
        size_t size = r->bad_sizes.ids[i] > 0 ? (size_t)r->bad_sizes.ids[i] : SIZE_MAX;
        if (size > r->bad.n - n_bad)
            return hone_fail(err, HONE_BAD_MODEL, "%s: its bad words are not as long as it says", path);
        n_bad += size;
    }
    if (status == HONE_OK && n_bad != r->bad.n)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: its bad words are longer than it says", path);
    return status;
}

/* ---- one rule each ---- */

static void forbid(float *scores, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        scores[ids[i]] = -INFINITY;
}

static void force(float *scores, size_t n_vocab, int32_t id)
{
    for (size_t i = 0; i < n_vocab; i++)
        scores[i] = -INFINITY;
    scores[id] = 0;
}

#define SEEN_WORDS 1024 /* bits of 64 tokens each: a part of the vocabulary at a time */

/* Each token once, however long the text is. */
static void penalise(const struct rules_text *t, float penalty, float *scores, size_t n_vocab)
{
    uint64_t seen[SEEN_WORDS];
    for (size_t first = 0; first < n_vocab && penalty != 1; first += 64 * SEEN_WORDS) {
        memset(seen, 0, sizeof seen);
        for (size_t i = 0; i < t->n; i++) {
            size_t id = (size_t)t->ids[i] - first;
            float *score = &scores[t->ids[i]];
            if (id >= 64 * SEEN_WORDS || seen[id / 64] >> id % 64 & 1)
                continue;
            seen[id / 64] |= UINT64_C(1) << id % 64;
            *score = *score < 0 ? *score * penalty : *score / penalty;
        }
    }
}

/* Whether the text ends with these n tokens. */
static bool ends_with(const struct rules_text *t, const int32_t *ids, size_t n)
{
    return n <= t->n && (n == 0 || memcmp(t->ids + t->n - n, ids, n * sizeof *ids) == 0);
}

/* What would make the last `size` tokens a repetition of some in `ids`. */
static void forbid_repeats(const struct rules_text *t, size_t size, const int32_t *ids, size_t n,
                           float *scores)
{
    for (size_t i = 0; size > 0 && i + size <= n; i++)
        if (ends_with(t, ids + i, size - 1))
            scores[ids[i + size - 1]] = -INFINITY;
}

static bool is_end(const struct rules_text *t, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < t->n_ends && n == 1; i++)
        if (t->ends[i] == ids[0])
            return true;
    return false;
}

/* A word that is an end token alone is none. */
static void forbid_bad_words(const struct token_rules *r, const struct rules_text *t, float *scores)
{
    const int32_t *ids = r->bad.ids;
    for (size_t i = 0; i < r->bad_sizes.n; i++) {
        size_t n = (size_t)r->bad_sizes.ids[i];
        if (ends_with(t, ids, n - 1) && !is_end(t, ids, n))
            scores[ids[n - 1]] = -INFINITY;
        ids += n;
    }
}

void token_rules_apply(const struct token_rules *r, const struct rules_text *t, float *scores, size_t n_vocab)
{
    const int32_t first = t->first >= 0 ? t->first : r->first;
    penalise(t, r->repetition_penalty, scores, n_vocab);
    forbid_repeats(t, r->no_repeat, t->ids, t->n, scores);
    forbid_repeats(t, r->no_repeat_source, t->source, t->n_source, scores);
    forbid_bad_words(r, t, scores);
    if (t->n < r->min_length || t->n < t->n_given + r->min_new)
        forbid(scores, t->ends, t->n_ends);
    if (first >= 0 && t->n == 1)
        force(scores, n_vocab, first);
    if (r->last >= 0 && t->n + 1 == t->max)
        force(scores, n_vocab, r->last);
    forbid(scores, r->suppressed.ids, r->suppressed.n);
    if (t->n == t->n_given + (t->n_given == 1 && first >= 0))
        forbid(scores, r->not_at_first.ids, r->not_at_first.n);
}
