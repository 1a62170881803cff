#include "runtime/nn/rope.h"

#include "runtime/base/text.h"
#include "runtime/base/thread_pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Rounded to float32 where PyTorch rounds: far positions multiply the error. */
static float frequency(size_t pair, size_t head_dim, float base, float factor)
{
    float exponent = (float)(2 * pair) / (float)head_dim;
    float f = 1 / (float)pow((double)(base * factor), (double)exponent);
    return factor == 1 ? f : f / (float)pow((double)factor, 2 / (double)head_dim);
}

struct turns {
    float *out;
    size_t n_positions, head_dim;
    float base, factor;
};

static void turn_pairs(const void *arg, struct work_range pairs)
{
    const struct turns *t = arg;
    size_t n_pairs = t->head_dim / 2;
    for (size_t i = pairs.first; i < pairs.end; i++) {
        float f = frequency(i, t->head_dim, t->base, t->factor);
        for (size_t p = 0; p < t->n_positions; p++) {
            double angle = (double)((float)p * f);
            t->out[p * t->head_dim + i] = (float)cos(angle);
            t->out[p * t->head_dim + n_pairs + i] = (float)sin(angle);
        }
    }
}

void rope_turns(float *out, size_t n_positions, size_t head_dim, float base, float factor, int n_threads)
{
    const struct turns turns = {out, n_positions, head_dim, base, factor};
    thread_pool_run(n_threads, head_dim / 2, 0, turn_pairs, &turns);
}

/* The pair that turns so many times within the original length. */
static double pair_of_rotations(double rotations, size_t head_dim, double base, double length)
{
    return (double)head_dim * log(length / (rotations * 2 * PI)) / (2 * log(base));
}

/* Peng et al., 2023, arXiv:2309.00071: fast pairs keep their frequency, slow ones' is divided, and between them it
 * passes over. */
static void scale_yarn(float *frequencies, size_t head_dim, float base, const struct rope_scaling *s)
{
    double low = pair_of_rotations((double)s->beta_fast, head_dim, (double)base, (double)s->length);
    double high = pair_of_rotations((double)s->beta_slow, head_dim, (double)base, (double)s->length);
    low = fmax(s->whole_pairs ? floor(low) : low, 0);
    high = fmin(s->whole_pairs ? ceil(high) : high, (double)(head_dim - 1));
    const float start = (float)low, width = (float)(high == low ? 0.001 : high - low);
    for (size_t i = 0; i < head_dim / 2; i++) {
        float slow = fminf(fmaxf(((float)i - start) / width, 0), 1), f = frequencies[i];
        frequencies[i] = f / s->factor * slow + f * (1 - slow);
    }
}

void rope_frequencies(float *out, size_t head_dim, float base, const float *divisors,
                      const struct rope_scaling *scaling)
{
    for (size_t i = 0; i < head_dim / 2; i++) {
        out[i] = frequency(i, head_dim, base, 1) / (divisors ? divisors[i] : 1);
        if (scaling && scaling->length == 0)
            out[i] /= scaling->factor;
    }
    if (scaling && scaling->length > 0)
        scale_yarn(out, head_dim, base, scaling);
}

void rope_turn(float *out, size_t position, const float *frequencies, size_t head_dim, float magnitude)
{
    size_t n_pairs = head_dim / 2;
    for (size_t i = 0; i < n_pairs; i++) {
        double angle = (double)((float)position * frequencies[i]);
        out[i] = (float)cos(angle) * magnitude;
        out[n_pairs + i] = (float)sin(angle) * magnitude;
    }
}

