/* Of models whose layers recur: which layer has what, and the numbers and weights of those that do. */
#include "runtime/nn/recurrent/recurrent.h"

#include "runtime/base/sizes.h"
#include "runtime/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which layer has what ---- */

/* One number for each layer, with or without those that nothing reads, or one for all. */
static enum hone_status check_counts(const struct gguf *g, const char *key, const struct gguf_value *v,
                                     size_t n, size_t n_more, struct hone_error *err)
{
    if (!v || !v->is_array || (v->type != GGUF_STRING && (v->n == n || v->n == n + n_more)))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu numbers, one a layer", gguf_path(g),
                     key, n);
}

static const struct gguf_value *find(const struct arch *arch, const struct gguf *g, const char *suffix,
                                     char key[128])
{
    snprintf(key, 128, "%s.%s", arch->name, suffix);
    return gguf_find(g, key);
}

/* Whether layer i attends, where the others recur. */
struct attending {
    const struct gguf_value *heads, *recurs; /* a number or a flag for each layer; or NULL */
    size_t every;                            /* 0: all do */
};

static bool attends(const struct attending *a, size_t i)
{
    if (a->recurs && a->recurs->is_array)
        return gguf_int_at(a->recurs, i) == 0;
    if (a->heads && a->heads->is_array)
        return gguf_int_at(a->heads, i) > 0;
    return a->every == 0 || (i + 1) % a->every == 0;
}

/* Flags of layers with experts, or NULL: the file has none. */
static enum hone_status find_routed(const struct gguf *g, size_t n, const struct gguf_value **list,
                                    struct hone_error *err)
{
    static const char own[] = "hone.routed_layers";
    *list = gguf_find(g, own);
    if (!*list || ((*list)->is_array && (*list)->type == GGUF_BOOL && (*list)->n == n))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu flags, one a layer", gguf_path(g),
                     own, n);
}

/* Whether a file without such flags has a router there. */
static bool has_router(const struct gguf *g, size_t i)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%zu.ffn_gate_inp.weight", i);
    return gguf_find_tensor(g, name) != NULL;
}

/* Of layers that are halves of others, what the numbers of heads and widths say; and of those that feed forward, which have experts. */
static enum hone_status find_halves(const struct arch *arch, const struct gguf *g, size_t n, bool routed,
                                    uint8_t *kinds, struct hone_error *err)
{
    char key[128];
    size_t n_more = 0;
    find(arch, g, "nextn_predict_layers", key);
    enum hone_status status = gguf_get_size(g, key, SIZE_MAX / 2, &n_more, err);
    const struct gguf_value *widths = find(arch, g, "feed_forward_length", key), *list = NULL;
    if (status == HONE_OK)
        status = check_counts(g, key, widths, n, n_more, err);
    const struct gguf_value *heads = find(arch, g, "attention.head_count_kv", key);
    if (status == HONE_OK)
        status = check_counts(g, key, heads, n, n_more, err);
    if (status == HONE_OK && (!heads || !heads->is_array || !widths || !widths->is_array))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the keys '%s.attention.head_count_kv' and '%s.feed_forward_length' should be "
                         "%zu numbers each, one a layer",
                         gguf_path(g), arch->name, arch->name, n);
    if (status == HONE_OK)
        status = find_routed(g, n, &list, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        const bool feeds = gguf_int_at(widths, i) > 0;
        kinds[i] = feeds ? LAYER_FEEDS : gguf_int_at(heads, i) > 0 ? LAYER_ATTENDS : LAYER_RECURS;
        if (feeds && routed && (!list || gguf_int_at(list, i) != 0))
            kinds[i] |= LAYER_ROUTES;
    }
    return status;
}

static enum hone_status find_attending(const struct arch *arch, const struct gguf *g, size_t n,
                                       struct attending *out, struct hone_error *err)
{
    char key[128], key_more[128];
    size_t n_more = 0; /* layers that nothing reads */
    find(arch, g, "nextn_predict_layers", key_more);
    *out = (struct attending){.every = arch->attends_every};
    out->heads = find(arch, g, "attention.head_count_kv", key);
    enum hone_status status = gguf_get_size(g, key_more, SIZE_MAX / 2, &n_more, err);
    if (status == HONE_OK)
        status = check_counts(g, key, out->heads, n, n_more, err);
    out->recurs = find(arch, g, "attention.recurrent_layers", key);
    if (status == HONE_OK)
        status = check_counts(g, key, out->recurs, n, n_more, err);
    find(arch, g, "full_attention_interval", key);
    if (status == HONE_OK &&
        arch->attends_every > 0) /* written also where there are fewer layers than that */
        status = gguf_get_size(g, key, SIZE_MAX, &out->every, err);
    return status;
}

