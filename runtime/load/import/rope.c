/* How config.json scales rotary positions. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* What config.json says, with the numbers that are not there at 0. */
struct scaling {
    const char *type;
    double factor, low, high;     /* low, high: of llama3 */
    double length;                /* tokens that the model was trained with first */
    double fast, slow, magnitude; /* of YaRN */
    double mscale, mscale_all;    /* what its magnitude is made of where it is not there */
    double longest;               /* tokens of the context */
    size_t n_pairs;               /* that turn, of a head */
    bool whole_pairs;             /* of YaRN: "truncate" */
};

static enum hone_status refuse(const struct folder *f, const char *name, const char *what,
                               struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' of the rotary scaling %s", f->dir, name,
                     what);
}

static enum hone_status read_numbers(const struct folder *f, json_t *rope, struct scaling *s,
                                     struct hone_error *err)
{
    const struct {
        const char *name;
        double *out;
        bool of_model;
    } numbers[] = {{"factor", &s->factor, false},
                   {"low_freq_factor", &s->low, false},
                   {"high_freq_factor", &s->high, false},
                   {"original_max_position_embeddings", &s->length, false},
                   {"beta_fast", &s->fast, false},
                   {"beta_slow", &s->slow, false},
                   {"attention_factor", &s->magnitude, false},
                   {"mscale", &s->mscale, false},
                   {"mscale_all_dim", &s->mscale_all, false},
                   {"original_max_position_embeddings", &s->length, true},
                   {"max_position_embeddings", &s->longest, true}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *value = json_at(numbers[i].of_model ? f->config : rope, numbers[i].name);
        double x = json_number_value(value);
        if (value && (!json_is_number(value) || x < 0 || x > 1e30))
            return refuse(f, numbers[i].name, "should be a number above 0", err);
        /* which of the two counts is another matter in each family */
        if (numbers[i].of_model && x > 0 && *numbers[i].out > 0 && *numbers[i].out != x)
            return refuse(f, numbers[i].name, "is not the same as that of the model", err);
        if (x > 0)
            *numbers[i].out = x;
    }
    s->length = s->length > 0 ? s->length : s->longest;
    return HONE_OK;
}

static enum hone_status need(const struct folder *f, const char *name, double x, struct hone_error *err)
{
    return x > 0 ? HONE_OK : refuse(f, name, "is missing", err);
}

/* ---- Llama 3.1 ---- */

/* Slow frequencies are divided, fast ones are not, and between them it passes over. */
static float divisor(double wavelength, const struct scaling *s)
{
    if (wavelength < s->length / s->high)
        return 1;
    if (wavelength > s->length / s->low)
        return (float)s->factor;
    double smooth = (s->length / wavelength - s->low) / (s->high - s->low);
    return (float)(1 / ((1 - smooth) / s->factor + smooth));
}

static enum hone_status head_pairs(const struct folder *f, size_t *n_pairs, float *base,
                                   struct hone_error *err)
{
    char key[128];
    size_t width = 0, n_heads = 1, head_dim = 0;
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &width, err);
    snprintf(key, sizeof key, "%s.attention.head_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_heads, err);
    head_dim = width / n_heads;
    snprintf(key, sizeof key, "%s.%s", f->arch->name,
             f->arch->latent ? "rope.dimension_count" : "attention.key_length");
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &head_dim, err);
    snprintf(key, sizeof key, "%s.rope.freq_base", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_float(f->g, key, base, err);
    *n_pairs = head_dim / 2;
    return status;
}

static enum hone_status add_divisors(struct folder *f, const struct scaling *s, struct hone_error *err)
{
    size_t n = 0;
    float base = 10000;
    enum hone_status status = need(f, "low_freq_factor", s->low, err);
    if (status == HONE_OK)
        status = need(f, "high_freq_factor", s->high, err);
    if (status == HONE_OK)
        status = head_pairs(f, &n, &base, err);
    if (status != HONE_OK)
        return status;
    n = s->n_pairs;
    float *divisors = malloc((n + 1) * sizeof *divisors);
    if (!divisors || !gguf_own_memory(f->g, divisors)) {
        free(divisors);
        return hone_no_memory(err, "rotary scaling", n * sizeof *divisors);
    }
    for (size_t i = 0; i < n; i++)
        divisors[i] = divisor(2 * PI * pow((double)base, (double)i / (double)n), s);
    struct gguf_tensor t = {.name = "rope_freqs.weight",
                            .type = quant_type_by_id(QUANT_F32),
                            .n_dims = 1,
                            .dims = {n, 1, 1, 1},
                            .data = divisors};
    return folder_set(gguf_add_tensor(f->g, &t), t.name, err);
}

