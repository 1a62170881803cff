/* The numbers that a model file says of itself. */
#include "runtime/base/text.h"
#include "runtime/load/finder.h"
#include "runtime/load/load.h"
#include "runtime/nn/positions.h"
#include "runtime/nn/rope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hparams_key(const struct net *m, const char *suffix, char key[128])
{
    snprintf(key, 128, "%s.%s", m->arch->name, suffix);
    return key;
}

static enum hone_status load_size(struct net *m, const struct param_spec *p, const char *key, size_t *out,
                                  struct hone_error *err)
{
    enum hone_status status = gguf_get_size(m->gguf, key, p->max, out, err);
    bool may_be_none =
        p->kind == PARAM_COUNT || p->offset == PARAM(window); /* Phi-4's window in llama.cpp's files */
    if (status == HONE_OK && *out == 0 && !may_be_none)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is 0, expected 1 to %zu", gguf_path(m->gguf),
                         key, p->max);
    return status;
}

/* Of a number a layer the largest, where all others are 0: of layers that do without. */
static enum hone_status load_most(struct net *m, const struct param_spec *p, const char *key, size_t *out,
                                  struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(m->gguf, key);
    int64_t most = 0;
    bool right = v->type != GGUF_STRING && v->n == m->hp.n_layers;
    for (size_t i = 0; i < v->n && right; i++) {
        int64_t x = gguf_int_at(v, i);
        right = x >= 0 && x <= (int64_t)p->max && (x == 0 || most == 0 || x == most);
        most = x > most ? x : most;
    }
    *out = (size_t)most;
    if (right && (most > 0 || m->arch->recurrent != RECURRENT_NONE))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the key '%s' should be %zu numbers, one a layer, each 0 or the same up to %zu",
                     gguf_path(m->gguf), key, m->hp.n_layers, p->max);
}

/* Of a number a layer the largest; load.h's layers_set_sizes has each. */
static enum hone_status load_largest(struct net *m, const struct param_spec *p, const char *key, size_t *out,
                                     struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(m->gguf, key);
    bool right = v->type != GGUF_STRING && v->n == m->hp.n_layers;
    *out = 0;
    for (size_t i = 0; i < v->n && right; i++) {
        int64_t x = gguf_int_at(v, i);
        right = x > 0 && x <= (int64_t)p->max;
        *out = right && (size_t)x > *out ? (size_t)x : *out;
    }
    if (right)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu numbers from 1 to %zu, one a layer",
                     gguf_path(m->gguf), key, m->hp.n_layers, p->max);
}

/* Of the names in p->gguf the first that the file has, or else the first: as a key, and whether the file has it. */
static bool find_param(const struct net *m, const struct param_spec *p, char key[128])
{
    const char *name = p->gguf;
    for (size_t n = strcspn(name, "|"); name[n]; name += n + 1, n = strcspn(name, "|")) {
        snprintf(key, 128, "%s.%.*s", m->arch->name, (int)n, name);
        if (gguf_find(m->gguf, key))
            return true;
    }
    if (gguf_find(m->gguf, hparams_key(m, name, key)))
        return true;
    snprintf(key, 128, "%s.%.*s", m->arch->name, (int)strcspn(p->gguf, "|"), p->gguf);
    return false;
}

