/* config.json: the numbers of the family, the labels, and how logits become scores. */
#include "runtime/load/import/folder.h"

#include "runtime/base/json.h"
#include "runtime/load/import/keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of the position table come before those that positions have: up to the padding token's own. */
static enum hone_status find_padding(struct folder *f, struct hone_error *err)
{
    json_t *id = json_at(f->config, "pad_token_id");
    json_int_t n = id ? json_integer_value(id) : 1;
    f->padding_rows = f->form->rows_before;
    if (!f->form->after_padding)
        return HONE_OK;
    if ((id && !json_is_integer(id)) || n < 0 || n > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'pad_token_id' should be a token", f->dir);
    f->padding_rows = (size_t)n + 1;
    return folder_set(gguf_set_u32(f->g, "hone.position_pad_id", (uint32_t)n), "hone.position_pad_id", err);
}

static double default_of(const struct folder *f, const struct param_spec *p)
{
    for (const struct default_spec *d = f->form->defaults; d && d->value != 0; d++)
        if (d->offset == p->offset)
            return d->value;
    return p->otherwise;
}

/* Whether tokens see what is behind them. */
static enum hone_status import_sides(struct folder *f, struct hone_error *err)
{
    char key[128];
    json_t *value = json_at(f->config, "is_causal");
    snprintf(key, sizeof key, "%s.attention.causal", f->arch->name);
    if (value && !json_is_boolean(value))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'is_causal' should be true or false", f->dir);
    f->two_sided = f->arch->causal && (f->arch->two_sided || f->form->both_sides || json_is_false(value));
    bool encodes = f->two_sided || (!f->arch->causal && !f->arch->has_decoder);
    return encodes ? folder_set(gguf_set_bool(f->g, key, false), key, err) : HONE_OK;
}

/* Where tokens see both sides transformers takes the window for what is seen on either of them, its last token
 * included; a family that has never been causal for half of that. GGUF files have both sides. */
static json_int_t two_sided_window(const struct folder *f, json_int_t n)
{
    bool halved = f->form->halves_window;
    bool inclusive = json_is_false(json_at(f->config, "is_causal"));
    return !halved ? 2 * n : inclusive ? n / 2 * 2 + 2 : n;
}

static enum hone_status import_size(struct folder *f, const struct param_spec *p, const char *key,
                                    struct hone_error *err)
{
    json_t *value = json_at(f->config, p->hf);
    json_int_t extra = p->kind == PARAM_POSITIONS ? (json_int_t)f->padding_rows : 0;
    double otherwise = default_of(f, p);
    json_int_t n = value ? json_integer_value(value) : (json_int_t)otherwise;
    if (!value && p->kind == PARAM_FF) {
        n = 4 * json_integer_value(json_at(f->config, "hidden_size|n_embed|n_embd|d_model"));
    } else if (!value && otherwise < 0) {
        return HONE_OK;
    }
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(p->hf, "|"), p->hf);
    if (p->kind == PARAM_OR_HALF && !json_at(f->config, first))
        n /= 2;
    if (p->kind == PARAM_TWO_THIRDS && n > 0 && n < INT32_MAX)
        n = (2 * n / 3 + 7) / 8 * 8;
    if (p->offset == PARAM(window) && f->two_sided && n > 0 && n < INT32_MAX)
        return folder_set(gguf_set_u32(f->g, key, (uint32_t)two_sided_window(f, n)), key, err);
    if ((value && !json_is_integer(value)) || n < extra || (n == extra && p->kind != PARAM_COUNT) ||
        (uint64_t)(n - extra) > p->max)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number from %lld to %llu",
                         f->dir, p->hf, (long long)extra + 1,
                         (unsigned long long)p->max + (unsigned long long)extra);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)(n - extra)), key, err);
}

/* A key that is there with null is none, whatever the usual value is. */
static bool is_null(const struct folder *f, const char *key)
{
    return json_is_null(json_object_get(f->config, key));
}

