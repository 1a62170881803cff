#include "kernels/scalar/scalar.h"

#include <math.h>

/* One token of one value. */
static float step(const struct recurrence_args *a, size_t token, size_t value)
{
    const float *q = a->q + token * a->ld_in, *k = a->k + token * a->ld_in;
    const float decay = a->decay[token * a->ld_gates], weight = a->weight[token * a->ld_gates];
    float *state = a->state + value / STATE_PANEL * STATE_PANEL * a->n_keys + value % STATE_PANEL;
    double said = 0, out = 0;
    for (size_t i = 0; i < a->n_keys && a->delta; i++)
        said += (double)k[i] * state[i * STATE_PANEL];
    const float v = a->v[token * a->ld_in + value];
    const float u = weight * (a->delta ? v - decay * (float)said : v);
    for (size_t i = 0; i < a->n_keys; i++) {
        float *s = state + i * STATE_PANEL;
        *s = decay * *s + k[i] * u;
        out += (double)q[i] * *s;
    }
    return (float)out;
}

void scalar_recurrence(const struct recurrence_args *a)
{
    for (size_t value = 0; value < a->n_values; value++)
        for (size_t t = 0; t < a->n_tokens; t++)
            a->out[t * a->ld_out + value] = step(a, t, value);
}

static float scan_step(const struct selective_scan_args *a, size_t token, size_t value)
{
    const float *q = a->q + token * a->ld_keys, *k = a->k + token * a->ld_keys;
    const size_t at = value / STATE_PANEL * STATE_PANEL * a->n_keys + value % STATE_PANEL;
    const float x = a->x[token * a->ld_values + value];
    const double in = a->times[token * a->ld_values + value];
    const double time = in > 0 ? in + log1p(exp(-in)) : log1p(exp(in));
    double out = (double)a->skip[value] * x;
    for (size_t i = 0; i < a->n_keys; i++) {
        float *h = a->state + at + i * STATE_PANEL;
        *h = (float)(exp(a->decay[at + i * STATE_PANEL] * time) * *h + time * x * k[i]);
        out += (double)q[i] * *h;
    }
    return (float)out;
}

void scalar_selective_scan(const struct selective_scan_args *a)
{
    for (size_t value = 0; value < a->n_values; value++)
        for (size_t t = 0; t < a->n_tokens; t++)
            a->out[t * a->ld_values + value] = scan_step(a, t, value);
}

void scalar_convolution(float *out, const float *const *rows, size_t n_rows, const float *weights,
                        const float *bias, size_t n)
{
    for (size_t c = 0; c < n; c++) {
        out[c] = bias ? bias[c] : 0;
        for (size_t i = 0; i < n_rows; i++)
            out[c] += rows[i] ? weights[i * n + c] * rows[i][c] : 0;
    }
}
