/* The time that passes. Who needs it is handed a struct clock: the system's, or that of a test, which says itself what
 * time it is and what computing costs, so that what happens in time can be simulated, event by event. */
#ifndef RUNTIME_BASE_CLOCK_H
#define RUNTIME_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    /* Nanoseconds since some moment, which never go back. Any thread may ask at any time. */
    uint64_t (*now)(void *arg);
    /* n_tokens have been computed, in one pass through a model. NULL: time passes by itself meanwhile. */
    void (*computed)(void *arg, size_t n_tokens);
    void *arg;
};

/* The system's: CLOCK_MONOTONIC. */
extern const struct clock clock_monotonic;

static inline uint64_t clock_now(const struct clock *c)
{
    return c->now(c->arg);
}

static inline double clock_seconds(const struct clock *c)
{
    return 1e-9 * (double)clock_now(c);
}

/* To be called after each pass, by whoever measures how long it took. */
static inline void clock_computed(const struct clock *c, size_t n_tokens)
{
    if (c->computed)
        c->computed(c->arg, n_tokens);
}

#endif
