/* From a file's tensors to the structs that the forward pass reads. */
#include "runtime/load/finder.h"
#include "runtime/load/load.h"
#include "runtime/nn/disentangled.h"
#include "runtime/nn/recurrent/recurrent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of layers that recur. */
static uint64_t recurrent_dim(const struct net *m, enum dim dim)
{
    const struct recurrent_shape *r = &m->hp.recurrent;
    const size_t n_heads = r->n_heads > 0 ? r->n_heads : 1, n_groups = r->n_groups > 0 ? r->n_groups : 1;
    const size_t sizes[N_DIMS] = {
        [DIM_CONV_LEN] = r->conv_len,
        [DIM_CHANNELS] = recurrent_channels(m),
        [DIM_RECURRENT_IN] = recurrent_in_width(m),
        [DIM_INNER] = r->n_inner,
        [DIM_STATE_HEADS] = r->n_heads,
        [DIM_STATE_HEADS2] = 2 * r->n_heads,
        [DIM_STATE_GROUPS] = r->n_groups,
        [DIM_STATE_KEYS] = r->n_groups * r->n_state,
        [DIM_GROUP_WIDTH] = r->n_inner / n_groups,
        [DIM_TIME_RANK] = r->time_rank,
        [DIM_STATE] = r->n_state,
        [DIM_SELECTED] = r->time_rank + 2 * r->n_state,
        [DIM_VALUE] = r->n_inner / n_heads,
    };
    return sizes[dim];
}

/* l: the layer whose tensor it is, or NULL. */
static uint64_t dim_size(const struct net *m, const struct layer *l, enum dim dim)
{
    const struct hparams *hp = &m->hp;
    const size_t n_heads = l ? l->n_heads : hp->n_heads, n_kv_heads = l ? l->n_kv_heads : hp->n_kv_heads,
                 n_ff = l ? l->n_ff : hp->n_ff, head_dim = l ? l->head_dim : hp->head_dim;
    if (dim >= DIM_CONV_LEN && dim <= DIM_VALUE)
        return recurrent_dim(m, dim);
    const size_t sizes[N_DIMS] = {
        [DIM_NONE] = 1,
        [DIM_EMBD] = hp->n_embd,
        [DIM_EMBD2] = 2 * hp->n_embd,
        [DIM_HEADS] = n_heads * head_dim,
        [DIM_QKV] = 3 * n_heads * head_dim,
        [DIM_KV] = n_kv_heads * head_dim,
        [DIM_QKV_GROUPED] = (n_heads + 2 * n_kv_heads) * head_dim,
        [DIM_HEAD] = head_dim,
        [DIM_PAIRS] = hp->n_rot / 2,
        [DIM_FF] = n_ff,
        [DIM_FF2] = 2 * n_ff,
        [DIM_VOCAB] = hp->n_vocab,
        [DIM_INPUT_VOCAB] = hp->n_input_vocab,
        [DIM_POSITIONS] = hp->n_positions,
        [DIM_TYPES] = hp->n_types,
        [DIM_BUCKETS] = hp->n_buckets,
        [DIM_DISTANCES] = disentangled_rows(hp),
        [DIM_TOKEN] = hp->n_token ? hp->n_token : hp->n_embd,
        [DIM_N_HEADS] = n_heads,
        [DIM_N_KV_HEADS] = n_kv_heads,
        [DIM_LABELS] = hp->n_labels,
        [DIM_EXPERTS] = hp->n_experts,
        [DIM_FF_EXPERT] = hp->n_ff_expert,
        [DIM_FF_SHARED] = hp->n_ff_shared,
        [DIM_ONE] = 1,
        [DIM_HEADS2] = 2 * n_heads * head_dim,
        [DIM_PER_LAYER] = hp->n_per_layer,
        [DIM_PER_LAYERS] = hp->n_layers * hp->n_per_layer,
        [DIM_PER_LAYER_ROWS] = hp->n_per_layer_rows,
        [DIM_FF_EXPERT2] = 2 * hp->n_ff_expert,
        [DIM_STREAMS] = hp->n_streams,
        [DIM_STREAMS2] = hp->n_streams * hp->n_streams,
        [DIM_LAUREL] = hp->n_laurel,
        [DIM_LATENT] = hp->n_latent,
        [DIM_LATENT_KEY] = hp->n_latent + hp->n_rot,
        [DIM_QUERY_LATENT] = hp->n_query_latent,
        [DIM_QUERIES] = n_heads * (hp->n_key + hp->n_rot),
        [DIM_KEY] = hp->n_key,
        [DIM_HEAD_VALUE] = hp->n_value,
        [DIM_VALUES] = n_heads * hp->n_value,
        [DIM_RANK] = hp->adaptation_rank,
        [DIM_RANKS] = hp->n_adaptations * hp->adaptation_rank,
        [DIM_ADAPTED_VOCAB] = hp->n_adaptations * hp->n_vocab,
        [DIM_ADAPTED_TYPES] = hp->n_adaptations * hp->n_types,
    };
    return sizes[dim];
}

