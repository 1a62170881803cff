/* Of a folder whose layers recur: which of them attend, their numbers, and tensors that GGUF files hold otherwise. */
#include "runtime/load/import/folder.h"

#include "runtime/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *key_of(const struct folder *f, const char *suffix, char key[128])
{
    snprintf(key, 128, "%s.%s", f->arch->name, suffix);
    return key;
}

/* ---- which layers attend ---- */

static bool is_one_of(const char *type, const char *const *names)
{
    while (*names && strcmp(*names, type) != 0)
        names++;
    return *names != NULL;
}

static enum hone_status by_type(const struct folder *f, const json_t *types, bool *attends, size_t n,
                                struct hone_error *err)
{
    static const char *const attention[] = {"full_attention", "attention", "sliding_attention", NULL};
    static const char *const blocks[] = {"hybrid", NULL};
    static const char *const others[] = {"linear_attention", "conv", "mamba", NULL};
    if (json_array_size(types) != n)
        return folder_refuse(f, "layer_types", "should have an element for each layer", err);
    for (size_t i = 0; i < n; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        attends[i] = type && is_one_of(type, f->arch->joined_blocks ? blocks : attention);
        if (!type || (!attends[i] && !is_one_of(type, others)))
            return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the layer type '%s' is not supported",
                             f->dir, type ? type : "(none)");
    }
    return HONE_OK;
}

static enum hone_status by_index(const struct folder *f, const json_t *list, bool *attends, size_t n,
                                 struct hone_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        if (!json_is_integer(one) || json_integer_value(one) < 0 || (size_t)json_integer_value(one) >= n)
            return folder_refuse(f, "full_attn_idxs' or 'attn_layer_indices", "should be numbers of layers",
                                 err);
        attends[json_integer_value(one)] = true;
    }
    return HONE_OK;
}

/* Zamba 2's layers with a block, where nobody says: those of its model of 2.7 billion. */
static enum hone_status usual_blocks(const struct folder *f, bool *attends, size_t n, struct hone_error *err)
{
    static const unsigned char usual[] = {6, 12, 18, 24, 30, 36, 42, 47, 51};
    if (n != 54)
        return folder_refuse(f, "layers_block_type", "should have an element for each layer", err);
    for (size_t i = 0; i < sizeof usual; i++)
        attends[usual[i]] = true;
    return HONE_OK;
}

/* Without a word of them all of LFM2's layers attend, none of Granite's, and of Qwen's every fourth. */
static enum hone_status find_attending(const struct folder *f, bool *attends, size_t n,
                                       struct hone_error *err)
{
    json_t *types = json_at(f->config, "layer_types|layers_block_type"),
           *list = json_at(f->config, "full_attn_idxs|attn_layer_indices"),
           *interval = json_at(f->config, "full_attention_interval");
    memset(attends, 0, n * sizeof *attends);
    if (!types && f->arch->joined_blocks)
        return usual_blocks(f, attends, n, err);
    if (types)
        return by_type(f, types, attends, n, err);
    if (list)
        return by_index(f, list, attends, n, err);
    json_int_t every = interval ? json_integer_value(interval) : (json_int_t)f->arch->attends_every;
    if (every < 0 || (interval && every == 0))
        return folder_refuse(f, "full_attention_interval", "should be a number of layers", err);
    for (size_t i = 0; i < n; i++)
        attends[i] = every > 0 ? (i + 1) % (size_t)every == 0 : f->arch->recurrent == RECURRENT_CONV;
    return HONE_OK;
}

/* As one number, where every so many layers attend; else a flag for each. */
static enum hone_status write_interval(struct folder *f, const bool *attends, size_t n,
                                       struct hone_error *err)
{
    char key[128];
    bool recurs[MAX_LAYERS], regular = true;
    size_t every = 0;
    while (every < n && !attends[every])
        every++;
    every++;
    for (size_t i = 0; i < n; i++) {
        recurs[i] = !attends[i];
        regular &= attends[i] == ((i + 1) % every == 0);
    }
    if (regular && every <= n)
        return folder_set_count(f, "full_attention_interval", (double)every, MAX_LAYERS, "layer_types", err);
    key_of(f, "attention.recurrent_layers", key);
    return folder_set(gguf_set_array(f->g, key, GGUF_BOOL, recurs, n), key, err);
}

/* As many as there are queries, where config.json says null, or nothing and the form has no usual number. */
static double n_kv_heads(const struct folder *f)
{
    json_t *value = json_at(f->config, "num_key_value_heads|num_attention_heads");
    if (f->form->usual_kv_heads > 0 && !json_object_get(f->config, "num_key_value_heads"))
        return (double)f->form->usual_kv_heads;
    return json_is_integer(value) ? json_number_value(value) : 0;
}

