#include "kernels/scalar/scalar.h"

#include <math.h>

/* In double, so that rows of huge or equal values come out right too. */
void scalar_layer_norm(float *y, const float *x, const float *gamma, const float *beta, size_t n, float eps)
{
    double sum = 0, sum_of_squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        sum_of_squares += (x[i] - mean) * (x[i] - mean);
    const double inverse = 1 / sqrt(sum_of_squares / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((x[i] - mean) * inverse) * gamma[i] + (beta ? beta[i] : 0);
}

void scalar_rms_norm(float *y, const float *x, const float *gamma, size_t n, float eps)
{
    double sum_of_squares = 0;
    for (size_t i = 0; i < n; i++)
        sum_of_squares += (double)x[i] * x[i];
    const double inverse = 1 / sqrt(sum_of_squares / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(x[i] * inverse) * gamma[i];
}

void scalar_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void scalar_mul(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

void scalar_scale(float *y, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= s;
}

float scalar_dot(const float *x, const float *y, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

float scalar_max(const float *x, size_t n)
{
    float max = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (x[i] > max)
            max = x[i];
    return max;
}

void scalar_softmax(float *y, size_t n)
{
    const float max = scalar_max(y, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = expf(y[i] - max);
        sum += (double)y[i];
    }
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)y[i] / sum);
}