/* ---- one row of the table ---- */

static bool first_layer_has(const struct net *m, const struct tensor_spec *spec)
{
    char name[128], full[160];
    const char *format = spec->gguf; /* ours, from the family's table */
    snprintf(name, sizeof name, format, 0U);
    return gguf_find_tensor(m->gguf, finder_suffixed(full, name, ".weight"));
}

static bool wanted(const struct net *m, const struct tensor_spec *spec)
{
    if (spec->flags & TENSOR_AS_FIRST)
        return first_layer_has(m, spec);
    if (spec->flags & TENSOR_MLM)
        return m->hp.pooling == POOL_SPLADE || m->hp.head == HEAD_WORDS;
    if (spec->flags & TENSOR_LM)
        return m->hp.generates ||
               gguf_find_tensor(m->gguf, finder_suffixed((char[160]){0}, spec->gguf, ".weight"));
    if ((spec->flags & TENSOR_GATE) && !m->hp.gated)
        return false;
    if (spec->flags & (TENSOR_OWN_KEY | TENSOR_OWN_QUERY))
        return m->hp.own_positions && (spec->flags & TENSOR_OWN_KEY ? m->hp.meets_key : m->hp.meets_query);
    if (((spec->flags & TENSOR_TOKEN_PROJ) && !m->hp.n_token) ||
        ((spec->flags & TENSOR_SHARED) && !m->hp.n_ff_shared) ||
        ((spec->flags & TENSOR_ADAPTED) && m->hp.n_adaptations == 0) ||
        ((spec->flags & TENSOR_PER_LAYER) && !m->hp.n_per_layer) ||
        ((spec->flags & TENSOR_QUERY_LATENT) && !m->hp.n_query_latent) ||
        ((spec->flags & TENSOR_QUERY_WHOLE) && m->hp.n_query_latent) ||
        ((spec->flags & TENSOR_SIGMOID) && m->hp.routing != ROUTE_SIGMOID))
        return false;
    bool own = m->hp.head == HEAD_LABELS || m->arch->tokens_through_head || spec->offset == AT(cls_out);
    return !(spec->flags & TENSOR_HEAD) || (m->hp.n_labels > 0 && !m->hp.scores_by_steps && own);
}

/* Whether the file has all rows of a matrix in one tensor; its parts may have the same name. */
static bool is_fused(const struct finder *f, const struct tensor_spec *spec, const struct layer *l,
                     const char *name)
{
    char full[160];
    const struct gguf_tensor *t = gguf_find_tensor(f->m->gguf, finder_suffixed(full, name, ".weight"));
    return t && t->dims[1] == dim_size(f->m, l, spec->rows); /* no decoder behind an encoder has such */
}

static bool has_weight(const struct finder *f, const char *name)
{
    char full[160];
    return gguf_find_tensor(f->m->gguf, finder_suffixed(full, name, ".weight"));
}

/* What is in the file of a layer that borrows keys and values is nobody's. */
static void pass_over(const struct finder *f, const struct tensor_spec *spec, unsigned i_layer)
{
    static const char *const suffixes[] = {".weight", ".bias"};
    char name[128], full[160];
    const char *format = spec->gguf; /* ours, from the family's table */
    snprintf(name, sizeof name, format, i_layer);
    for (size_t i = 0; i < 2 && (spec->flags & TENSOR_OWN_KV); i++) {
        const struct gguf_tensor *t = gguf_find_tensor(f->m->gguf, finder_suffixed(full, name, suffixes[i]));
        if (t)
            f->used[gguf_tensor_index(f->m->gguf, t)] = true;
    }
}