enum hone_status import_attending(struct folder *f, const bool *attends, size_t n, struct hone_error *err)
{
    char key[128];
    int32_t heads[MAX_LAYERS];
    const double n_heads = n_kv_heads(f);
    if (n_heads < 1 || n_heads > 1 << 12)
        return folder_refuse(f, "num_key_value_heads", "should be a number of heads", err);
    if (f->arch->attends_every > 0)
        return write_interval(f, attends, n, err);
    for (size_t i = 0; i < n; i++)
        heads[i] = attends[i] ? (int32_t)n_heads : 0;
    key_of(f, "attention.head_count_kv", key);
    return folder_set(gguf_set_array(f->g, key, GGUF_I32, heads, n), key, err);
}

static enum hone_status import_mixed(struct folder *f, struct hone_error *err)
{
    char key[128];
    bool attends[MAX_LAYERS];
    size_t n = 0;
    if (f->arch->recurs_alone || f->arch->recurs_beside)
        return HONE_OK;
    enum hone_status status = gguf_get_size(f->g, key_of(f, "block_count", key), MAX_LAYERS, &n, err);
    if (status == HONE_OK)
        status = find_attending(f, attends, n, err);
    return status == HONE_OK ? import_attending(f, attends, n, err) : status;
}

/* LFM2's is written for what it is to be before two thirds of it are taken and rounded up. */
static enum hone_status import_feed_forward(struct folder *f, struct hone_error *err)
{
    bool shared = f->arch->recurrent == RECURRENT_SSM && folder_number(f, "num_local_experts", 0) == 0;
    double n = folder_number(
               f, shared ? "shared_intermediate_size|intermediate_size" : "block_ff_dim|intermediate_size",
               0),
           of = folder_number(f, "block_multiple_of", 256);
    json_t *adjust = json_at(f->config, "block_auto_adjust_ff_dim");
    const bool adjusts = strcmp(f->arch->name, "lfm2") == 0; /* not those with experts, nor LFM3 */
    if (adjusts && !json_is_false(adjust) && n >= 1 && of >= 1) {
        n = floor(2 * n / 3);
        n = floor(folder_number(f, "block_ffn_dim_multiplier", 1) * n);
        n = of * floor((n + of - 1) / of);
    }
    return folder_set_count(f, "feed_forward_length", n, 1 << 18, "intermediate_size", err);
}

/* Without experts the shared one is all that there is. */
static enum hone_status import_experts_of(struct folder *f, struct hone_error *err)
{
    double n = folder_number(f, "num_local_experts", 0), n_used = folder_number(f, "num_experts_per_tok", 0);
    if (!json_at(f->config, "num_local_experts") || n == 0)
        return HONE_OK;
    enum hone_status status = folder_set_count(f, "expert_count", n, 1 << 12, "num_local_experts", err);
    return status == HONE_OK
               ? folder_set_count(f, "expert_used_count", n_used, 1 << 12, "num_experts_per_tok", err)
               : status;
}

/* Times are cut to a range in transformers when it reads a prompt, and not when it writes on. */
static enum hone_status check_times(const struct folder *f, struct hone_error *err)
{
    json_t *limit = json_at(f->config, "time_step_limit"), *most = json_array_get(limit, 1);
    if (!limit || (json_number_value(json_array_get(limit, 0)) == 0 &&
                   !(json_is_number(most) && json_number_value(most) < 1e30)))
        return HONE_OK;
    return folder_refuse(f, "time_step_limit", "is not supported but as 0 to infinity", err);
}

/* What transformers' classes of these families take for the least time, whatever their limits say; other programs have none. */
static enum hone_status import_time_floor(struct folder *f, struct hone_error *err)
{
    static const char own[] = "hone.recurrent_time_floor";
    const double least = folder_number(f, "mamba_dt_min|time_step_min", 0.001);
    if (!(least >= 0 && least < 1e30))
        return folder_refuse(f, "time_step_min", "should be a number from 0 on", err);
    return f->arch->halves || f->arch->joined_blocks
               ? folder_set(gguf_set_f32(f->g, own, (float)least), own, err)
               : HONE_OK;
}

/* OLMo Hybrid's released checkpoints, which know nothing of positions, have null for the base. */
static bool has_rope_base(const struct folder *f)
{
    const json_t *base = json_object_get(json_object_get(f->config, "rope_parameters"), "rope_theta");
    return !json_is_null(base ? base : json_object_get(f->config, "rope_theta"));
}

