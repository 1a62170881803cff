#include "runtime/generate/sampling/draft_policy.h"

#include <string.h>

#define LOSS_SHARE   0.01 /* of the time of all steps that guesses may lose; half of what nobody shall notice */
#define MOST_CREDIT  8    /* steps without guesses that it may be worth */
#define MOST_GUESSED 32 /* steps with guesses in a row: then one without, which tells what these are worth */
#define STALE_STEPS                                                                                          \
    256          /* after which a measurement is forgotten: texts get longer, other programs come and go */
#define LIKELY 2 /* that a row beside others takes at most, in those of a prompt */

/* The median: a pause of the whole machine says nothing of guesses, and would be half of a mean. */
static double known(const struct draft_costs *c, size_t n_rows)
{
    const float *all = c->rows[n_rows].seconds;
    float sorted[DRAFT_SAMPLES];
    size_t n = 0;
    if (c->n_steps - c->rows[n_rows].step > STALE_STEPS)
        return 0;
    for (size_t k; n < DRAFT_SAMPLES && all[n] > 0; n++) {
        for (k = n; k > 0 && sorted[k - 1] > all[n]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = all[n];
    }
    return n > 0 ? (double)sorted[(n - 1) / 2] : 0;
}

static void note(struct draft_costs *c, size_t n_rows, double seconds)
{
    float *all = c->rows[n_rows].seconds;
    if (known(c, n_rows) == 0)
        memset(all, 0, DRAFT_SAMPLES * sizeof *all);
    memmove(all + 1, all, (DRAFT_SAMPLES - 1) * sizeof *all);
    all[0] = (float)seconds;
    c->rows[n_rows].step = c->n_steps;
}

void draft_costs_learn(struct draft_costs *c, size_t n_rows, size_t n_guessed, size_t n_right, double seconds)
{
    size_t n_before = n_rows - n_guessed;
    if (n_rows == 0 || n_rows > DRAFT_MAX_ROWS || n_before == 0)
        return;
    c->n_steps++;
    c->n_guessed = n_guessed > 0 ? c->n_guessed + 1 : 0;
    note(c, n_rows, seconds);
    double without = known(c, n_before), took = known(c, n_rows);
    c->credit += LOSS_SHARE * took;
    if (n_guessed > 0)
        c->credit += (double)n_right * without / (double)n_before - (took - without);
    if (c->credit > MOST_CREDIT * without)
        c->credit = MOST_CREDIT * without;
}

/* What a step of so many rows would take, by what is known of others: at least as long as one of fewer. */
static double expected(const struct draft_costs *c, size_t n_before, size_t n_rows)
{
    size_t below = n_rows, above = n_rows;
    while (below > n_before && known(c, below) == 0)
        below--;
    while (above < DRAFT_MAX_ROWS && known(c, above) == 0)
        above++;
    double low = known(c, below), high = known(c, above), first = known(c, n_before), slope = 0;
    if (below == n_rows)
        return low;
    if (high > low)
        slope = (high - low) / (double)(above - below);
    else if (below > n_before && low > first)
        slope = (low - first) / (double)(below - n_before);
    return low + slope * (double)(n_rows - below);
}

/* What n guesses may add to a step of n_rows that takes so long. */
static double most_added(const struct draft_costs *c, size_t n_rows, size_t n, double without)
{
    double taken = known(c, n_rows + n), each = without / (double)n_rows;
    if (taken > 0)
        return taken - without;
    if (c->row_seconds > 0 && LIKELY * c->row_seconds < each)
        each = LIKELY * c->row_seconds;
    return (double)n * each;
}

size_t draft_costs_choose(const struct draft_costs *c, size_t n_rows, const double *chances, size_t n_max)
{
    double without = n_rows > 0 && n_rows < DRAFT_MAX_ROWS ? known(c, n_rows) : 0;
    double chance = 1, n_right = 0, best = 0;
    size_t n_best = 0;
    if (without <= 0 || c->n_guessed >= MOST_GUESSED)
        return 0;
    for (size_t n = 1; n <= n_max && n_rows + n <= DRAFT_MAX_ROWS; n++) {
        chance *= chances[n - 1];
        n_right += chance;
        double saved = n_right * without / (double)n_rows - (expected(c, n_rows, n_rows + n) - without);
        if (saved > best && most_added(c, n_rows, n, without) <= c->credit) {
            best = saved;
            n_best = n;
        }
    }
    return n_best;
}

/* ---- records ---- */

enum { MOST_KEPT = 64 }; /* of a length: what was long ago says little */

void draft_record_learn(struct draft_record *r, size_t end, int right)
{
    end = end < DRAFT_MAX_END ? end : DRAFT_MAX_END;
    if (r->n[end] == MOST_KEPT) {
        r->n[end] /= 2;
        r->n_right[end] /= 2;
    }
    r->n[end]++;
    r->n_right[end] += right != 0;
}

double draft_record_chance(const struct draft_record *r, size_t end)
{
    end = end < DRAFT_MAX_END ? end : DRAFT_MAX_END;
    return (r->n_right[end] + 1.0) / (r->n[end] + 2.0); /* one of two was right before anything is known */
}
