/* What numbers say together: as numpy and scipy compute it. */
#ifndef CLI_LOAD_STATISTICS_H
#define CLI_LOAD_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* Of n numbers; NAN where there are none (deviation: fewer than two). */
struct statistics {
    size_t n;
    double mean, deviation; /* of a sample: the sum of squares over n - 1 */
    double min, max;
    double p50, p90, p95, p99, p999;
};

/* From the smallest to the largest. */
void statistics_sort(double *x, size_t n);

/* Sorts x. */
struct statistics statistics_of(double *x, size_t n);

/* Of n sorted numbers, between two of them by their distance (numpy's "linear"); NAN: there are none. */
double statistics_percentile(const double *sorted, size_t n, double percent);

/* Student's t: the value that a variable of `freedom` degrees of freedom stays below with probability p. */
double statistics_t(double p, double freedom);

/* How much b differs from a, pair by pair. */
struct statistics_paired {
    size_t n;
    double difference; /* the mean of b - a */
    double low, high;  /* its 95 % confidence interval, by Student's t; NAN: fewer than two pairs */
    /* Pairs that show a difference of 2 % of a's mean (two-sided, 5 %) in four of five tries, by what these vary. */
    double needed;
    bool differs; /* the interval does not hold 0 */
};

struct statistics_paired statistics_compare(const double *a, const double *b, size_t n);

#endif