static enum hone_status import_param(struct folder *f, const struct param_spec *p, struct hone_error *err)
{
    char key[128];
    json_t *value = json_at(f->config, p->hf);
    snprintf(key, sizeof key, "%s.%.*s", f->arch->name, (int)strcspn(p->gguf, "|"), p->gguf);
    bool window = p->offset == PARAM(window), spare = p->otherwise < 0 && p->kind != PARAM_FF;
    const bool is_set = f->form->import && gguf_find(f->g, key); /* by the form's own function */
    const bool elsewhere = !*p->hf && default_of(f, p) <= 0 && p->kind != PARAM_FF;
    if (is_set || elsewhere) /* or another part of the import writes it */
        return HONE_OK;
    if ((window && f->form->no_window) || ((window || spare) && is_null(f, p->hf)))
        return HONE_OK;
    if (window && f->form->window_if && !json_is_true(json_at(f->config, f->form->window_if)))
        return HONE_OK;
    if (p->kind != PARAM_FLOAT && p->kind != PARAM_INVERSE_ROOT)
        return import_size(f, p, key, err);
    double otherwise = default_of(f, p), x = value ? json_number_value(value) : otherwise;
    if (!value && otherwise < 0)
        return HONE_OK;
    if ((value && !json_is_number(value)) || x <= 0 || x > 1e30)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number above 0", f->dir,
                         p->hf);
    if (p->offset == PARAM(rope_base) && f->arch->rope_alpha)
        x *= import_rope_alpha(f);
    if (p->kind == PARAM_INVERSE_ROOT)
        x = 1 / sqrt(x);
    return folder_set(gguf_set_f32(f->g, key, (float)x), key, err);
}

/* Options of the family that hone knows in one form only. */
static enum hone_status check_fixed(const struct folder *f, struct hone_error *err)
{
    for (const struct fixed_spec *s = f->form->fixed; s && s->hf; s++) {
        json_t *value = json_at(f->config, s->hf);
        if (!value)
            continue;
        char *text = json_write(value, JSON_ENCODE_ANY);
        if (!text)
            return hone_no_memory(err, s->hf, strlen(s->value));
        bool same = strcmp(text, s->value) == 0;
        enum hone_status status =
            same ? HONE_OK
                 : hone_fail(err, HONE_BAD_MODEL,
                             "%s/config.json: '%s' is %s, which is not supported; expected %s", f->dir, s->hf,
                             text ? text : "?", s->value);
        free(text);
        if (!same)
            return status;
    }
    return HONE_OK;
}

enum hone_status folder_set_activation(struct folder *f, const char *path, enum activation otherwise,
                                       const char *key, struct hone_error *err)
{
    json_t *value = json_at(f->config, path);
    struct hone_text name = {json_string_value(value), json_string_length(value)};
    enum activation act = value ? N_ACTIVATIONS : otherwise;
    if (name.data)
        act = activation_by_name(name);
    if (act == N_ACTIVATIONS)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the activation '%s' is not supported", f->dir,
                         name.data ? name.data : "(not a name)");
    return folder_set(gguf_set_string(f->g, key, activation_name(act)), key, err);
}

static enum hone_status import_activation(struct folder *f, struct hone_error *err)
{
    if (f->arch->activation == ACT_CLAMPED) /* which no name tells */
        return HONE_OK;
    const char *name = json_string_value(json_at(f->config, KEYS_OF_ACTIVATION));
    if (f->form->gelu_by_tanh && name && strcmp(name, "gelu") == 0)
        return folder_set(gguf_set_string(f->g, "hone.activation", activation_name(ACT_GELU_TANH)),
                          "hone.activation", err);
    enum activation usual = f->arch->activation;
    if (f->form->usual_activation)
        usual = activation_by_name(
            (struct hone_text){f->form->usual_activation, strlen(f->form->usual_activation)});
    return folder_set_activation(f, KEYS_OF_ACTIVATION, usual, "hone.activation", err);
}

/* Other programs take keys' and values' sizes for separate things. */
static enum hone_status import_head_size(struct folder *f, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.attention.key_length", f->arch->name);
    if (!gguf_find(f->g, key) || f->arch->latent)
        return HONE_OK;
    return folder_copy_size(f, "attention.key_length", "attention.value_length", err);
}

/* ---- layers that see near tokens alone ---- */

static bool are_all_local(const struct folder *f)
{
    return !f->form->some_local && (f->form->local == LOCAL_ALL || f->arch->global_every >= 1 << 30);
}

static enum hone_status local_by_type(const struct folder *f, json_t *types, bool *local, size_t n,
                                      struct hone_error *err)
{
    const char *name = f->arch->local_chunks ? "chunked_attention" : "sliding_attention";
    if (json_array_size(types) != n)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'layer_types' should have %zu elements",
                         f->dir, n);
    for (size_t i = 0; i < n; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        local[i] = type && strcmp(type, name) == 0;
        if (!local[i] && f->arch->recurrent != RECURRENT_NONE) /* recurrent.c looks at them */
            continue;
        if (!local[i] && (!type || strcmp(type, "full_attention") != 0))
            return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the layer type '%s' is not supported",
                             f->dir, type ? type : "(none)");
        if (!local[i] && are_all_local(f)) /* transformers does not look at it */
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s/config.json: 'layer_types' should be sliding_attention everywhere, since "
                             "with a 'sliding_window' all layers of '%s' are",
                             f->dir, f->form->type);
    }
    return HONE_OK;
}