/* Of all pairs of a head the first part turns, at frequencies of all; the others stand still. GGUF files say it by divisors. */
static enum hone_status add_proportional(struct folder *f, json_t *rope, struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    float base;
    json_t *part = json_at(rope, "partial_rotary_factor"), *factor = json_at(rope, "factor");
    double usual = !rope && f->form->rotated > 0 ? (double)f->form->rotated : 1;
    double x = part ? json_number_value(part) : usual, slower = factor ? json_number_value(factor) : 1;
    enum hone_status status = head_pairs(f, &n, &base, err);
    if (status == HONE_OK && !(x > 0 && x <= 1 && slower > 0))
        return refuse(f, "partial_rotary_factor", "should be above 0 and at most 1, and 'factor' above 0",
                      err);
    float *divisors = status == HONE_OK ? malloc((n + 1) * sizeof *divisors) : NULL;
    if (status == HONE_OK && (!divisors || !gguf_own_memory(f->g, divisors))) {
        free(divisors);
        return hone_no_memory(err, "rotary scaling", n * sizeof *divisors);
    }
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        divisors[i] = i < (size_t)(x * (double)(2 * n) / 2) ? (float)slower : 1e30F;
    struct gguf_tensor t = {.name = "rope_freqs.weight",
                            .type = quant_type_by_id(QUANT_F32),
                            .n_dims = 1,
                            .dims = {n, 1, 1, 1},
                            .data = divisors};
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, (uint32_t)(2 * n)), key, err);
    return status == HONE_OK ? folder_set(gguf_add_tensor(f->g, &t), t.name, err) : status;
}

/* Whether layers that see all tokens rotate otherwise than those that do not. */
static bool rotates_by_layer(const struct folder *f)
{
    bool by_layer = false;
    for (const struct param_spec *p = f->arch->params; p->hf; p++)
        by_layer = by_layer || strstr(p->hf, "rope_parameters.full_attention");
    for (const struct fixed_spec *s = f->form->fixed; s && s->hf; s++) /* of two forms one */
        by_layer = by_layer && strcmp(s->hf, "rope_parameters.full_attention") != 0;
    return by_layer;
}

/* transformers goes by the older name where both are there, and by what stands in it before what stands around it; where layers
 * rotate by their kind, it is of those that see all tokens. */
enum hone_status import_rope_names(struct folder *f, struct hone_error *err)
{
    json_t *old = json_object_get(f->config, "rope_scaling"), *now = NULL;
    for (const struct param_spec *p = f->arch->params; p->hf; p++)
        if (strncmp(p->hf, "rope_scaling.", 13) == 0) /* a family to which it is another thing */
            return HONE_OK;
    if (!json_is_object(old) || json_object_size(old) == 0)
        return HONE_OK;
    if (rotates_by_layer(f)) {
        if (json_object_get(old, "type") && !json_object_get(old, "rope_type"))
            return refuse(f, "type", "is not looked at in models of this type, expected 'rope_type'", err);
        json_t *kinds = json_object_get(f->config, "rope_parameters");
        now = json_is_object(kinds) ? json_copy(kinds) : json_object();
        if (json_object_set(now, "full_attention", old) != 0) {
            json_decref(now);
            return hone_no_memory(err, "config.json", json_object_size(old));
        }
    }
    if (json_object_set_new(f->config, "rope_parameters", now ? now : json_incref(old)) != 0)
        return hone_no_memory(err, "config.json", json_object_size(old));
    return HONE_OK;
}

