/* What a forward pass reads beside the tensors of a file: tables that follow from its numbers. */
#include "runtime/load/load.h"
#include "runtime/nn/positions.h"

#include <math.h>
#include <stdlib.h>

static float *own_floats(struct net *m, size_t n, struct hone_error *err)
{
    float *table = calloc(n, sizeof *table);
    if (table && gguf_own_memory(m->gguf, table))
        return table;
    free(table);
    hone_no_memory(err, "positions", n * sizeof *table);
    return NULL;
}

/* ---- distances ---- */

/* All layers of a stack have the first one's table (T5), or each has its own (UMT5). */
static enum hone_status share_distances(const struct net *m, struct layer *layers, size_t n,
                                        const char *stack, struct hone_error *err)
{
    size_t n_tables = 0;
    for (size_t i = 0; i < n; i++)
        n_tables += layers[i].distance_bias != NULL;
    if (!layers[0].distance_bias || (n_tables > 1 && n_tables < n))
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: the tensors '%s.blk.N.attn_rel_b.weight' should be there of the first layer, or of "
            "all %zu, not of %zu%s",
            gguf_path(m->gguf), stack, n, n_tables, layers[0].distance_bias ? "" : " without the first");
    for (size_t i = 1; i < n; i++)
        if (!layers[i].distance_bias)
            layers[i].distance_bias = layers[0].distance_bias;
    return HONE_OK;
}

/* What a decoder's scores get for distances, once and for all. */
static enum hone_status make_buckets(struct net *m, struct hone_error *err)
{
    struct weights *w = &m->weights;
    const size_t n_heads = m->hp.n_heads, longest = m->hp.max_length;
    enum hone_status status = share_distances(m, w->layers, m->hp.n_layers, "enc", err);
    if (status == HONE_OK)
        status = share_distances(m, w->decoder_layers, m->hp.n_decoder_layers, "dec", err);
    w->n_past = longest;
    for (size_t i = 0; i < m->hp.n_decoder_layers && status == HONE_OK; i++) {
        struct layer *l = &w->decoder_layers[i], *before = i > 0 ? l - 1 : l;
        l->past_distances = before->past_distances;
        if (i > 0 && l->distance_bias == before->distance_bias)
            continue;
        float *table = own_floats(m, n_heads * longest, err);
        if (!table)
            return HONE_FAILED;
        distance_past_buckets(table, l->distance_bias, n_heads, longest);
        l->past_distances = table;
    }
    return status;
}

/* The same of a causal family with ALiBi, whose layers share one table. */
static enum hone_status make_alibi(struct net *m, struct hone_error *err)
{
    const struct hparams *hp = &m->hp;
    const size_t longest = hp->max_length;
    float *table = own_floats(m, hp->n_heads * longest, err);
    if (!table)
        return HONE_FAILED;
    if (m->arch->alibi_of_keys)
        distance_alibi_keys(table, hp->n_heads, longest, hp->alibi, sqrtf(hp->attn_divisor));
    else
        distance_past_alibi(table, hp->n_heads, longest, hp->alibi);
    m->weights.n_past = longest;
    for (size_t i = 0; i < hp->n_decoder_layers; i++)
        m->weights.decoder_layers[i].past_distances = table;
    return HONE_OK;
}

static enum hone_status make_distances(struct net *m, struct hone_error *err)
{
    if (m->arch->distance == DISTANCE_BUCKETS && !m->weights.distance_bias)
        return make_buckets(m, err);
    return m->hp.alibi > 0 ? make_alibi(m, err) : HONE_OK;
}

/* ---- positions, and norms without weights ---- */

/* Tables of positions that follow from their numbers, where the file has none. */
static enum hone_status make_positions(struct net *m, struct hone_error *err)
{
    const struct hparams *hp = &m->hp;
    struct weights *w = &m->weights;
    if (m->arch->positions == POSITIONS_AS_GIVEN || (w->position_embd && w->decoder_position_embd))
        return HONE_OK;
    float *table = own_floats(m, hp->max_length * hp->n_embd, err);
    if (!table)
        return HONE_FAILED;
    if (m->arch->positions == POSITIONS_FAIRSEQ)
        positions_fairseq(table, hp->max_length, hp->n_embd, (size_t)hp->padding + 1);
    else
        positions_sines(table, hp->max_length, hp->n_embd);
    w->position_embd = w->position_embd ? w->position_embd : table;
    w->decoder_position_embd = w->decoder_position_embd ? w->decoder_position_embd : table;
    return HONE_OK;
}

/* Whether queries and keys have such norms: of Llama 4's models, as llama.cpp tells them apart, not the one with 128 experts. */
static enum hone_status load_norms_heads(const struct net *m, bool *out, struct hone_error *err)
{
    *out = m->arch->norms_heads && m->hp.n_experts != 128;
    return m->arch->norms_heads ? gguf_get_bool(m->gguf, "hone.norms_heads", out, err) : HONE_OK;
}

/* Norms without weights, and what follows from the matrices that were found. */
static enum hone_status make_ones(struct net *m, struct hone_error *err)
{
    bool heads;
    const size_t n = m->hp.head_dim;
    enum hone_status status = load_norms_heads(m, &heads, err);
    const bool needed = status == HONE_OK && (heads || m->arch->norms_values);
    float *ones = needed ? own_floats(m, n, err) : NULL;
    if (status != HONE_OK || (needed && !ones))
        return status != HONE_OK ? status : HONE_FAILED;
    for (size_t i = 0; i < n && ones; i++)
        ones[i] = 1;
    m->weights.ones = m->arch->norms_values ? ones : NULL;
    for (size_t i = 0; i < m->hp.n_layers && heads; i++)
        if (!m->weights.layers[i].unrotated)
            m->weights.layers[i].q_norm = m->weights.layers[i].k_norm = (struct norm){.gamma = ones, .n = n};
    for (size_t i = 0; i < m->hp.n_layers && m->arch->causal; i++) {
        struct layer *l = &m->weights.layers[i];
        l->values_are_keys = l->attends && !l->borrows && l->qkv.n_parts == 2 && !l->qkv.fused;
    }
    return HONE_OK;
}

enum hone_status weights_make(struct net *m, struct hone_error *err)
{
    enum hone_status status = make_ones(m, err);
    if (status == HONE_OK)
        status = make_distances(m, err);
    return status == HONE_OK ? make_positions(m, err) : status;
}