enum hone_status layers_kinds(const struct arch *arch, const struct gguf *g, size_t n, uint8_t *kinds,
                              struct hone_error *err)
{
    char key[128];
    struct attending mixed;
    const struct gguf_value *routed = NULL;
    size_t n_experts = 0, n_dense = 0, every = 0, n_borrowing = 0;
    find(arch, g, "expert_count", key);
    enum hone_status status = gguf_get_size(g, key, SIZE_MAX, &n_experts, err);
    if (status == HONE_OK && arch->halves)
        return find_halves(arch, g, n, n_experts > 0, kinds, err);
    find(arch, g, "leading_dense_block_count", key);
    if (status == HONE_OK)
        status = gguf_get_size(g, key, n, &n_dense, err);
    find(arch, g, "moe_every_n_layers", key);
    if (status == HONE_OK)
        status = gguf_get_size(g, key, SIZE_MAX, &every, err);
    find(arch, g, "attention.shared_kv_layers", key);
    if (status == HONE_OK)
        status = gguf_get_size(g, key, n, &n_borrowing, err);
    if (status == HONE_OK)
        status = find_attending(arch, g, n, &mixed, err);
    if (status == HONE_OK && arch->routed_by_tensor)
        status = find_routed(g, n, &routed, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        kinds[i] = LAYER_ATTENDS | LAYER_FEEDS;
        if (arch->recurs_alone)
            kinds[i] = LAYER_RECURS;
        else if (arch->recurs_beside)
            kinds[i] |= LAYER_RECURS;
        else if (arch->joined_blocks)
            kinds[i] = LAYER_RECURS | (attends(&mixed, i) ? LAYER_ATTENDS | LAYER_FEEDS : 0);
        else if (arch->recurrent != RECURRENT_NONE && !attends(&mixed, i))
            kinds[i] = LAYER_RECURS | LAYER_FEEDS;
        bool its_turn = every == 0 || i % every == 1;
        if (arch->routed_by_tensor)
            its_turn = routed ? gguf_int_at(routed, i) != 0 : has_router(g, i);
        if (n_experts > 0 && i >= n_dense && its_turn && (kinds[i] & LAYER_FEEDS))
            kinds[i] |= LAYER_ROUTES;
        if (i >= n - n_borrowing && (kinds[i] & LAYER_ATTENDS))
            kinds[i] |= LAYER_BORROWS;
    }
    return status;
}

static void mark(struct net *m, struct layer *layers, const uint8_t *kinds, size_t n)
{
    size_t n_attending = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        layers[i].kinds = kinds[i];
        layers[i].attends = kinds[i] & LAYER_ATTENDS;
        layers[i].recurs = kinds[i] & LAYER_RECURS;
        layers[i].feeds = kinds[i] & LAYER_FEEDS;
        layers[i].routes = kinds[i] & LAYER_ROUTES;
        layers[i].borrows = kinds[i] & LAYER_BORROWS;
        layers[i].kv_layer = n_attending;
        layers[i].state_at = at;
        n_attending += layers[i].attends && !layers[i].borrows;
        at += layers[i].recurs ? recurrent_layer_size(m) : 0;
    }
}

enum hone_status layers_mark_kinds(struct net *m, struct hone_error *err)
{
    size_t n = m->hp.n_layers, n_decoder = m->arch->has_decoder ? m->hp.n_decoder_layers : 0;
    size_t most = n > n_decoder ? n : n_decoder;
    uint8_t *kinds = calloc(most + 1, 1);
    if (!kinds)
        return hone_no_memory(err, "the layers", most);
    enum hone_status status = layers_kinds(m->arch, m->gguf, n, kinds, err);
    if (status == HONE_OK)
        mark(m, m->weights.layers, kinds, n);
    memset(kinds, LAYER_ATTENDS | LAYER_FEEDS, most);
    if (status == HONE_OK && n_decoder > 0)
        mark(m, m->weights.decoder_layers, kinds, n_decoder);
    free(kinds);
    return status;
}

bool layers_has(unsigned kinds, const struct tensor_spec *spec)
{
    size_t at = spec->offset;
    if (!(spec->flags & TENSOR_LAYER) || (spec->flags & TENSOR_DECODER))
        return true;
    if ((spec->flags & TENSOR_OWN_KV) && (kinds & LAYER_BORROWS))
        return false;
    if (((spec->flags & TENSOR_RECURS) && !(kinds & LAYER_RECURS)) ||
        ((spec->flags & TENSOR_ATTENDS) && !(kinds & LAYER_ATTENDS)))
        return false;
    if (spec->flags & TENSOR_ROUTED)
        return kinds & LAYER_ROUTES;
    if (at == LAYER_AT(qkv) || at == LAYER_AT(attn_out) || at == LAYER_AT(q_norm) || at == LAYER_AT(k_norm))
        return kinds & LAYER_ATTENDS;
    if (at >= LAYER_AT(recurrent) && at < LAYER_AT(recurrent) + sizeof(struct recurrent_weights))
        return kinds & LAYER_RECURS;
    if (spec->kind == TENSOR_EXPERTS || at == LAYER_AT(router) || at == LAYER_AT(experts_bias) ||
        (spec->flags & TENSOR_SHARED))
        return kinds & LAYER_ROUTES;
    if (at == LAYER_AT(ffn_up) || at == LAYER_AT(ffn_down))
        return (kinds & LAYER_FEEDS) && (!(kinds & LAYER_ROUTES) || (spec->flags & TENSOR_BESIDE));
    return at != LAYER_AT(ffn_norm) || (kinds & LAYER_FEEDS);
}