/* Both kinds of layers have one base in GGUF's files. */
static enum hone_status check_local_base(const struct folder *f, struct hone_error *err)
{
    char key[128];
    float base = 10000;
    size_t n;
    double usual = 10000;
    json_t *local = json_at(f->config, "rope_parameters.sliding_attention.rope_theta");
    snprintf(key, sizeof key, "%s.attention.sliding_window", f->arch->name);
    if (!f->arch->local_unscaled || !gguf_find(f->g, key))
        return HONE_OK;
    for (const struct default_spec *d = f->form->defaults; d && d->value != 0; d++)
        usual = d->offset == PARAM(rope_base) ? d->value : usual;
    enum hone_status status = head_pairs(f, &n, &base, err);
    if (status == HONE_OK && (float)(local ? json_number_value(local) : usual) != base)
        return refuse(f, "rope_theta", "should be the same for sliding_attention and full_attention", err);
    return status;
}

double import_rope_alpha(const struct folder *f)
{
    json_t *rope = json_at(f->config, "rope_parameters"), *size = json_at(f->config, "head_dim");
    const double alpha = json_number_value(json_at(rope, "alpha")),
                 heads = json_number_value(json_at(f->config, "num_attention_heads"));
    double n = size ? json_number_value(size)
                    : json_number_value(json_at(f->config, "hidden_size")) / (heads > 0 ? heads : 1);
    const char *type = json_string_value(json_at(rope, "rope_type|type"));
    return type && strcmp(type, "dynamic") == 0 && alpha > 0 && n > 2 ? pow(alpha, n / (n - 2)) : 1;
}

/* ---- linear and YaRN ---- */

static enum hone_status set_number(struct folder *f, const char *suffix, double x, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.rope.scaling.%s", f->arch->name, suffix);
    return x > 0 ? folder_set(gguf_set_f32(f->g, key, (float)x), key, err) : HONE_OK;
}

static enum hone_status set_type(struct folder *f, const struct scaling *s, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.rope.scaling.type", f->arch->name);
    enum hone_status status = folder_set(gguf_set_string(f->g, key, s->type), key, err);
    return status == HONE_OK ? set_number(f, "factor", s->factor, err) : status;
}

static double usual_magnitude(double factor, double scale)
{
    return factor > 1 ? 0.1 * scale * log(factor) + 1 : 1;
}

/* With latent attention the usual one follows from what scores are multiplied by; the key for that has a tenth of it. */
static enum hone_status set_latent_magnitude(struct folder *f, const struct scaling *s, double magnitude,
                                             double usual, struct hone_error *err)
{
    enum hone_status status = set_number(f, "yarn_log_multiplier", 0.1 * s->mscale_all, err);
    if (status == HONE_OK && magnitude != (s->mscale_all > 0 ? 1 : usual))
        status = set_number(f, "yarn_attn_factor", magnitude, err);
    return status;
}

/* GGUF has what the magnitude is beside the usual one. */
static enum hone_status set_yarn(struct folder *f, const struct scaling *s, struct hone_error *err)
{
    char key[128];
    double usual = usual_magnitude(s->factor, 1), magnitude = s->magnitude;
    if (magnitude == 0)
        magnitude = s->mscale > 0 && s->mscale_all > 0
                        ? usual_magnitude(s->factor, s->mscale) / usual_magnitude(s->factor, s->mscale_all)
                        : usual;
    enum hone_status status = set_type(f, s, err);
    snprintf(key, sizeof key, "%s.rope.scaling.original_context_length", f->arch->name);
    if (status == HONE_OK && s->length > UINT32_MAX)
        status = refuse(f, "original_max_position_embeddings", "is too large", err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, (uint32_t)s->length), key, err);
    if (status == HONE_OK && s->whole_pairs == f->arch->broken_pairs)
        status =
            folder_set(gguf_set_bool(f->g, "hone.yarn_truncate", s->whole_pairs), "hone.yarn_truncate", err);
    if (status == HONE_OK)
        status = set_number(f, "yarn_beta_fast", s->fast, err);
    if (status == HONE_OK)
        status = set_number(f, "yarn_beta_slow", s->slow, err);
    if (status == HONE_OK && f->arch->latent)
        return set_latent_magnitude(f, s, magnitude, usual, err);
    return status == HONE_OK && magnitude != usual ? set_number(f, "attn_factor", magnitude / usual, err)
                                                   : status;
}

/* ---- LongRoPE ---- */

