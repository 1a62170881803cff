#include "kernels/scalar/scalar.h"

#include <math.h>

void scalar_gelu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(0.5 * (double)y[i] * erfc((double)y[i] * -M_SQRT1_2));
}

void scalar_gelu_tanh(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double x = (double)y[i];
        y[i] = (float)(0.5 * x * (1 + tanh(0.5 * M_2_SQRTPI * M_SQRT2 * (x + 0.044715 * x * x * x))));
    }
}

void scalar_silu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)y[i] / (1 + exp(-(double)y[i])));
}

void scalar_relu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] < 0 ? 0 : y[i]; /* NaN stays NaN */
}

void scalar_tanh(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tanhf(y[i]);
}

void scalar_sigmoid(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(1 / (1 + exp(-(double)y[i])));
}