static enum hone_status find_tensor(const struct finder *f, const struct tensor_spec *spec, unsigned i_layer,
                                    char *out)
{
    char name[128], full[160];
    const char *format = spec->gguf; /* ours, from the family's table */
    const struct net *m = spec->flags & TENSOR_DECODER ? net_decoder(f->m) : f->m;
    struct embedding *table = (struct embedding *)out;
    struct dense *dense = (struct dense *)out;
    struct norm *norm = (struct norm *)out;
    const struct layer *l = spec->flags & TENSOR_LAYER ? (const struct layer *)(out - spec->offset) : NULL;
    uint64_t rows = dim_size(m, l, spec->rows), cols = spec->cols ? dim_size(m, l, spec->cols) : 0;
    bool required = !(spec->flags & TENSOR_OPTIONAL);
    const char *suffix = spec->flags & TENSOR_BARE ? "" : ".weight";
    snprintf(name, sizeof name, format, i_layer);
    switch (spec->kind) {
    case TENSOR_TABLE:
        return finder_tensor(f, finder_suffixed(full, name, ".weight"), rows, cols, required, &table->table);
    case TENSOR_FLOATS:
        return finder_floats(f, finder_suffixed(full, name, suffix), rows, cols, required,
                             (const float **)out);
    case TENSOR_NORM:
        norm->n = cols ? cols : rows;
        norm->each = cols > 0;
        if (norm->each)
            return finder_floats(f, finder_suffixed(full, name, ".weight"), rows, cols, required,
                                 &norm->gamma);
        return (spec->flags & TENSOR_BARE) && gguf_find_tensor(f->m->gguf, name)
                   ? finder_floats(f, name, rows, 0, required, &norm->gamma)
                   : finder_norm(f, name, rows, spec->flags, norm);
    case TENSOR_DENSE:
        if ((spec->flags & TENSOR_FUSED) ? !is_fused(f, spec, l, name) : dense->fused)
            return HONE_OK;
        dense->fused = spec->flags & TENSOR_FUSED;
        dense->narrow = (spec->flags & TENSOR_LAYER) && !(spec->flags & TENSOR_EXACT);
        return finder_part(f, name, rows, cols, spec->flags, dense);
    case TENSOR_EXPERTS:
        if ((spec->flags & TENSOR_FUSED) ? !has_weight(f, name)
                                         : *(struct dense **)out && (*(struct dense **)out)->fused)
            return HONE_OK;
        return finder_slices(f, name, f->m->hp.n_experts, rows, cols, spec->flags, (struct dense **)out);
    case TENSOR_STREAMS:
        return finder_slices(f, name, f->m->hp.n_streams - 1, rows, cols, spec->flags, (struct dense **)out);
    case TENSOR_HEADS:
        return latent_find(f, name, spec->offset == LAYER_AT(value_up), (struct dense **)out);
    }
    return HONE_OK;
}

/* ---- all of them ---- */

/* What old files keep of rotary positions, which follow from the model's numbers. */
static bool follows(const struct net *m, const char *name)
{
    return m->arch->causal && strstr(name, ".attn_rot_embd.");
}

/* Layers that guess further tokens, which is a draft's affair. */
static bool is_passed_over(const struct net *m, const char *name)
{
    unsigned i_layer;
    return m->hp.n_more_layers > 0 && sscanf(name, "blk.%u.", &i_layer) == 1 && i_layer >= m->hp.n_layers;
}

static enum hone_status check_used(const struct finder *f, bool force)
{
    const struct gguf *g = f->m->gguf;
    struct weights *w = &f->m->weights;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const char *name = gguf_tensor_at(g, i)->name;
        if (!f->used[i] && !follows(f->m, name) && !is_passed_over(f->m, name) && w->n_unread++ == 0)
            w->unread = name;
    }
    if (w->n_unread == 0 || force)
        return HONE_OK;
    if (strncmp(w->unread, "v.", 2) == 0 || strncmp(w->unread, "mm.", 3) == 0 ||
        strncmp(w->unread, "a.", 2) == 0)
        return hone_fail(
            f->err, HONE_BAD_MODEL,
            "%s: the tensor '%s' is of the part that reads images or sound, which hone does not; "
            "--force opens the text model alone",
            gguf_path(g), w->unread);
    return hone_fail(f->err, HONE_BAD_MODEL,
                     "%s: nothing reads the tensor '%s' in a model of type '%s'; --force opens it anyway",
                     gguf_path(g), w->unread, f->m->arch->name);
}