static enum hone_status load_param(struct net *m, const struct param_spec *p, struct hone_error *err)
{
    char key[128];
    void *out = (char *)&m->hp + p->offset;
    bool found = find_param(m, p, key);
    if (!found && p->otherwise < 0)
        return HONE_OK;
    if (!found && p->otherwise == 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is missing", gguf_path(m->gguf), key);
    if (p->kind == PARAM_FLOAT || p->kind == PARAM_INVERSE_ROOT) {
        *(float *)out = (float)p->otherwise;
        return gguf_get_float(m->gguf, key, out, err);
    }
    *(size_t *)out = p->otherwise > 0 ? (size_t)p->otherwise : 0;
    if (!found && p->kind == PARAM_FF)
        *(size_t *)out = 4 * m->hp.n_embd;
    const bool of_some = p->offset == PARAM(n_kv_heads) || (m->arch->halves && p->offset == PARAM(n_ff));
    if (found && of_some && m->arch->recurrent != RECURRENT_NONE && gguf_find(m->gguf, key)->is_array)
        return load_most(m, p, key, out, err);
    if (found && layers_differ_in(m, p->offset) && gguf_find(m->gguf, key)->is_array)
        return load_largest(m, p, key, out, err);
    return found ? load_size(m, p, key, out, err) : HONE_OK;
}

enum hone_status hparams_table_rows(const struct net *m, const char *name, size_t max, size_t *rows,
                                    struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, name);
    if (t && t->dims[1] > max)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %llu rows, expected at most %zu",
                         gguf_path(m->gguf), name, (unsigned long long)t->dims[1], max);
    *rows = t ? (size_t)t->dims[1] : 0;
    return HONE_OK;
}

static enum hone_status load_tables(struct net *m, struct hone_error *err)
{
    const char *buckets = m->arch->unscaled ? "enc.blk.0.attn_rel_b.weight" : "attn_rel_b.weight";
    const char *positions = m->arch->has_decoder ? "enc.position_embd.weight" : "position_embd.weight";
    const struct {
        const char *name;
        size_t *rows;
    } tables[] = {{"token_embd.weight", &m->hp.n_vocab},
                  {positions, &m->hp.n_positions},
                  {"token_types.weight", &m->hp.n_types},
                  {"per_layer_token_embd.weight", &m->hp.n_per_layer_rows},
                  {buckets, &m->hp.n_buckets}};
    size_t n_written = 0;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == HONE_OK; i++)
        status = hparams_table_rows(m, tables[i].name, INT32_MAX, tables[i].rows, err);
    m->hp.n_input_vocab = m->hp.n_vocab;
    if (status == HONE_OK && m->arch->has_decoder)
        status = hparams_table_rows(m, "dec.token_embd.weight", INT32_MAX, &n_written, err);
    if (n_written > 0)
        m->hp.n_vocab = n_written;
    if (status == HONE_OK && m->arch->distance == DISTANCE_BUCKETS && m->hp.n_buckets != DISTANCE_N_BUCKETS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the tensor '%s' should have %d rows, not %zu",
                         gguf_path(m->gguf), buckets, DISTANCE_N_BUCKETS, m->hp.n_buckets);
    return status;
}

static enum hone_status load_heads(struct net *m, struct hone_error *err)
{
    struct hparams *hp = &m->hp;
    if (m->arch->recurs_alone)
        return HONE_OK;
    if (m->arch->latent)
        return latent_load(m, err);
    if (hp->head_dim == 0 && layers_differ(m))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s.attention.key_length' is missing",
                         gguf_path(m->gguf), m->arch->name);
    if (hp->head_dim == 0 && hp->n_embd % hp->n_heads != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a width of %zu cannot be split into %zu attention heads",
                         gguf_path(m->gguf), hp->n_embd, hp->n_heads);
    if (hp->head_dim == 0)
        hp->head_dim = hp->n_embd / hp->n_heads;
    if (hp->n_kv_heads == 0)
        hp->n_kv_heads = hp->n_heads;
    if (hp->local_head_dim == 0)
        hp->local_head_dim = hp->head_dim;
    if (hp->local_head_dim > hp->head_dim)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: heads of %zu elements in local layers, but of %zu in others",
                         gguf_path(m->gguf), hp->local_head_dim, hp->head_dim);
    size_t value_length = hp->head_dim;
    char key[128];
    enum hone_status status =
        gguf_get_size(m->gguf, hparams_key(m, "attention.value_length", key), SIZE_MAX, &value_length, err);
    if (status == HONE_OK && value_length != hp->head_dim)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: heads of %zu elements whose values have %zu",
                           gguf_path(m->gguf), hp->head_dim, value_length);
    if (status != HONE_OK)
        return status;
    if (hp->n_heads % hp->n_kv_heads != 0 && !layers_differ(m))
        return hone_fail(err, HONE_BAD_MODEL, "%s: %zu attention heads cannot share %zu of keys and values",
                         gguf_path(m->gguf), hp->n_heads, hp->n_kv_heads);
    if (hp->rope_base > 0 && hp->head_dim % 2 != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: heads of %zu elements cannot be rotated in pairs",
                         gguf_path(m->gguf), hp->head_dim);
    return HONE_OK;
}