static enum hone_status import_options(struct folder *f, struct hone_error *err)
{
    char key[128];
    const char *positions = json_string_value(json_at(f->config, "position_embedding_type"));
    enum hone_status status = check_times(f, err);
    if (status == HONE_OK)
        status = import_time_floor(f, err);
    if (status == HONE_OK && f->arch->rotates_if_told) {
        key_of(f, "rope.scaling.finetuned", key);
        const bool rotates = f->form->rotates ? has_rope_base(f)
                                              : json_is_true(json_at(f->config, "use_mem_rope")) ||
                                                    (positions && strcmp(positions, "rope") == 0);
        status = folder_set(gguf_set_bool(f->g, key, rotates), key, err);
    }
    static const char norm_first[] = "hone.recurrent_norm_first";
    bool first = json_is_true(json_at(f->config, "mamba_rms_norm")) &&
                 !json_is_false(json_at(f->config, "mamba_norm_before_gate"));
    return status == HONE_OK && first ? folder_set(gguf_set_bool(f->g, norm_first, true), norm_first, err)
                                      : status;
}

/* OLMo Hybrid's delta rule writes up to twice as much as it was given, where config.json does not say otherwise. */
static enum hone_status import_write_scale(struct folder *f, struct hone_error *err)
{
    char key[128];
    bool known = false;
    for (const struct param_spec *p = f->arch->params; p->hf; p++)
        known |= p->offset == PARAM(recurrent.write_scale);
    if (!known || json_is_false(json_at(f->config, "linear_allow_neg_eigval")))
        return HONE_OK;
    key_of(f, "ssm.write_scale", key);
    return folder_set(gguf_set_f32(f->g, key, 2), key, err);
}

static enum hone_status import_width(struct folder *f, struct hone_error *err)
{
    double n = folder_number(f, "mamba_d_ssm", 0);
    if (f->arch->recurrent == RECURRENT_DELTA)
        n = folder_number(f, "linear_value_head_dim", 128) * folder_number(f, "linear_num_value_heads", 32);
    else if (f->arch->halves)
        n = folder_number(f, "mamba_num_heads", 128) * folder_number(f, "mamba_head_dim", 64);
    else if (n == 0)
        n = floor(folder_number(f, "mamba_expand|expand", 2) * folder_number(f, "hidden_size", 0));
    return folder_set_count(f, "ssm.inner_size", n, 1 << 16, "hidden_size", err);
}

enum hone_status import_recurrent(struct folder *f, struct hone_error *err)
{
    if (f->arch->recurrent == RECURRENT_SELECTIVE)
        return import_selective(f, err);
    enum hone_status status = f->arch->halves ? import_halves(f, err) : import_mixed(f, err);
    if (status == HONE_OK && !f->arch->halves && !f->arch->recurs_alone && !f->arch->recurs_beside &&
        !f->arch->joined_blocks && f->arch->attends_every == 0)
        status = import_feed_forward(f, err);
    if (status == HONE_OK && f->arch->recurrent == RECURRENT_SSM && !f->arch->halves)
        status = import_experts_of(f, err);
    if (status == HONE_OK)
        status = import_options(f, err);
    if (status == HONE_OK)
        status = import_write_scale(f, err);
    return status == HONE_OK && f->arch->recurrent != RECURRENT_CONV ? import_width(f, err) : status;
}

/* ---- tensors that are multiplied ---- */

#define MAX_PARTS 5 /* gate, x, B, C and times */

/* What rows from first to end are multiplied by. */
struct scaled_rows {
    uint64_t end;
    float factor;
};

/* The tensor's rows in the table; NULL: all numbers are 1. */
static const struct hf_scale *scale_of(const struct folder *f, const char *gguf)
{
    const char *name = strncmp(gguf, "blk.", 4) == 0 ? strchr(gguf + 4, '.') + 1 : gguf;
    for (const struct hf_scale *s = f->form->scales; s && s->gguf; s++)
        if (strncmp(name, s->gguf, strlen(s->gguf)) == 0 && name[strlen(s->gguf)] == '.')
            return s;
    return NULL;
}

static enum hone_status factor_at(const struct folder *f, const char *name, size_t i, double *out,
                                  struct hone_error *err)
{
    json_t *value = name ? json_at(f->config, name) : NULL;
    json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
    *out = value ? json_number_value(one) : 1;
    if (!value || (json_is_number(one) && fabs(*out) < 1e30))
        return HONE_OK;
    return folder_refuse(f, name, "should be numbers", err);
}

