#include "runtime/nn/dense.h"

#include "runtime/base/text.h"

#include <string.h>

static const struct {
    const char *name;
    enum activation act;
} activation_names[] = {
    {"gelu", ACT_GELU},
    {"gelu_new", ACT_GELU_TANH},
    {"gelu_pytorch_tanh", ACT_GELU_TANH},
    {"gelu_fast", ACT_GELU_TANH},
    {"relu", ACT_RELU},
    {"relu2", ACT_RELU2},
    {"silu", ACT_SILU},
    {"swish", ACT_SILU},
    {"tanh", ACT_TANH},
    {"clamped", ACT_CLAMPED},
    {"xielu", ACT_XIELU},
    {"none", ACT_NONE},
    {"identity", ACT_NONE},
    {"geglu", ACT_GELU},
    {"swiglu", ACT_SILU},
    {"reglu", ACT_RELU},
    {"gated-gelu", ACT_GELU_TANH},
    {"gated-gelu_new", ACT_GELU_TANH},
    {"gated-silu", ACT_SILU},
    {"gated-relu", ACT_RELU},
};

enum activation activation_by_name(struct hone_text name)
{
    for (size_t i = 0; i < sizeof activation_names / sizeof *activation_names; i++)
        if (text_is(name, activation_names[i].name))
            return activation_names[i].act;
    return N_ACTIVATIONS;
}

const char *activation_name(enum activation act)
{
    for (size_t i = 0; i < sizeof activation_names / sizeof *activation_names; i++)
        if (activation_names[i].act == act)
            return activation_names[i].name;
    return "none";
}

void activation_apply(const struct kernels *k, enum activation act, float *y, size_t n)
{
    switch (act) {
    case ACT_GELU:
        k->gelu(y, n);
        break;
    case ACT_GELU_TANH:
        k->gelu_tanh(y, n);
        break;
    case ACT_RELU:
        k->relu(y, n);
        break;
    case ACT_RELU2:
        k->relu(y, n);
        k->mul(y, y, n);
        break;
    case ACT_SILU:
        k->silu(y, n);
        break;
    case ACT_TANH:
        k->tanh(y, n);
        break;
    case ACT_NONE:
    case ACT_CLAMPED:
    case ACT_XIELU:
    case N_ACTIVATIONS:
        break;
    }
}

/* e^x - 1 is 2 t / (1 - t) with t the hyperbolic tangent of x / 2: exact near 0, too, where e^x - 1 itself would leave few digits. */
void activation_bent(const struct kernels *k, const struct activation_bend *bend, float *x, size_t n)
{
    float t[256];
    const struct activation_bend b = *bend;
    for (size_t first = 0; first < n; first += sizeof t / sizeof *t) {
        const size_t left = n - first, m = left < sizeof t / sizeof *t ? left : sizeof t / sizeof *t;
        float *y = x + first;
        for (size_t i = 0; i < m; i++)
            t[i] = (y[i] < b.least ? y[i] : b.least) / 2;
        k->tanh(t, m);
        for (size_t i = 0; i < m; i++) {
            const float below = (2 * t[i] / (1 - t[i]) - y[i]) * b.fall;
            y[i] = (y[i] > 0 ? b.rise * y[i] * y[i] : below) + b.bend * y[i];
        }
    }
}

/* silu(slope x) / slope is x sigmoid(slope x). Comparisons let NaN through. */
void activation_clamped(const struct kernels *k, struct activation_clamp clamp, float *x, float *y, size_t n)
{
    const float limit = clamp.limit;
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] > limit ? limit : x[i];
        y[i] = (y[i] > limit ? limit : y[i] < -limit ? -limit : y[i]) + 1;
    }
    k->scale(x, clamp.slope, n);
    k->silu(x, n);
    k->scale(x, 1 / clamp.slope, n);
    k->mul(x, y, n);
}