/* Layers read a part each of a token's row. */
static enum hone_status load_per_layer(struct net *m, struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, "per_layer_token_embd.weight");
    if (m->hp.n_per_layer == 0 || !t || m->hp.n_per_layer % t->type->block_len == 0)
        return HONE_OK;
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s: tensor '%s' is in blocks of %zu, of which the %zu numbers of a layer are no multiple",
        gguf_path(m->gguf), t->name, (size_t)t->type->block_len, m->hp.n_per_layer);
}

/* Token embeddings as wide as the layers need no matrix behind them, but may have one. Layers may share weights. */
static enum hone_status load_sharing(struct net *m, struct hone_error *err)
{
    struct hparams *hp = &m->hp;
    if (hp->n_token == hp->n_embd && !gguf_find_tensor(m->gguf, "token_embd_proj.weight"))
        hp->n_token = 0;
    if (hp->n_groups == 0)
        hp->n_groups = hp->n_layers;
    if (hp->n_groups <= hp->n_layers)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: %zu groups of layers, but only %zu layers", gguf_path(m->gguf),
                     hp->n_groups, hp->n_layers);
}

/* What disentangled attention lets meet. */
static enum hone_status load_distances(struct net *m, struct hone_error *err)
{
    char key[128];
    struct hparams *hp = &m->hp;
    if (m->arch->distance != DISTANCE_DISENTANGLED)
        return HONE_OK;
    const struct gguf_value *v = gguf_find(m->gguf, hparams_key(m, "attention.position_types", key));
    for (size_t i = 0; v && v->is_array && v->type == GGUF_STRING && i < v->n; i++) {
        hp->meets_key |= text_is(v->strings[i], "c2p");
        hp->meets_query |= text_is(v->strings[i], "p2c");
    }
    hp->attn_divisor = (float)hp->head_dim * (float)(1 + hp->meets_key + hp->meets_query);
    if (hp->max_distance == 0)
        hp->max_distance = hp->max_length;
    if (hp->near_distances == 0 || (hp->near_distances > 1 && hp->max_distance > hp->near_distances / 2 + 1))
        return gguf_get_bool(m->gguf, hparams_key(m, "attention.own_position_keys", key), &hp->own_positions,
                             err);
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s: %zu buckets (position_buckets) cannot hold distances up to %zu (max_relative_positions)",
        gguf_path(m->gguf), hp->near_distances, hp->max_distance);
}

/* A file of hone's, or a folder. */
static bool is_own(const struct gguf *g)
{
    return gguf_find(g, "hone.tokenizer.pipeline") || gguf_find(g, "hone.segments");
}

static enum hone_status check_origin(struct net *m, struct hone_error *err)
{
    if (!m->arch->foreign_doubt || is_own(m->gguf))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: %s; convert the model's folder with hone", gguf_path(m->gguf),
                     m->arch->foreign_doubt);
}