/* Where the parts of what a scan reads end: its gate, x, B, C and times. */
static enum hone_status part_ends(const struct folder *f, uint64_t ends[MAX_PARTS], struct hone_error *err)
{
    static const char *const names[] = {"ssm.inner_size", "ssm.group_count", "ssm.state_size",
                                        "ssm.time_step_rank"};
    char key[128];
    size_t n[4] = {0};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 4 && status == HONE_OK; i++)
        status = gguf_get_size(f->g, key_of(f, names[i], key), 1 << 20, &n[i], err);
    const uint64_t widths[MAX_PARTS] = {n[0], n[0], n[1] * n[2], n[1] * n[2], n[3]};
    for (size_t i = 0; i < MAX_PARTS; i++)
        ends[i] = (i > 0 ? ends[i - 1] : 0) + widths[i];
    return status;
}

static enum hone_status find_factors(const struct folder *f, const struct hf_scale *s, bool bias,
                                     struct scaled_rows *rows, size_t *n, struct hone_error *err)
{
    uint64_t ends[MAX_PARTS] = {UINT64_MAX};
    const bool parts = s->element == SCALE_PARTS;
    enum hone_status status = parts ? part_ends(f, ends, err) : HONE_OK;
    *n = parts ? MAX_PARTS : 1;
    for (size_t i = 0; i < *n && status == HONE_OK; i++) {
        double input = 1, output;
        if (!bias)
            status = factor_at(f, s->input, 0, &input, err);
        if (status == HONE_OK)
            status = factor_at(f, s->output, parts ? i : s->element, &output, err);
        if (status == HONE_OK)
            rows[i] = (struct scaled_rows){ends[i], (float)(input * output)};
    }
    return status;
}

static void scale_rows(float *x, const struct scaled_rows *rows, size_t n_parts, uint64_t n_rows, uint64_t n)
{
    for (uint64_t row = 0, part = 0; row < n_rows; row++) {
        while (part + 1 < n_parts && row >= rows[part].end)
            part++;
        for (uint64_t i = 0; i < n; i++)
            x[row * n + i] *= rows[part].factor;
    }
}

/* As float32, since the products of what folders hold would be rounded again. */
static enum hone_status import_scaled(struct folder *f, const char *gguf, const struct safetensor *t,
                                      struct hone_error *err)
{
    struct scaled_rows rows[MAX_PARTS];
    size_t n_parts = 0;
    const struct hf_scale *s = scale_of(f, gguf);
    const size_t name = strlen(gguf);
    const bool bias = name > 5 && strcmp(gguf + name - 5, ".bias") == 0;
    enum hone_status status = s ? find_factors(f, s, bias, rows, &n_parts, err) : HONE_OK;
    bool plain = true;
    for (size_t i = 0; i < n_parts && status == HONE_OK; i++)
        plain = plain && rows[i].factor == 1;
    if (status != HONE_OK || plain)
        return status == HONE_OK ? folder_add_tensor(f, gguf, t, 0, t->dims[0], err) : status;
    if (!t->type || t->n_dims < 1 || t->n_dims > 2 || t->size == 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' should be a matrix or a vector of F32, F16 or BF16", f->dir,
                         t->name);
    const uint64_t n = t->n_dims == 2 ? t->dims[1] : 1;
    float *copy = malloc((size_t)(t->dims[0] * n) * sizeof *copy);
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, (size_t)(t->dims[0] * n) * sizeof *copy);
    }
    t->type->dequantize(copy, t->data, (size_t)(t->dims[0] * n));
    scale_rows(copy, rows, n_parts, t->dims[0], n);
    struct safetensor scaled = *t;
    scaled.type = quant_type_by_id(QUANT_F32);
    scaled.dtype = "F32";
    scaled.data = copy;
    scaled.size = t->dims[0] * n * sizeof *copy;
    return folder_add_tensor(f, gguf, &scaled, 0, t->dims[0], err);
}

/* ---- other tensors ---- */

static const struct tensor_spec *spec_of(const struct folder *f, const char *gguf)
{
    const char *name = strchr(gguf + 4, '.'); /* behind "blk.0" */
    for (const struct tensor_spec *s = f->arch->tensors; s->gguf; s++)
        if ((s->flags & TENSOR_BARE) && name && strcmp(s->gguf + strlen("blk.%u"), name) == 0)
            return s;
    return NULL;
}

