#include "runtime/serve/tuner.h"

#include "runtime/base/order.h"

#include <stdlib.h>

#define FACTOR 1.25 /* of a change */
#define WORSE  1.03 /* the mean latency by more than this: the change is taken back */
#define BETTER 0.97 /* less than this: it has helped; else the other setting is tried */

void tuner_init(struct tuner *t, const struct tuner_bounds *bounds)
{
    *t = (struct tuner){.bounds = *bounds, .grows = {false, true}};
}

static uint64_t within(double value, uint64_t least, uint64_t most)
{
    return value <= (double)least ? least : value >= (double)most ? most : (uint64_t)value;
}

/* One step on the axis; false: a bound was reached already. */
static bool step(const struct tuner *t, struct policy_options *o, bool grow)
{
    double factor = grow ? FACTOR : 1 / FACTOR;
    uint64_t window = o->window;
    size_t batch = o->batch_tokens;
    if (t->axis == TUNE_WINDOW)
        o->window = within((double)window * factor, t->bounds.min_window, t->bounds.max_window);
    else
        o->batch_tokens = within((double)batch * factor, t->bounds.min_batch, t->bounds.max_batch);
    return o->window != window || o->batch_tokens != batch;
}

static void other_axis(struct tuner *t)
{
    t->axis = t->axis == TUNE_WINDOW ? TUNE_BATCH : TUNE_WINDOW;
}

static void take_step(struct tuner *t, struct policy_options *o)
{
    if (step(t, o, t->grows[t->axis]))
        t->n_steps++;
    else
        t->grows[t->axis] = !t->grows[t->axis];
}

static void decide(struct tuner *t, struct policy_options *o, double latency)
{
    bool is_good = t->bounds.p99_goal > 0 && latency <= (double)t->bounds.p99_goal;
    if (t->before > 0 && latency > WORSE * t->before && !is_good) {
        (void)step(t, o, !t->grows[t->axis]);
        t->n_undone++;
        t->grows[t->axis] = !t->grows[t->axis];
        other_axis(t);
        t->before = 0; /* the next replies tell what it is without the change */
        return;
    }
    if (t->before > 0 && latency > BETTER * t->before)
        other_axis(t); /* it makes no difference */
    t->before = is_good ? 0 : latency;
    if (!is_good)
        take_step(t, o);
}

static double mean(const struct tuner *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += (double)t->latencies[i];
    return sum / (double)t->n;
}

/* The largest but one in a hundred. */
static double p99(struct tuner *t)
{
    qsort(t->latencies, t->n, sizeof *t->latencies, order_uint64);
    size_t above = t->n / 100;
    return (double)t->latencies[t->n - 1 - above];
}

void tuner_reply(struct tuner *t, struct policy_options *options, uint64_t latency)
{
    t->latencies[t->n++] = latency;
    if (t->n < TUNER_REPLIES)
        return;
    decide(t, options, t->bounds.p99_goal > 0 ? p99(t) : mean(t));
    t->n = 0;
}
