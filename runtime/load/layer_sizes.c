#include "runtime/load/load.h"

#include <stdio.h>

static const struct {
    const char *suffix;
    size_t in_hparams, in_layer;
} layer_keys[] = {
    {"attention.head_count", PARAM(n_heads), offsetof(struct layer, n_heads)},
    {"attention.head_count_kv", PARAM(n_kv_heads), offsetof(struct layer, n_kv_heads)},
    {"feed_forward_length", PARAM(n_ff), offsetof(struct layer, n_ff)},
};
#define N_LAYER_KEYS (sizeof layer_keys / sizeof *layer_keys)

bool layers_differ_in(const struct net *m, size_t offset)
{
    bool known = false;
    for (size_t i = 0; i < N_LAYER_KEYS; i++)
        known |= layer_keys[i].in_hparams == offset;
    return known && m->arch->causal && m->arch->recurrent == RECURRENT_NONE;
}

/* The array, or NULL. */
static const struct gguf_value *array_of(const struct net *m, size_t i)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", m->arch->name, layer_keys[i].suffix);
    const struct gguf_value *v = gguf_find(m->gguf, key);
    return v && v->is_array && layers_differ_in(m, layer_keys[i].in_hparams) ? v : NULL;
}

bool layers_differ(const struct net *m)
{
    return array_of(m, 0) || array_of(m, 1);
}

static void set_all(struct layer *layers, size_t n, const struct hparams *hp)
{
    for (size_t i = 0; i < n; i++) {
        layers[i].n_heads = hp->n_heads;
        layers[i].n_kv_heads = hp->n_kv_heads;
        layers[i].n_ff = hp->n_ff;
    }
}

enum hone_status layers_set_sizes(struct net *m, struct hone_error *err)
{
    char key[128];
    struct weights *w = &m->weights;
    set_all(w->layers, m->hp.n_layers, &m->hp);
    if (w->decoder_layers != w->layers)
        set_all(w->decoder_layers, m->hp.n_decoder_layers, &net_decoder(m)->hp);
    for (size_t k = 0; k < N_LAYER_KEYS; k++) {
        const struct gguf_value *v = array_of(m, k);
        for (size_t i = 0; v && i < m->hp.n_layers; i++)
            *(size_t *)((char *)&w->layers[i] + layer_keys[k].in_layer) = (size_t)gguf_int_at(v, i);
    }
    snprintf(key, sizeof key, "%s.attention.head_count_kv", m->arch->name);
    for (size_t i = 0; i < m->hp.n_layers && array_of(m, 0) && !gguf_find(m->gguf, key); i++)
        w->layers[i].n_kv_heads = w->layers[i].n_heads; /* nothing says that they share any */
    if (!layers_differ(m))
        return HONE_OK;
    if (m->hp.two_sided)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: attention to both sides by layers that have heads of their own is not supported",
            gguf_path(m->gguf));
    for (size_t i = 0; i < m->hp.n_layers; i++)
        if (w->layers[i].n_heads % w->layers[i].n_kv_heads != 0)
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s: the %zu attention heads of layer %zu cannot share %zu of keys and values",
                             gguf_path(m->gguf), w->layers[i].n_heads, i, w->layers[i].n_kv_heads);
    return HONE_OK;
}
