#include "runtime/infer/spans/choose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Those whose score is above the threshold, into `out` where that is not NULL; returns how many. */
static size_t find(const struct span_logits *l, float threshold, struct chosen_span *out)
{
    size_t n = 0;
    for (size_t w = 0; w < l->n_words; w++)
        for (size_t i = 0; i < l->longest && w + i < l->n_words; i++)
            for (size_t k = 0; k < l->n_labels; k++) {
                const float score = 1 / (1 + expf(-l->rows[(w * l->longest + i) * l->n_labels + k]));
                if (!(score > threshold))
                    continue;
                if (out)
                    out[n] = (struct chosen_span){(uint32_t)w, (uint32_t)i + 1, (uint32_t)k, score};
                n++;
            }
    return n;
}

static int by_place(const struct chosen_span *x, const struct chosen_span *y)
{
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

static int by_falling_score(const void *a, const void *b)
{
    const struct chosen_span *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : by_place(x, y);
}

static int by_start(const void *a, const void *b)
{
    const struct chosen_span *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : by_falling_score(a, b);
}

/* Those that were taken: taken[start * longest + length - 1]. */
struct taken {
    const struct span_logits *l;
    const struct hone_span_options *options;
    bool *taken;
};

/* Whether two spans that share a word may both be told. */
static bool go_together(const struct taken *t, size_t start, size_t end, size_t other, size_t other_end)
{
    if (start == other && end == other_end)
        return t->options->multi_label;
    return t->options->nested &&
           ((start <= other && other_end <= end) || (other <= start && end <= other_end));
}

/* Only those are looked at that can share a word with it: a list of all that were taken would be gone through once for each span
 * of a text, which is a million times where the threshold is low. */
static bool overlaps(const struct taken *t, const struct chosen_span *s)
{
    const size_t longest = t->l->longest, end = s->start + s->length;
    for (size_t other = s->start + 1 > longest ? s->start + 1 - longest : 0; other < end; other++)
        for (size_t length = other < s->start ? s->start - other + 1 : 1; length <= longest; length++)
            if (t->taken[other * longest + length - 1] &&
                !go_together(t, s->start, end, other, other + length))
                return true;
    return false;
}

bool span_choose(const struct span_logits *logits, const struct hone_span_options *options,
                 struct chosen_span **out, size_t *n)
{
    const size_t n_found = find(logits, options->threshold, NULL);
    struct chosen_span *found = malloc((n_found + 1) * sizeof *found);
    struct taken t = {logits, options, calloc(logits->n_words * logits->longest + 1, sizeof *t.taken)};
    *n = 0;
    *out = found;
    if (!found || !t.taken) {
        free(found);
        free(t.taken);
        *out = NULL;
        return false;
    }
    find(logits, options->threshold, found);
    qsort(found, n_found, sizeof *found, by_falling_score);
    for (size_t i = 0; i < n_found; i++)
        if (!overlaps(&t, &found[i])) {
            t.taken[found[i].start * logits->longest + found[i].length - 1] = true;
            found[(*n)++] = found[i];
        }
    qsort(found, *n, sizeof *found, by_start);
    free(t.taken);
    return true;
}