/* Whether the layers are local that are where a file does not say. */
static bool is_usual(const struct folder *f, const bool *local, size_t n)
{
    if (f->arch->global_every == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (local[i] != ((i + f->arch->global_last) % f->arch->global_every != 0))
            return false;
    return true;
}

/* Layer i rotates nothing: 0 in a list, or the last of every so many. */
static bool is_unrotated(const struct folder *f, size_t i)
{
    json_t *list = json_at(f->config, "no_rope_layers"),
           *period = json_at(f->config, "no_rope_layer_interval");
    const json_int_t every = period ? json_integer_value(period) : (json_int_t)f->arch->unrotated_every;
    const json_t *one = json_array_get(list, i);
    return one ? json_integer_value(one) == 0 : every > 0 && (i + 1) % (size_t)every == 0;
}

static enum hone_status local_by_number(const struct folder *f, bool *local, size_t n, struct hone_error *err)
{
    static const char *const period = "global_attn_every_n_layers|sliding_window_pattern";
    json_t *value = json_at(f->config, period);
    json_t *first =
        f->form->window_if || f->form->local_from ? json_at(f->config, "max_window_layers") : NULL;
    json_int_t every = value ? json_integer_value(value) : (json_int_t)f->arch->global_every;
    json_int_t from = first                ? json_integer_value(first)
                      : f->form->window_if ? 28
                                           : (json_int_t)f->form->local_from; /* transformers' default */
    if ((value && every <= 0) || every > INT32_MAX || from < 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number of layers", f->dir,
                         first ? "max_window_layers" : period);
    for (size_t i = 0; i < n; i++) {
        const bool behind = (json_int_t)i >= from;
        local[i] = f->form->local == LOCAL_UNROTATED ? is_unrotated(f, i)
                   : f->form->local == LOCAL_ROTATED ? !is_unrotated(f, i)
                   : f->form->first_global > 0       ? i % f->form->first_global != 0
                   : f->form->local == LOCAL_EVEN    ? i % 2 == 0 && !behind
                   : are_all_local(f)                ? true
                   : every > 0                       ? (i + f->arch->global_last) % (size_t)every != 0
                                                     : behind;
    }
    return HONE_OK;
}

/* transformers takes the one or the other, by family. */
static enum hone_status check_no_window(const struct folder *f, json_t *types, struct hone_error *err)
{
    for (size_t i = 0; f->form->window_if && i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (type && strcmp(type, "sliding_attention") == 0)
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s/config.json: 'layer_types' has sliding_attention, but there is no window: "
                             "expected '%s' true and a 'sliding_window'",
                             f->dir, f->form->window_if);
    }
    return HONE_OK;
}

static enum hone_status import_local_layers(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    json_t *types = json_at(f->config, "layer_types");
    snprintf(key, sizeof key, "%s.attention.sliding_window", f->arch->name);
    if (!gguf_find(f->g, key))
        return check_no_window(f, types, err);
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &n, err);
    bool *local = calloc(n + 1, sizeof *local);
    if (!local)
        return hone_no_memory(err, "the layers", n);
    if (status == HONE_OK)
        status = (types ? local_by_type(f, types, local, n, err) : local_by_number(f, local, n, err));
    snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", f->arch->name);
    if (status == HONE_OK && (f->arch->own_heads || !f->arch->causal || !is_usual(f, local, n)))
        status = folder_set(gguf_set_array(f->g, key, GGUF_BOOL, local, n), key, err);
    free(local);
    return status;
}

/* Which layers rotate nothing, where they are not the usual ones. */
static enum hone_status import_unrotated(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n = 0, usual = f->arch->unrotated_every;
    json_t *list = json_at(f->config, "no_rope_layers"),
           *period = json_at(f->config, "no_rope_layer_interval");
    json_int_t every = period ? json_integer_value(period) : (json_int_t)usual;
    bool unrotated[1024], is_usual = true;
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1024, &n, err);
    if (status != HONE_OK || usual == 0)
        return status;
    if ((list && json_array_size(list) > 0 && json_array_size(list) != n) || every <= 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be %s", f->dir,
                         every <= 0 ? "no_rope_layer_interval" : "no_rope_layers",
                         every <= 0 ? "above 0" : "a list of 0 and 1, one a layer");
    for (size_t i = 0; i < n; i++) {
        unrotated[i] = is_unrotated(f, i);
        is_usual = is_usual && unrotated[i] == ((i + 1) % usual == 0);
    }
    static const char own[] = "hone.unrotated_layers";
    return is_usual ? HONE_OK : folder_set(gguf_set_array(f->g, own, GGUF_BOOL, unrotated, n), own, err);
}