/* Scores of attention to both sides have no cap and no sinks in any family that is known. */
static enum hone_status load_sides(struct net *m, struct hone_error *err)
{
    char key[128];
    bool causal = m->arch->causal && !m->arch->two_sided;
    enum hone_status status = gguf_get_bool(m->gguf, hparams_key(m, "attention.causal", key), &causal, err);
    m->hp.two_sided = m->arch->causal && !causal;
    bool sinks = gguf_find_tensor(m->gguf, "blk.0.attn_sinks.weight");
    /* llama.cpp has no window in some of these families, one of the past in others, and hone's own files half on either side. */
    if (status == HONE_OK && m->hp.two_sided && !m->arch->two_sided && m->hp.window > 0 && !is_own(m->gguf))
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: the key '%s.attention.sliding_window' beside attention to both sides says nothing sure "
            "in a file of another program; convert the model's folder with hone",
            gguf_path(m->gguf), m->arch->name);
    if (status == HONE_OK && m->hp.two_sided && m->arch->latent)
        return hone_fail(err, HONE_BAD_MODEL, "%s: attention to both sides is not supported in '%s'",
                         gguf_path(m->gguf), m->arch->name);
    if (status == HONE_OK && m->hp.two_sided && (m->hp.attn_cap > 0 || sinks))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: attention to both sides whose scores have %s is not supported",
                         gguf_path(m->gguf), sinks ? "sinks" : "a cap");
    if (status == HONE_OK && causal && !m->arch->causal && !m->arch->has_decoder)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is true, which is not supported in '%s'",
                         gguf_path(m->gguf), key, m->arch->name);
    return status;
}

enum hone_status hparams_load_texts(struct net *m, struct hone_error *err)
{
    size_t id = SIZE_MAX;
    enum hone_status status = gguf_get_size(m->gguf, "hone.dropped_token_id", INT32_MAX, &id, err);
    m->hp.drops = id != SIZE_MAX;
    m->hp.dropped = m->hp.drops ? (int32_t)id : -1;
    if (status == HONE_OK)
        status = gguf_get_size(m->gguf, "hone.max_characters", SIZE_MAX / 8, &m->hp.max_characters, err);
    return status == HONE_OK ? gguf_get_bool(m->gguf, "hone.bare_texts", &m->hp.bare_texts, err) : status;
}

/* Of families whose positions begin behind the padding token's. */
static enum hone_status load_padding(struct net *m, struct hone_error *err)
{
    size_t id = SIZE_MAX;
    enum hone_status status = gguf_get_size(m->gguf, "hone.position_pad_id", INT32_MAX, &id, err);
    m->hp.skips_padding = id != SIZE_MAX;
    m->hp.padding = m->hp.skips_padding ? (int32_t)id : -1;
    return status == HONE_OK ? hparams_load_texts(m, err) : status;
}

/* *out stays as it is where the key is not there. */
static enum hone_status load_activation(struct net *m, const char *key, enum activation *out,
                                        struct hone_error *err)
{
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(m->gguf, key, &name, err);
    if (status != HONE_OK || !name.data)
        return status;
    *out = activation_by_name(name);
    if (*out != N_ACTIVATIONS)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: %s is '%.*s', which is not known", gguf_path(m->gguf), key,
                     (int)(name.size < 64 ? name.size : 64), name.data);
}

static enum hone_status load_activations(struct net *m, struct hone_error *err)
{
    char key[128];
    m->hp.gated = m->arch->gated ||
                  (m->arch->maybe_gated && gguf_find_tensor(m->gguf, "enc.blk.0.ffn_gate.weight") != NULL);
    m->hp.activation = m->hp.gated && m->arch->maybe_gated ? m->arch->maybe_gated : m->arch->activation;
    m->hp.head_activation = m->arch->head_activation;
    if (m->hp.n_types == 0 && m->arch->head_without_types)
        m->hp.head_activation = m->arch->head_without_types;
    enum hone_status status =
        load_activation(m, hparams_key(m, "hidden_activation", key), &m->hp.activation, err);
    if (status == HONE_OK)
        status = load_activation(m, "hone.activation", &m->hp.activation, err);
    if (status == HONE_OK)
        status = load_activation(m, "hone.head_activation", &m->hp.head_activation, err);
    return status;
}

static enum hone_status load_max_length(struct net *m, struct hone_error *err)
{
    size_t limit = m->hp.max_length;
    enum hone_status status = gguf_get_size(m->gguf, "hone.max_length", SIZE_MAX, &limit, err);
    if (limit > 0 && limit < m->hp.max_length)
        m->hp.max_length = limit;
    if (m->hp.n_positions > 0 && m->hp.n_positions < m->hp.max_length)
        m->hp.max_length = m->hp.n_positions;
    return status;
}

