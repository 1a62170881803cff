#include "runtime/serve/tuner.h"

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

static void decide(struct tuner *t, struct policy_options *o, double mean)
{
    if (t->before > 0 && mean > WORSE * t->before) {
        (void)step(t, o, !t->grows[t->axis]);
        t->grows[t->axis] = !t->grows[t->axis];
        other_axis(t);
        t->before = 0; /* the next replies tell what it is without the change */
        return;
    }
    if (t->before > 0 && mean > BETTER * t->before)
        other_axis(t); /* it makes no difference */
    if (!step(t, o, t->grows[t->axis]))
        t->grows[t->axis] = !t->grows[t->axis];
    t->before = mean;
}

void tuner_reply(struct tuner *t, struct policy_options *options, uint64_t latency)
{
    t->sum += (double)latency;
    if (++t->n < TUNER_REPLIES)
        return;
    decide(t, options, t->sum / (double)t->n);
    t->sum = 0;
    t->n = 0;
}