/* Whether both halves of a layer read its input, where that is not the usual way. */
static enum hone_status import_order(struct folder *f, struct hone_error *err)
{
    char key[128];
    json_t *value = json_at(f->config, "use_parallel_residual");
    snprintf(key, sizeof key, "%s.use_parallel_residual", f->arch->name);
    if (value && !json_is_boolean(value))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'use_parallel_residual' should be true or false", f->dir);
    const bool parallel = value ? json_is_true(value) : f->arch->parallel;
    return parallel == f->arch->parallel ? HONE_OK : folder_set(gguf_set_bool(f->g, key, parallel), key, err);
}

static enum hone_status import_experts_sum(struct folder *f, struct hone_error *err)
{
    char key[128];
    if (!f->form->experts_sum)
        return HONE_OK;
    snprintf(key, sizeof key, "%s.expert_weights_norm", f->arch->name);
    const json_t *says = json_at(f->config, f->form->experts_sum);
    bool sum = says ? json_is_true(says) : f->form->experts_sum_usual;
    return sum == !f->arch->experts_any_sum ? HONE_OK : folder_set(gguf_set_bool(f->g, key, sum), key, err);
}

/* ---- all of it ---- */

static enum hone_status import_name(struct folder *f, struct hone_error *err)
{
    size_t end = strlen(f->dir);
    while (end > 1 && f->dir[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && f->dir[start - 1] != '/')
        start--;
    return folder_set(gguf_set_text(f->g, "general.name", (struct hone_text){f->dir + start, end - start}),
                      "general.name", err);
}

enum hone_status import_config(struct folder *f, struct hone_error *err)
{
    enum hone_status status =
        folder_set(gguf_set_string(f->g, "general.architecture", f->arch->name), "general.architecture", err);
    if (status == HONE_OK)
        status = import_name(f, err);
    if (status == HONE_OK && folder_has_table(f))
        return import_table_config(f, err);
    if (status == HONE_OK)
        status = find_padding(f, err);
    if (status == HONE_OK)
        status = import_sides(f, err);
    if (status == HONE_OK)
        status = import_rope_names(f, err);
    if (status == HONE_OK && f->form->import)
        status = f->form->import(f, err);
    for (const struct param_spec *p = f->arch->params; p->hf && status == HONE_OK; p++)
        status = import_param(f, p, err);
    if (status == HONE_OK && f->arch->parallel_if_told)
        status = import_order(f, err);
    if (status == HONE_OK && f->arch->recurrent != RECURRENT_NONE)
        status = import_recurrent(f, err);
    if (status == HONE_OK && f->arch->own_heads)
        status = import_own_heads(f, err);
    if (status == HONE_OK && f->arch->altup)
        status = import_altup(f, err);
    if (status == HONE_OK && f->arch->latent)
        status = import_latent(f, err);
    if (status == HONE_OK && f->arch->depth_scaled)
        status = import_depth_scales(f, err);
    if (status == HONE_OK && f->arch->causal)
        status = import_head_size(f, err);
    if (status == HONE_OK && f->arch->causal)
        status = import_rope(f, err);
    if (status == HONE_OK && f->arch->has_decoder)
        status = import_decoder(f, err);
    if (status == HONE_OK && ((f->arch->causal && !f->two_sided) || f->arch->has_decoder))
        status = import_rules(f, err);
    if (status == HONE_OK && (f->arch->causal || f->arch->has_decoder))
        status = import_generation(f, err);
    if (status == HONE_OK && f->arch->distance == DISTANCE_DISENTANGLED)
        status = import_distances(f, err);
    if (status == HONE_OK)
        status = check_fixed(f, err);
    if (status == HONE_OK)
        status = import_activation(f, err);
    if (status == HONE_OK)
        status = import_local_layers(f, err);
    if (status == HONE_OK)
        status = import_unrotated(f, err);
    if (status == HONE_OK)
        status = import_experts_sum(f, err);
    if (status == HONE_OK)
        status = import_routing(f, err);
    return status == HONE_OK ? import_labels(f, err) : status;
}
