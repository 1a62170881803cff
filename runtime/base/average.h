/* The mean of what was measured lately (an exponential moving average). */
#ifndef RUNTIME_BASE_AVERAGE_H
#define RUNTIME_BASE_AVERAGE_H

/* Each new value counts a fifth: one that is far off, as after a pause of the system, moves the mean little, and ten
 * values later nine tenths of it are new. */
#define AVERAGE_SHARE 0.2

/* lately: so far, <= 0 before the first value. */
static inline double average_lately(double lately, double value)
{
    return lately > 0 ? (1 - AVERAGE_SHARE) * lately + AVERAGE_SHARE * value : value;
}

#endif