/* Of the three the numbers of channels may be any: transformers cuts what it holds as one into thirds. */
enum hone_status import_conv_parts(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                   const struct safetensor *(*find)(const struct folder *f, const char *name),
                                   struct hone_error *err)
{
    const char *format = hf; /* ours, from the form's table */
    const struct safetensor *parts[3];
    char name[256];
    uint64_t n = 0;
    size_t size = 0;
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, format, i_layer, "qkv"[i]);
        const struct safetensor *t = parts[i] = find(f, name);
        if (!t)
            return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s'", f->dir, name);
        if (!t->type || t->type->block_len != 1 || t->n_dims != 3 || t->dims[1] != 1 || t->size == 0 ||
            t->type != parts[0]->type || t->dims[2] != parts[0]->dims[2])
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s: tensor '%s' should be a convolution of each channel alone, as long as "
                             "those of queries, keys and values",
                             f->dir, name);
        n += t->dims[0];
        size += (size_t)t->size;
        f->used[safetensors_index(f->tensors, t)] = true;
    }
    char *copy = malloc(size), *to = copy;
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, gguf, size);
    }
    for (size_t i = 0; i < 3; to += parts[i++]->size)
        memcpy(to, parts[i]->data, (size_t)parts[i]->size);
    struct gguf_tensor out = {.name = gguf,
                              .type = parts[0]->type,
                              .n_dims = 2,
                              .size = size,
                              .data = copy,
                              .dims = {parts[0]->dims[2], n, 1, 1}};
    return folder_set(gguf_add_tensor(f->g, &out), gguf, err);
}

/* -exp of each, as float32. */
static enum hone_status make_decay(struct folder *f, struct gguf_tensor *t, struct hone_error *err)
{
    size_t n = (size_t)(t->dims[0] * t->dims[1]);
    float *copy = malloc((n + 1) * sizeof *copy);
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, n * sizeof *copy);
    }
    t->type->dequantize(copy, t->data, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = -expf(copy[i]);
    t->type = quant_type_by_id(QUANT_F32);
    t->data = copy;
    t->size = n * sizeof *copy;
    return HONE_OK;
}

static enum hone_status as_groups(const struct folder *f, struct gguf_tensor *t, struct hone_error *err)
{
    char key[128];
    size_t n = 1;
    enum hone_status status = gguf_get_size(f->g, key_of(f, "ssm.group_count", key), 1 << 16, &n, err);
    if (status == HONE_OK && (n == 0 || t->dims[0] % n != 0))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the %llu elements of '%s' are not those of %zu groups",
                         f->dir, (unsigned long long)t->dims[0], t->name, n);
    t->dims[0] /= n ? n : 1;
    t->dims[1] = n;
    t->n_dims = 2;
    return status;
}

enum hone_status import_recurrent_tensor(struct folder *f, const char *gguf, const struct safetensor *t,
                                         enum cut cut, struct hone_error *err)
{
    if (cut == CUT_SCALED)
        return import_scaled(f, gguf, t, err);
    const bool tiled = cut >= CUT_TILED && t->n_dims == 2;
    const bool matrix = tiled || (cut == CUT_DECAY && t->n_dims == 2);
    const bool conv = cut == CUT_CONV && t->n_dims == 3 && t->dims[1] == 1;
    if (!t->type || (t->n_dims != 1 && !conv && !matrix) || t->size == 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should be a vector%s of F32, F16 or BF16",
                         f->dir, t->name, cut == CUT_CONV ? ", or a convolution of each channel alone," : "");
    struct gguf_tensor out = {.name = gguf,
                              .type = t->type,
                              .n_dims = 1,
                              .size = t->size,
                              .data = t->data,
                              .dims = {t->dims[0], 1, 1, 1}};
    const struct tensor_spec *spec = spec_of(f, gguf);
    enum hone_status status = HONE_OK;
    if (conv || (spec && spec->cols == DIM_ONE)) {
        out.n_dims = 2;
        out.dims[0] = conv ? t->dims[2] : 1;
        out.dims[1] = t->dims[0];
    }
    if (matrix) {
        out.n_dims = 2;
        out.dims[0] = t->dims[1];
        out.dims[1] = t->dims[0];
    }
    if (cut == CUT_DECAY)
        status = make_decay(f, &out, err);
    if (cut == CUT_GROUPS)
        status = as_groups(f, &out, err);
    if (status == HONE_OK && (tiled || f->arch->tiled_heads))
        status = import_delta_rows(f, &out, tiled ? cut : CUT_TILED, err);
    return status == HONE_OK ? folder_set(gguf_add_tensor(f->g, &out), gguf, err) : status;
}