/* ---- numbers ---- */

static enum hone_status load_options(struct net *m, struct hone_error *err)
{
    char key[128];
    bool rotates = false;
    struct hparams *hp = &m->hp;
    snprintf(key, sizeof key, "%s.rope.scaling.finetuned", m->arch->name);
    enum hone_status status = gguf_get_bool(m->gguf, key, &rotates, err);
    if (m->arch->rotates_if_told && !rotates)
        hp->rope_base = 0;
    if (m->arch->recurrent == RECURRENT_SSM && hp->n_experts == 0 && hp->n_ff_shared > 0) {
        hp->n_ff = hp->n_ff_shared; /* the shared expert is all there is of a feed-forward layer */
        hp->n_ff_shared = 0;
    }
    hp->recurrent.inputs_eps = hp->norm_eps;
    if (hp->recurrent.norm_eps == 0)
        hp->recurrent.norm_eps = hp->norm_eps;
    if (hp->recurrent.write_scale == 0)
        hp->recurrent.write_scale = 1;
    snprintf(key, sizeof key, "%s.ssm.dt_b_c_rms", m->arch->name);
    if (status == HONE_OK && m->arch->recurrent == RECURRENT_SELECTIVE)
        status = gguf_get_bool(m->gguf, key, &hp->recurrent.norms_inputs, err);
    if (status == HONE_OK)
        status = gguf_get_float(m->gguf, "hone.recurrent_inputs_eps", &hp->recurrent.inputs_eps, err);
    if (status == HONE_OK)
        status = gguf_get_float(m->gguf, "hone.recurrent_time_floor", &hp->recurrent.time_floor, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.recurrent_norm_first", &hp->recurrent.norm_first, err);
    return status;
}

enum hone_status layers_load_recurrent(struct net *m, struct hone_error *err)
{
    const struct recurrent_shape *r = &m->hp.recurrent;
    const char *path = gguf_path(m->gguf);
    if (m->arch->recurrent == RECURRENT_NONE)
        return HONE_OK;
    if (m->hp.two_sided)
        return hone_fail(err, HONE_BAD_MODEL, "%s: attention to both sides is not supported in '%s'", path,
                         m->arch->name);
    if (m->arch->recurrent == RECURRENT_CONV)
        return HONE_OK;
    if (m->arch->recurrent == RECURRENT_SELECTIVE)
        return load_options(m, err);
    if (r->n_inner % r->n_heads != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: %zu recurrent heads cannot share a width of %zu", path,
                         r->n_heads, r->n_inner);
    if (r->n_heads % r->n_groups != 0 || r->n_inner % r->n_groups != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: %zu recurrent heads, %zu wide, cannot be in %zu groups",
                         path, r->n_heads, r->n_inner, r->n_groups);
    return load_options(m, err);
}

/* ---- weights ---- */

/* Those of a file are channel by channel; kernels read them token by token. */
static enum hone_status turn(struct net *m, struct layer *l, struct hone_error *err)
{
    const size_t n = recurrent_channels(m), n_rows = m->hp.recurrent.conv_len;
    const float *from = l->recurrent.conv;
    float *to = malloc(n * n_rows * sizeof *to);
    if (!to || !gguf_own_memory(m->gguf, to)) {
        free(to);
        return hone_no_memory(err, "a convolution", n * n_rows * sizeof *to);
    }
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < n_rows; i++)
            to[i * n + c] = from[c * n_rows + i];
    l->recurrent.conv = to;
    return HONE_OK;
}

/* Of channels that decay each for itself: in panels, as the kernel reads them. */
static enum hone_status panel_decay(struct net *m, struct layer *l, struct hone_error *err)
{
    const size_t n = m->hp.recurrent.n_inner, n_state = m->hp.recurrent.n_state;
    const size_t size = round_up(n, STATE_PANEL) * n_state;
    const float *from = l->recurrent.decay;
    float *to = calloc(size, sizeof *to);
    if (!to || !gguf_own_memory(m->gguf, to)) {
        free(to);
        return hone_no_memory(err, "what a state keeps", size * sizeof *to);
    }
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < n_state; i++)
            to[(c / STATE_PANEL * n_state + i) * STATE_PANEL + c % STATE_PANEL] = from[c * n_state + i];
    l->recurrent.decay = to;
    return HONE_OK;
}

enum hone_status layers_finish_recurrent(struct net *m, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < m->hp.n_layers && status == HONE_OK; i++) {
        struct layer *l = &m->weights.layers[i];
        if (l->recurs)
            status = turn(m, l, err);
        if (status == HONE_OK && l->recurs && m->arch->recurrent == RECURRENT_SELECTIVE)
            status = panel_decay(m, l, err);
    }
    return status;
}
