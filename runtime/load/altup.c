/* Gemma 3n in a file: how many rows a token has, and which feed-forward layers shut most of their gates. */
#include "runtime/load/load.h"

#include <math.h>
#include <stdio.h>

#define MAX_LAUREL (1 << 14) /* rows; Gemma 3n has 64 */

enum hone_status altup_load(struct net *m, struct hone_error *err)
{
    struct hparams *hp = &m->hp;
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, "blk.0.laurel_l.weight");
    if (!m->arch->altup)
        return HONE_OK;
    if (hp->n_streams < 2 || hp->active_stream >= hp->n_streams)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: of %zu rows of a token (altup.num_inputs) layers compute number %zu (altup.active_idx)",
            gguf_path(m->gguf), hp->n_streams, hp->active_stream);
    if (hp->n_per_layer == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '%s.embedding_length_per_layer_input' is 0, expected at least 1",
                         gguf_path(m->gguf), m->arch->name);
    if (hp->two_sided)
        return hone_fail(err, HONE_BAD_MODEL, "%s: attention to both sides is not supported in '%s'",
                         gguf_path(m->gguf), m->arch->name);
    if (t && (t->dims[1] == 0 || t->dims[1] > MAX_LAUREL))
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %llu rows, expected at most %d",
                         gguf_path(m->gguf), t->name, (unsigned long long)t->dims[1], MAX_LAUREL);
    hp->n_laurel = t ? (size_t)t->dims[1] : 1; /* the table asks for it */
    return HONE_OK;
}

/* Old files do not say, and models of that time are Google's: 95 in 100 gates of the first ten layers are shut. */
#define USUAL_LAYERS     10
#define USUAL_DEVIATIONS 1.6448536F

enum hone_status altup_mark_layers(struct net *m, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.activation_sparsity_scale", m->arch->name);
    const struct gguf_value *v = m->arch->altup ? gguf_find(m->gguf, key) : NULL;
    if (v && (!v->is_array || v->type == GGUF_STRING || v->n != m->hp.n_layers))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu numbers, one a layer",
                         gguf_path(m->gguf), key, m->hp.n_layers);
    for (size_t i = 0; i < m->hp.n_layers && m->arch->altup; i++) {
        struct layer *l = &m->weights.layers[i];
        const double x = v ? gguf_float_at(v, i) : (double)USUAL_DEVIATIONS;
        if (isnan(x) || (isinf(x) && x > 0))
            return hone_fail(err, HONE_BAD_MODEL, "%s: element %zu of the key '%s' is no number",
                             gguf_path(m->gguf), i, key);
        l->shuts = v ? !isinf(x) : m->hp.n_layers > USUAL_LAYERS && i < USUAL_LAYERS;
        l->deviations = l->shuts ? (float)x : 0;
    }
    return HONE_OK;
}