/* A list of numbers above 0, one a pair, as a tensor. */
static enum hone_status add_factors(struct folder *f, json_t *rope, const char *name, const char *gguf,
                                    size_t n, struct hone_error *err)
{
    json_t *list = json_at(rope, name);
    if (json_array_size(list) != n)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: '%s' of the rotary scaling should have %zu numbers", f->dir, name,
                         n);
    float *factors = malloc((n + 1) * sizeof *factors);
    if (!factors || !gguf_own_memory(f->g, factors)) {
        free(factors);
        return hone_no_memory(err, "rotary scaling", n * sizeof *factors);
    }
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_array_get(list, i));
        if (!(x > 0 && x < 1e30))
            return refuse(f, name, "should be numbers above 0", err);
        factors[i] = (float)x;
    }
    struct gguf_tensor t = {.name = gguf,
                            .type = quant_type_by_id(QUANT_F32),
                            .n_dims = 1,
                            .dims = {n, 1, 1, 1},
                            .data = factors};
    return folder_set(gguf_add_tensor(f->g, &t), t.name, err);
}

static enum hone_status set_by_length(struct folder *f, json_t *rope, const struct scaling *s, size_t n_pairs,
                                      struct hone_error *err)
{
    char key[128];
    double factor = s->factor > 0 ? s->factor : s->longest / s->length, magnitude = s->magnitude;
    if (f->arch->rope_mscale) {
        /* transformers has the short factors in long sequences, too, and others the long ones: hone does not go there */
        magnitude = json_number_value(json_at(rope, "short_mscale"));
        f->longest = s->length;
        if (!(magnitude > 0))
            return refuse(f, "short_mscale", "is missing", err);
    }
    if (magnitude == 0)
        magnitude = factor <= 1 ? 1 : sqrt(1 + log(factor) / log(s->length));
    enum hone_status status = s->length > 1 && s->length < UINT32_MAX
                                  ? HONE_OK
                                  : refuse(f, "original_max_position_embeddings", "is missing", err);
    if (status == HONE_OK)
        status = add_factors(f, rope, "long_factor", "rope_factors_long.weight", n_pairs, err);
    if (status == HONE_OK)
        status = add_factors(f, rope, "short_factor", "rope_factors_short.weight", n_pairs, err);
    snprintf(key, sizeof key, "%s.rope.scaling.original_context_length", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, (uint32_t)s->length), key, err);
    return status == HONE_OK ? set_number(f, "attn_factor", magnitude, err) : status;
}

/* ---- all of them ---- */

/* How many elements of a head are rotated; GGUF has it where it has the heads' size, or where these are not all. */
static enum hone_status set_rotated(struct folder *f, json_t *rope, size_t *n_pairs, struct hone_error *err)
{
    char key[128];
    float base;
    json_t *part = json_at(rope, "partial_rotary_factor");
    part = part ? part : json_at(f->config, "partial_rotary_factor|rotary_pct");
    double usual = f->form->rotated > 0 ? (double)f->form->rotated : 1,
           x = part ? json_number_value(part) : usual;
    enum hone_status status = head_pairs(f, n_pairs, &base, err);
    size_t head_dim = 2 * *n_pairs, n = (size_t)(x > 0 && x <= 1 ? x * (double)head_dim : 0);
    json_t *width = json_at(f->config, "rotary_dim"); /* MiniMax M2's name for n, */
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch->name);
    if (width && !part && !gguf_find(f->g, key)) /* where it is not in the family's table */
        n = json_integer_value(width) > 0 && (size_t)json_integer_value(width) <= head_dim
                ? (size_t)json_integer_value(width)
                : 0;
    if (status == HONE_OK && part && x != 1 && f->form->rotated == 0)
        return refuse(f, "partial_rotary_factor", "should be 1: models of this type rotate whole heads", err);
    if (status == HONE_OK && (n == 0 || n % 2 != 0))
        return refuse(f, "partial_rotary_factor", "should be above 0 and at most 1, and leave an even number",
                      err);
    *n_pairs = n / 2;
    if (f->arch->latent && n != head_dim)
        return refuse(f, "partial_rotary_factor", "should be 1, since attention is latent", err);
    if (f->arch->latent) /* layers/latent.c has written it */
        return status;
    snprintf(key, sizeof key, "%s.attention.key_length", f->arch->name);
    bool has_length = gguf_find(f->g, key);
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch->name);
    if (status != HONE_OK || (!has_length && n == head_dim))
        return status;
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