void rope_describe(const struct net *m, char *out, size_t size)
{
    const struct hparams *hp = &m->hp;
    const struct rope_scaling *s = &hp->rope_scaling;
    int n = 0;
    out[0] = 0;
    if (hp->rope_base <= 0)
        return;
    n = snprintf(out, size, "rotary, base %.8g", (double)hp->rope_base);
    if (hp->rope_base_local > 0 && n < (int)size)
        n += snprintf(out + n, size - (size_t)n, ", %.8g in local layers", (double)hp->rope_base_local);
    if (hp->n_rot < hp->head_dim && n < (int)size)
        n += snprintf(out + n, size - (size_t)n, ", %zu of a head's %zu elements", hp->n_rot, hp->head_dim);
    if (s->short_length > 0 && n < (int)size)
        n += snprintf(out + n, size - (size_t)n, ", otherwise in sequences of more than %zu tokens",
                      s->short_length);
    if (m->weights.rope_freqs && n < (int)size)
        n += snprintf(out + n, size - (size_t)n, ", frequencies divided as the file says");
    if (s->length > 0 && n < (int)size)
        snprintf(out + n, size - (size_t)n, ", YaRN: %g times %g tokens", (double)s->factor,
                 (double)s->length);
    else if (s->factor > 1 && n < (int)size)
        snprintf(out + n, size - (size_t)n, ", divided by %g", (double)s->factor);
}

/* ---- from a file ---- */

/* A number above 0, where the file has it. */
static enum hone_status load_number(const struct net *m, const char *suffix, float *out,
                                    struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.rope.%s", m->arch->name, suffix);
    if (!gguf_find(m->gguf, key))
        return HONE_OK;
    enum hone_status status = gguf_get_float(m->gguf, key, out, err);
    if (status != HONE_OK || (*out > 0 && *out < 1e30F))
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be a number above 0", gguf_path(m->gguf),
                     key);
}

static enum hone_status load_rotated(struct net *m, struct hone_error *err)
{
    char key[128];
    size_t n = m->hp.head_dim, n_local = m->hp.local_head_dim < n ? m->hp.local_head_dim : 0;
    snprintf(key, sizeof key, "%s.rope.dimension_count_swa", m->arch->name);
    enum hone_status status = gguf_get_size(m->gguf, key, SIZE_MAX, &n_local, err);
    if (status == HONE_OK && n_local > 0 && (n_local % 2 != 0 || n_local > m->hp.local_head_dim))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '%s' is %zu, expected an even number up to the local heads' %zu",
                         gguf_path(m->gguf), key, n_local, m->hp.local_head_dim);
    snprintf(key, sizeof key, "%s.rope.dimension_count", m->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(m->gguf, key, SIZE_MAX, &n, err);
    m->hp.n_rot = n;
    m->hp.n_rot_local = n_local > 0 ? n_local : n;
    if (status != HONE_OK || m->hp.rope_base <= 0 || (n > 0 && n % 2 == 0 && n <= m->hp.head_dim))
        return status;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the key '%s' is %zu, expected an even number up to the heads' %zu",
                     gguf_path(m->gguf), key, n, m->hp.head_dim);
}

/* The mix of both frequencies has a weight in some files; all that are in use leave it at 1. */
static enum hone_status check_extrapolation(const struct net *m, struct hone_error *err)
{
    char key[128];
    float weight = 1;
    snprintf(key, sizeof key, "%s.rope.scaling.yarn_ext_factor", m->arch->name);
    enum hone_status status = gguf_get_float(m->gguf, key, &weight, err);
    if (status != HONE_OK || weight == 1)
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is %g, expected 1", gguf_path(m->gguf), key,
                     (double)weight);
}

/* DeepSeek's way: the usual magnitude by that of a multiple of the logarithm. Of latent attention files have a tenth of that,
 * whose magnitude all scores are multiplied by twice; cosines and sines stay what they are where no file says otherwise. */
static enum hone_status load_log_multiplier(struct net *m, struct hone_error *err)
{
    char key[128];
    struct rope_scaling *s = &m->hp.rope_scaling;
    float multiplier = 0;
    enum hone_status status = load_number(m, "scaling.yarn_log_multiplier", &multiplier, err);
    if (status != HONE_OK || multiplier == 0 || s->factor <= 1)
        return status;
    snprintf(key, sizeof key, "%s.rope.scaling.yarn_attn_factor", m->arch->name);
    if (!m->arch->latent) {
        s->magnitude /= 0.1F * multiplier * logf(s->factor) + 1;
        return HONE_OK;
    }
    const float magnitude = multiplier * logf(s->factor) + 1;
    m->hp.attn_scale *= magnitude * magnitude;
    if (!gguf_find(m->gguf, key))
        s->magnitude = 1;
    return HONE_OK;
}