static size_t n_tensors(const struct net *m, const struct tensor_spec *spec)
{
    if (spec->flags & TENSOR_DECODER)
        return m->hp.n_decoder_layers;
    return spec->flags & TENSOR_LAYER ? m->hp.n_groups : 1;
}

static enum hone_status find_all(const struct finder *f)
{
    struct net *m = f->m;
    enum hone_status status = HONE_OK;
    for (const struct tensor_spec *spec = m->arch->tensors; spec->gguf && status == HONE_OK; spec++) {
        bool layer = spec->flags & TENSOR_LAYER;
        size_t repeat = n_tensors(m, spec);
        struct layer *layers = spec->flags & TENSOR_DECODER ? m->weights.decoder_layers : m->weights.layers;
        for (size_t i = 0; i < repeat && wanted(m, spec) && status == HONE_OK; i++) {
            char *base = layer ? (char *)&layers[i] : (char *)&m->weights;
            if (layer && !layers_has(layers[i].kinds, spec)) {
                pass_over(f, spec, (unsigned)i);
                continue;
            }
            status = find_tensor(f, spec, (unsigned)i, base + spec->offset);
        }
    }
    if (status == HONE_OK && m->hp.generates && m->weights.output.n_parts == 0)
        status = finder_part(f, "token_embd", m->hp.n_vocab, m->hp.n_token ? m->hp.n_token : m->hp.n_embd,
                             TENSOR_NO_BIAS, &m->weights.output);
    if (status == HONE_OK)
        status = steps_find(f);
    if (status == HONE_OK && m->hp.head == HEAD_SPANS)
        status = spans_find(f);
    if (m->hp.pooling == POOL_SPLADE)
        m->hp.n_out = m->hp.n_vocab;
    return status;
}

/* How many matrices a tensor of the row has. */
static size_t n_slices(const struct net *m, const struct tensor_spec *spec)
{
    return spec->kind == TENSOR_EXPERTS   ? m->hp.n_experts
           : spec->kind == TENSOR_HEADS   ? m->hp.n_heads
           : spec->kind == TENSOR_STREAMS ? m->hp.n_streams
                                          : 1;
}

static size_t table_size(const struct net *m)
{
    size_t n = 2 * MAX_STEPS + 1 + 2 + SPAN_MATRICES; /* steps, an output, heads of tokens, one of spans */
    for (const struct tensor_spec *spec = m->arch->tensors; spec->gguf; spec++)
        n += n_tensors(m, spec) * n_slices(m, spec);
    return n;
}

static size_t n_all_layers(const struct net *m)
{
    return m->hp.n_layers + (m->arch->has_decoder ? m->hp.n_decoder_layers : 0);
}

enum hone_status weights_find(struct net *m, bool force, struct hone_error *err)
{
    struct weights *w = &m->weights;
    struct finder f = {.m = m, .err = err};
    size_t n_dense = table_size(m);
    w->layers = calloc(n_all_layers(m), sizeof *w->layers);
    w->dense = calloc(n_dense, sizeof *w->dense);
    f.used = calloc(gguf_n_tensors(m->gguf) + 1, sizeof *f.used);
    enum hone_status status = HONE_OK;
    if (!w->layers || !w->dense || !f.used)
        status = hone_no_memory(err, "the layer table", n_all_layers(m) * sizeof *w->layers);
    w->decoder_layers = m->arch->has_decoder && w->layers ? w->layers + m->hp.n_layers : w->layers;
    if (status == HONE_OK)
        status = layers_mark_kinds(m, err);
    if (status == HONE_OK)
        status = layers_mark_local(m, err);
    if (status == HONE_OK)
        status = layers_set_sizes(m, err);
    if (status == HONE_OK)
        status = layers_lend(m, err);
    if (status == HONE_OK)
        status = altup_mark_layers(m, err);
    if (status == HONE_OK)
        status = layers_load_bends(m, err);
    if (status == HONE_OK)
        status = find_all(&f);
    if (status == HONE_OK)
        status = layers_finish_recurrent(m, err);
    if (status == HONE_OK)
        status = check_used(&f, force);
    if (status == HONE_OK)
        status = weights_make(m, err);
    free(f.used);
    return status;
}