float hparams_attn_divisor(const struct arch *arch, size_t n_layers, size_t n_embd, size_t n_heads,
                           size_t head_dim)
{
    bool wide = arch->wide_layers > 0 && n_layers == arch->wide_layers;
    return arch->unscaled ? 1 : (float)(wide ? n_embd / n_heads : head_dim);
}

/* What a head sees of a text that a decoder reads behind an encoder, and what it begins with. */
static enum hone_status load_rereading(struct net *m, struct hone_error *err)
{
    static const char key[] = "hone.head_token_id";
    size_t id = m->hp.n_vocab;
    enum hone_status status = gguf_get_size(m->gguf, key, INT32_MAX, &id, err);
    m->hp.heads_token = m->hp.head == HEAD_LABELS;
    if (status == HONE_OK && m->hp.heads_token && id >= m->hp.n_vocab)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '%s' should be a token, of whose hidden state the head makes labels",
                         gguf_path(m->gguf), key);
    m->hp.head_token = (int32_t)id;
    return status == HONE_OK
               ? gguf_get_bool(m->gguf, "hone.decoder_starts_with_last", &m->hp.starts_with_last, err)
               : status;
}

/* The layers that see the past, what they begin with, and what follows them: a head that is tied to the token embeddings
 * is scaled where the file does not say. */
static enum hone_status load_decoder(struct net *m, struct hone_error *err)
{
    char key[128];
    struct hparams *hp = &m->hp;
    size_t start = 0;
    hp->output_scale = 1;
    if (hp->embd_scale == 0)
        hp->embd_scale = m->arch->scale_embd ? sqrtf((float)hp->n_embd) : m->arch->depth_scaled ? 12 : 1;
    if (hp->residual_scale == 0)
        hp->residual_scale = m->arch->depth_scaled ? 1.4F / sqrtf((float)hp->n_layers) : 1;
    if (hp->logits_scale == 0)
        hp->logits_scale = m->arch->depth_scaled ? (float)hp->n_embd / 256 : 1;
    if (m->arch->logits_divided)
        hp->logits_scale = 1 / hp->logits_scale;
    if (m->arch->distance != DISTANCE_DISENTANGLED)
        hp->attn_divisor = hparams_attn_divisor(m->arch, hp->n_layers, hp->n_embd, hp->n_heads, hp->head_dim);
    if (!m->arch->has_decoder) {
        hp->n_decoder_layers = m->arch->causal ? hp->n_layers : 0;
        return HONE_OK;
    }
    if (hp->n_decoder_layers == 0)
        hp->n_decoder_layers = hp->n_layers;
    enum hone_status status =
        gguf_get_size(m->gguf, hparams_key(m, "decoder_start_token_id", key), INT32_MAX, &start, err);
    if (status == HONE_OK && start >= hp->n_vocab)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is %zu, but the vocabulary has %zu tokens",
                         gguf_path(m->gguf), key, start, hp->n_vocab);
    hp->decoder_start = (int32_t)start;
    if (status == HONE_OK && hp->n_labels > 0) /* their head sees hidden states as they are */
        return load_rereading(m, err);
    if (m->arch->head_scaled && !gguf_find_tensor(m->gguf, "output.weight"))
        hp->output_scale = 1 / sqrtf((float)hp->n_embd);
    return status == HONE_OK ? gguf_get_float(m->gguf, "hone.output_scale", &hp->output_scale, err) : status;
}

/* What writes behind an encoder, with its own numbers. */
static enum hone_status make_decoder(struct net *m, struct hone_error *err)
{
    if (!m->arch->has_decoder)
        return HONE_OK;
    struct net *decoder = calloc(1, sizeof *decoder);
    if (!decoder || !gguf_own_memory(m->gguf, decoder)) {
        free(decoder);
        return hone_no_memory(err, "a decoder", sizeof *decoder);
    }
    *decoder = *m;
    m->decoder = decoder;
    struct hparams *hp = &decoder->hp;
    if (hp->n_decoder_ff > 0)
        hp->n_ff = hp->n_decoder_ff;
    if (hp->n_decoder_heads == 0 || hp->n_decoder_heads == hp->n_heads)
        return HONE_OK;
    if (hp->n_embd % hp->n_decoder_heads != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a width of %zu cannot be split into %zu attention heads",
                         gguf_path(m->gguf), hp->n_embd, hp->n_decoder_heads);
    hp->n_heads = hp->n_kv_heads = hp->n_decoder_heads;
    hp->head_dim = hp->n_embd / hp->n_heads;
    hp->attn_divisor =
        hparams_attn_divisor(m->arch, hp->n_decoder_layers, hp->n_embd, hp->n_heads, hp->head_dim);
    return HONE_OK;
}