static bool is_longrope(const char *type)
{
    return type && (strcmp(type, "longrope") == 0 || strcmp(type, "su") == 0);
}

/* Mistral's newer models scale the queries behind these positions, which hone does not, so it does not go there. */
static void limit_queries(struct folder *f, json_t *rope)
{
    double length = json_number_value(json_at(rope, "original_max_position_embeddings"));
    const json_t *growth = json_at(rope, "llama_4_scaling_beta");
    bool known = false;
    for (const struct param_spec *p = f->arch->params; p->hf; p++)
        known |= p->offset == PARAM(query_growth);
    if (json_number_value(growth) > 0 && length >= 1 && !known)
        f->longest = length;
}

enum hone_status import_rope(struct folder *f, struct hone_error *err)
{
    size_t n_pairs;
    char key[128];
    snprintf(key, sizeof key, "%s.rope.freq_base", f->arch->name);
    if (!gguf_find(f->g, key) || gguf_float_at(gguf_find(f->g, key), 0) == 0) /* nothing is rotated */
        return HONE_OK;
    json_t *rope = json_at(f->config, "rope_parameters.full_attention|rope_parameters");
    enum hone_status status = check_local_base(f, err);
    if (status != HONE_OK)
        return status;
    /* Of these families transformers takes a scaling of its own where there is none, and its numbers change. */
    if (!json_is_object(rope) && (f->arch->broken_pairs || f->form->rope_told))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: there is no 'rope_parameters' (or 'rope_scaling'), expected an "
                         "object with a 'rope_type'",
                         f->dir);
    struct scaling s = {.type = json_string_value(json_at(rope, "rope_type"))};
    s.type = s.type ? s.type : json_string_value(json_at(rope, "type"));
    if (s.type && f->arch->rope_sections && strcmp(s.type, "mrope") == 0)
        s.type = "default";
    s.whole_pairs = !json_is_false(json_at(rope, "truncate"));
    limit_queries(f, rope);
    if (f->arch->latent && s.type && strcmp(s.type, "proportional") == 0)
        return refuse(f, "rope_type", "is proportional, which is not supported with latent attention", err);
    if (s.type && strcmp(s.type, "proportional") == 0)
        return add_proportional(f, rope, err);
    if (!json_is_object(rope) && f->arch->own_heads) /* transformers' default */
        return add_proportional(f, json_object_get(f->config, "rope_parameters"), err);
    bool yarn = s.type && strcmp(s.type, "yarn") == 0;
    if (f->arch->latent && s.type && !yarn && json_number_value(json_at(rope, "mscale_all_dim")) > 0)
        return refuse(f, "mscale_all_dim", "is known with yarn alone", err);
    status = set_rotated(f, rope, &n_pairs, err);
    s.n_pairs = n_pairs;
    if (status == HONE_OK && is_longrope(s.type)) {
        status = read_numbers(f, rope, &s, err);
        return status == HONE_OK ? set_by_length(f, rope, &s, n_pairs, err) : status;
    }
    if (f->arch->rope_mscale && s.type && strcmp(s.type, "default") != 0)
        return refuse(f, "rope_type", "should be default or longrope", err);
    /* "dynamic" changes something only beyond the context's length, where hone does not go. */
    if (status != HONE_OK || !s.type || strcmp(s.type, "default") == 0 || strcmp(s.type, "dynamic") == 0)
        return status;
    bool llama3 = strcmp(s.type, "llama3") == 0;
    if (!llama3 && !yarn && strcmp(s.type, "linear") != 0)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/config.json: the rotary scaling '%s' is not supported, expected default, linear, "
            "dynamic, llama3, longrope or yarn",
            f->dir, s.type);
    status = read_numbers(f, rope, &s, err);
    if (yarn && s.factor == 0 && s.length > 0)
        s.factor = s.longest / s.length;
    if (status == HONE_OK)
        status = need(f, "factor", s.factor, err);
    if (status == HONE_OK)
        status = (llama3 ? add_divisors : yarn ? set_yarn : set_type)(f, &s, err);
    return status;
}
