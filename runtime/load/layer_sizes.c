#include "runtime/load/load.h"
#include "runtime/nn/kv/kv.h"

#include <stdio.h>
#include <stdlib.h>

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
    return known && m->arch->causal && m->arch->recurrent == RECURRENT_NONE && !m->arch->latent;
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
        layers[i].head_dim = layers[i].local ? hp->local_head_dim : hp->head_dim;
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
    if (!layers_differ(m) && m->hp.local_head_dim == m->hp.head_dim && m->hp.n_borrowing == 0)
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

/* ---- keys and values ---- */

/* The last layer before number `end` whose attention sees what l's does. */
static struct layer *find_lender(struct net *m, const struct layer *l, size_t end)
{
    for (size_t i = end; i-- > 0;) {
        struct layer *lender = &m->weights.layers[i];
        if (lender->attends && lender->local == l->local)
            return lender;
    }
    return NULL;
}

static bool is_plain(const struct net *m, const struct layer *l)
{
    return l->n_kv_heads == m->hp.n_kv_heads && l->head_dim == m->hp.head_dim;
}

/* What a cache has of each layer with keys and values of its own, where they are not all alike. */
static enum hone_status list_kv_layers(struct net *m, struct hone_error *err)
{
    bool plain = true;
    for (size_t i = 0; i < m->hp.n_layers; i++)
        plain = plain && is_plain(m, &m->weights.layers[i]);
    if (plain)
        return HONE_OK;
    struct kv_layer *list = calloc(m->hp.n_layers, sizeof *list);
    if (!list || !gguf_own_memory(m->gguf, list)) {
        free(list);
        return hone_no_memory(err, "the layers", m->hp.n_layers * sizeof *list);
    }
    for (size_t i = 0; i < m->hp.n_layers; i++) {
        const struct layer *l = &m->weights.layers[i];
        list[l->kv_layer] = (struct kv_layer){l->n_kv_heads, l->head_dim};
    }
    m->weights.kv_layers = list;
    return HONE_OK;
}

enum hone_status layers_lend(struct net *m, struct hone_error *err)
{
    const size_t n = m->hp.n_layers, first = n - m->hp.n_borrowing;
    for (size_t i = first; i < n; i++) {
        struct layer *l = &m->weights.layers[i], *lender = find_lender(m, l, first);
        if (!lender || lender->n_kv_heads != l->n_kv_heads)
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s: layer %zu has no keys and values of its own (attention.shared_kv_layers is "
                             "%zu), and no layer before it has any of its kind",
                             gguf_path(m->gguf), i, m->hp.n_borrowing);
        l->kv_layer = lender->kv_layer;
        lender->lends = true;
    }
    return m->arch->causal && m->arch->recurrent == RECURRENT_NONE ? list_kv_layers(m, err) : HONE_OK;
}