/* Halves what experts make and what the one for all tokens makes, unless a file says that they are summed. */
static enum hone_status load_average(struct net *m, struct hone_error *err)
{
    bool summed = !m->arch->averages_shared || m->hp.n_ff_shared == 0;
    enum hone_status status = gguf_get_bool(m->gguf, "hone.shared_expert_summed", &summed, err);
    if (status == HONE_OK && !summed) {
        m->hp.experts_scale /= 2;
        m->hp.shared_scale /= 2;
    }
    return status;
}

static enum hone_status load_experts(struct net *m, struct hone_error *err)
{
    char key[128];
    struct hparams *hp = &m->hp;
    hp->experts_sum_to_one = !m->arch->experts_any_sum;
    hp->experts_scale = hp->shared_scale = 1;
    if (hp->routing == 0)
        hp->routing = m->arch->routing > 0 ? m->arch->routing : ROUTE_SOFTMAX;
    enum hone_status status =
        gguf_get_bool(m->gguf, hparams_key(m, "expert_weights_norm", key), &hp->experts_sum_to_one, err);
    if (status == HONE_OK)
        status =
            gguf_get_float(m->gguf, hparams_key(m, "expert_weights_scale", key), &hp->experts_scale, err);
    if (hp->experts_scale == 0) /* as some files say that there is none */
        hp->experts_scale = 1;
    if (hp->n_ff_expert == 0)
        hp->n_ff_expert = hp->n_ff;
    if (hp->n_ff_shared == 0)
        hp->n_ff_shared = hp->n_shared_experts * hp->n_ff_expert;
    if (status == HONE_OK)
        status = load_average(m, err);
    if (status == HONE_OK && hp->n_expert_groups > 1 &&
        (hp->n_experts % hp->n_expert_groups != 0 || hp->n_groups_used == 0 ||
         hp->n_groups_used > hp->n_expert_groups ||
         hp->n_experts_used > hp->n_experts / hp->n_expert_groups * hp->n_groups_used))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: %zu of %zu experts cannot be found in %zu of %zu groups of the same size",
                         gguf_path(m->gguf), hp->n_experts_used, hp->n_experts, hp->n_groups_used,
                         hp->n_expert_groups);
    if (status == HONE_OK && hp->routing > ROUTE_SPARSE)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '%s.expert_gating_func' is %zu, which is not supported; expected 1 "
                         "(softmax) or 2 (sigmoid)",
                         gguf_path(m->gguf), m->arch->name, hp->routing);
    if (status != HONE_OK || hp->n_experts == 0 ||
        (hp->n_experts_used > 0 && hp->n_experts_used <= hp->n_experts))
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: a token cannot go through %zu of %zu experts",
                     gguf_path(m->gguf), hp->n_experts_used, hp->n_experts);
}

/* As many as have names. */
static enum hone_status load_adaptations(struct net *m, struct hone_error *err)
{
    const struct gguf_value *names = gguf_find(m->gguf, "hone.adaptations");
    if (!names)
        return HONE_OK;
    if (!names->is_array || names->type != GGUF_STRING || names->n < 1 || names->n > 256)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key 'hone.adaptations' should be 1 to 256 names",
                         gguf_path(m->gguf));
    if (m->hp.adaptation_rank == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key 'hone.adaptations' needs '%s.adaptation.rank', of a family that has it",
                         gguf_path(m->gguf), m->arch->name);
    m->hp.n_adaptations = names->n;
    if (isfinite(m->hp.adaptation_scale) && m->hp.adaptation_scale > 0)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s.adaptation.scale' should be a number above 0",
                     gguf_path(m->gguf), m->arch->name);
}