/* llama.cpp's attn_factor is what comes on top of the usual magnitude; yarn_attn_factor is all of it, as config.json has
 * it. */
static enum hone_status load_yarn(struct net *m, struct hone_error *err)
{
    struct rope_scaling *s = &m->hp.rope_scaling;
    float usual = s->factor > 1 ? 0.1F * logf(s->factor) + 1 : 1, on_top = 1;
    s->length = (float)m->hp.max_length;
    s->beta_fast = 32;
    s->beta_slow = 1;
    s->magnitude = usual;
    const struct {
        const char *suffix;
        float *out;
    } numbers[] = {{"scaling.original_context_length", &s->length},
                   {"scaling.yarn_beta_fast", &s->beta_fast},
                   {"scaling.yarn_beta_slow", &s->beta_slow},
                   {"scaling.yarn_attn_factor", &s->magnitude},
                   {"scaling.attn_factor", &on_top}};
    s->whole_pairs = !m->arch->broken_pairs;
    enum hone_status status = check_extrapolation(m, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.yarn_truncate", &s->whole_pairs, err);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && status == HONE_OK; i++)
        status = load_number(m, numbers[i].suffix, numbers[i].out, err);
    if (on_top != 1)
        s->magnitude = usual * on_top;
    if (status == HONE_OK)
        status = load_log_multiplier(m, err);
    const float longest = s->length * s->factor;
    if (longest > (float)m->hp.max_length)
        m->hp.max_length = longest < (float)MAX_POSITIONS ? (size_t)longest : MAX_POSITIONS;
    return status;
}

/* Files that have divisors for short and long sequences say up to how many tokens one is short, and what cosines and sines
 * are multiplied by. */
static enum hone_status load_by_length(struct net *m, struct hone_error *err)
{
    char key[128];
    struct rope_scaling *s = &m->hp.rope_scaling;
    size_t n = m->hp.max_length;
    snprintf(key, sizeof key, "%s.rope.scaling.original_context_length", m->arch->name);
    enum hone_status status = gguf_get_size(m->gguf, key, SIZE_MAX, &n, err);
    s->short_length = n;
    float factor = 1;
    if (status == HONE_OK)
        status = load_number(m, "scaling.factor", &factor, err);
    if (status == HONE_OK && factor != 1) /* llama.cpp divides by it, too, and its converter writes none */
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the key '%s.rope.scaling.factor' is %g beside factors of short and long "
                         "sequences, expected 1",
                         gguf_path(m->gguf), m->arch->name, (double)factor);
    return status == HONE_OK ? load_number(m, "scaling.attn_factor", &s->magnitude, err) : status;
}

enum hone_status rope_load(struct net *m, struct hone_error *err)
{
    char key[128];
    struct hone_text type = {"linear", 6};
    struct rope_scaling *s = &m->hp.rope_scaling;
    *s = (struct rope_scaling){.factor = 1, .magnitude = 1};
    m->hp.n_rot = m->hp.n_rot_local = m->hp.head_dim;
    if (m->arch->local_unscaled && m->hp.window > 0)
        m->hp.rope_base_local = m->hp.rope_base;
    if (!m->arch->causal)
        return HONE_OK;
    snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch->name);
    enum hone_status status = gguf_get_text(m->gguf, key, &type, err);
    if (status == HONE_OK)
        status = load_rotated(m, err);
    if (status == HONE_OK && gguf_find_tensor(m->gguf, "rope_factors_long.weight"))
        return load_by_length(m, err);
    if (status != HONE_OK || text_is(type, "none"))
        return status;
    status = load_number(m, "scale_linear", &s->factor, err); /* an old name */
    if (status == HONE_OK)
        status = load_number(m, "scaling.factor", &s->factor, err);
    if (status == HONE_OK && text_is(type, "linear"))
        return load_number(m, "scaling.attn_factor", &s->magnitude, err);
    if (status != HONE_OK)
        return status;
    if (text_is(type, "yarn"))
        return load_yarn(m, err);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the rope scaling '%.*s' is not supported, expected none, linear or yarn",
                     gguf_path(m->gguf), (int)(type.size < 64 ? type.size : 64), type.data);
}
