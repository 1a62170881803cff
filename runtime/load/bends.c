/* xIELU's numbers in a file: keys that begin with no family's name, of each layer, or of all. */
#include "runtime/load/load.h"

#include <math.h>

static enum hone_status read_list(const struct net *m, const char *key, const struct gguf_value **out,
                                  struct hone_error *err)
{
    const struct gguf_value *v = *out = gguf_find(m->gguf, key);
    const size_t n = m->hp.n_layers;
    if (!v)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is missing", gguf_path(m->gguf), key);
    if (v->type == GGUF_STRING || v->type == GGUF_BOOL ||
        (v->is_array && v->n != n && v->n != n + m->hp.n_more_layers))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be a number, or %zu, one a layer",
                         gguf_path(m->gguf), key, n);
    for (size_t i = 0; i < v->n; i++)
        if (!isfinite(gguf_float_at(v, i)))
            return hone_fail(err, HONE_BAD_MODEL, "%s: element %zu of the key '%s' is no number",
                             gguf_path(m->gguf), i, key);
    return HONE_OK;
}

/* Files have what training learned, of which the logarithm of 1 + e^x counts. */
static double softplus(double x)
{
    return x > 30 ? x : log1p(exp(x));
}

enum hone_status layers_load_bends(struct net *m, struct hone_error *err)
{
    static const char *const keys[] = {"xielu.alpha_p", "xielu.alpha_n", "xielu.beta", "xielu.eps"};
    const struct gguf_value *lists[4];
    enum hone_status status = HONE_OK;
    if (m->hp.activation != ACT_XIELU)
        return status;
    if (m->hp.gated || m->hp.n_experts > 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the activation xielu is not supported in '%s'",
                         gguf_path(m->gguf), m->arch->name);
    for (size_t i = 0; i < 4 && status == HONE_OK; i++)
        status = read_list(m, keys[i], &lists[i], err);
    for (size_t i = 0; i < m->hp.n_layers && status == HONE_OK; i++) {
        double x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = gguf_float_at(lists[k], lists[k]->is_array ? i : 0);
        if (x[3] > 0)
            return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is %g, expected at most 0",
                             gguf_path(m->gguf), keys[3], x[3]);
        m->weights.layers[i].bend = (struct activation_bend){.rise = (float)softplus(x[0]),
                                                             .fall = (float)(x[2] + softplus(x[1])),
                                                             .bend = (float)x[2],
                                                             .least = (float)x[3]};
    }
    return status;
}
