#include "cli/load/statistics.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void statistics_sort(double *x, size_t n)
{
    if (n > 1) /* where there are none there may be no list */
        qsort(x, n, sizeof *x, by_size);
}

double statistics_percentile(const double *sorted, size_t n, double percent)
{
    if (n == 0)
        return NAN;
    double at = percent / 100 * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Two passes, so that large numbers with small differences keep these. */
static double deviation(const double *x, size_t n, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return n ? sum / (double)n : NAN;
}

struct statistics statistics_of(double *x, size_t n)
{
    statistics_sort(x, n);
    double mean = mean_of(x, n);
    return (struct statistics){
        .n = n,
        .mean = mean,
        .deviation = deviation(x, n, mean),
        .min = n ? x[0] : NAN,
        .max = n ? x[n - 1] : NAN,
        .p50 = statistics_percentile(x, n, 50),
        .p90 = statistics_percentile(x, n, 90),
        .p95 = statistics_percentile(x, n, 95),
        .p99 = statistics_percentile(x, n, 99),
        .p999 = statistics_percentile(x, n, 99.9),
    };
}

/* ---- Student's t ---- */

/* The regularised incomplete beta function, by its continued fraction (Lentz' method); converges quickly for
 * x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 1000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                              : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}

static double beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double t_probability(double t, double freedom)
{
    double tail = 0.5 * beta(freedom / 2, 0.5, freedom / (freedom + t * t));
    return t < 0 ? tail : 1 - tail;
}

double statistics_t(double p, double freedom)
{
    if (!(p > 0 && p < 1 && freedom > 0))
        return NAN;
    double low = -1, high = 1;
    while (t_probability(low, freedom) > p)
        low *= 2;
    while (t_probability(high, freedom) < p)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-13 * fmax(1, fabs(low)); i++) {
        double middle = (low + high) / 2;
        *(t_probability(middle, freedom) < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

/* ---- pairs ---- */

struct statistics_paired statistics_compare(const double *a, const double *b, size_t n)
{
    const double z = 1.959963984540054 + 0.8416212335729143; /* of 97.5 % and of 80 % */
    double *d = n ? malloc(n * sizeof *d) : NULL, mean_a = mean_of(a, n);
    struct statistics_paired p = {
        .n = n, .difference = NAN, .low = NAN, .high = NAN, .needed = NAN, .differs = false};
    for (size_t i = 0; d && i < n; i++)
        d[i] = b[i] - a[i];
    if (d) {
        p.difference = mean_of(d, n);
        double sd = deviation(d, n, p.difference);
        double half = n > 1 ? statistics_t(0.975, (double)(n - 1)) * sd / sqrt((double)n) : NAN;
        p.low = p.difference - half;
        p.high = p.difference + half;
        p.needed = n > 1 && mean_a > 0 ? ceil(pow(z * sd / (0.02 * mean_a), 2)) : NAN;
        p.differs = p.low > 0 || p.high < 0;
    }
    free(d);
    return p;
}
