#include "runtime/base/clock.h"

#include <time.h>

static uint64_t now(void *arg)
{
    struct timespec t;
    (void)arg;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

const struct clock clock_monotonic = {.now = now};