/* Files of models that guess several tokens at once count the layers that do among the others, whose last ones they are. */
static enum hone_status load_more_layers(struct net *m, struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    if (!m->arch->causal || m->hp.n_layers == 0)
        return HONE_OK;
    enum hone_status status =
        gguf_get_size(m->gguf, hparams_key(m, "nextn_predict_layers", key), m->hp.n_layers - 1, &n, err);
    m->hp.n_more_layers = n;
    m->hp.n_layers -= n;
    return status;
}

enum hone_status hparams_load(struct net *m, struct hone_error *err)
{
    static enum hone_status (*const parts[])(struct net *, struct hone_error *) = {
        check_origin,          load_tables,    load_sharing,     load_heads,
        load_distances,        rope_load,      load_sides,       load_padding,
        hparams_load_pooling,  steps_load,     load_activations, hparams_load_heads,
        load_max_length,       load_experts,   load_decoder,     make_decoder,
        layers_load_recurrent, load_per_layer, altup_load,       load_adaptations,
        hparams_load_causal,   spans_load};
    enum hone_status status = HONE_OK;
    m->hp.rope_factor = 1;
    for (const struct param_spec *p = m->arch->params; p->gguf && status == HONE_OK; p++)
        status = load_param(m, p, err);
    if (status == HONE_OK)
        status = load_more_layers(m, err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == HONE_OK; i++)
        status = parts[i](m, err);
    if (status == HONE_OK && m->hp.query_growth > 0 && m->hp.growth_length == 0 &&
        !(m->hp.rope_scaling.length >= 1))
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: queries grow with their positions (attention.temperature_scale), but no length of "
            "the training is there (rope.scaling.original_context_length of yarn)",
            gguf_path(m->gguf));
    return status;
}

/* Which layers rotate nothing: one flag a layer, those that see all tokens, or every so many. */
static enum hone_status mark_unrotated(struct net *m, struct hone_error *err)
{
    const char *const key = "hone.unrotated_layers";
    const struct gguf_value *v = gguf_find(m->gguf, key);
    const bool all_rotate = m->arch->local_chunks && m->hp.window == 0; /* in files of llama.cpp */
    const size_t every = all_rotate ? 0 : m->arch->unrotated_every, n = m->hp.n_layers;
    if (v && (!v->is_array || v->type != GGUF_BOOL || v->n != n))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu flags, one a layer",
                         gguf_path(m->gguf), key, n);
    for (size_t i = 0; i < n && m->arch->causal; i++) {
        struct layer *l = &m->weights.layers[i];
        bool global = m->arch->global_unrotated && m->hp.window > 0 && !l->local;
        l->unrotated = v ? gguf_int_at(v, i) != 0 : global || (every > 0 && (i + 1) % every == 0);
    }
    return HONE_OK;
}

/* Which layers see near tokens alone: one flag a layer, or every how many layers one does not. */
enum hone_status layers_mark_local(struct net *m, struct hone_error *err)
{
    char key[128];
    size_t every = m->arch->global_every;
    const struct gguf_value *v = gguf_find(m->gguf, hparams_key(m, "attention.sliding_window_pattern", key));
    if (v && v->is_array && (v->type == GGUF_STRING || v->n != m->hp.n_layers + m->hp.n_more_layers))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu flags, one a layer",
                         gguf_path(m->gguf), key, m->hp.n_layers);
    enum hone_status status = v && v->is_array ? HONE_OK : gguf_get_size(m->gguf, key, SIZE_MAX, &every, err);
    for (size_t i = 0; i < m->hp.n_layers && status == HONE_OK && m->hp.window > 0; i++)
        m->weights.layers[i].local =
            v && v->is_array ? gguf_int_at(v, i) != 0 : every > 0 && (i + m->arch->global_last) % every != 0;
    return status == HONE_OK ? mark_unrotated(m, err) : status;
}
