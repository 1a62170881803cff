/* Gemma 3n: of each layer how wide it is, and how many of its gates are shut. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* That part of a normal distribution lies below so many standard deviations. By halving: the error function has no inverse in
 * C, and this is done once a layer. */
static double deviations_of(double part)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < part)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* A number a layer, or one for all. */
static enum hone_status set_widths(struct folder *f, size_t n, struct hone_error *err)
{
    char key[128];
    json_t *list = json_at(f->config, "intermediate_size");
    uint32_t *widths = calloc(n + 1, sizeof *widths);
    bool right = !list || json_is_integer(list) || json_array_size(list) == n;
    if (!widths)
        return hone_no_memory(err, "the layers", n);
    for (size_t i = 0; i < n && right; i++) {
        const json_t *one = json_is_array(list) ? json_array_get(list, i) : list;
        const json_int_t width = list ? json_integer_value(one) : 16384;
        right = width >= 1 && width <= 1 << 18;
        widths[i] = (uint32_t)width;
    }
    snprintf(key, sizeof key, "%s.feed_forward_length", f->arch->name);
    enum hone_status status = right ? folder_set(gguf_set_array(f->g, key, GGUF_U32, widths, n), key, err)
                                    : hone_fail(err, HONE_BAD_MODEL,
                                                "%s/config.json: 'intermediate_size' should be a number up "
                                                "to %d, or one of %zu layers each",
                                                f->dir, 1 << 18, n);
    free(widths);
    return status;
}

static enum hone_status set_gates(struct folder *f, size_t n, struct hone_error *err)
{
    char key[128];
    json_t *list = json_at(f->config, "activation_sparsity_pattern");
    float *deviations = calloc(n + 1, sizeof *deviations);
    bool right = !list || json_array_size(list) == n;
    if (!deviations)
        return hone_no_memory(err, "the layers", n);
    for (size_t i = 0; i < n && right; i++) {
        const json_t *one = json_array_get(list, i);
        const double part = list ? json_number_value(one) : n > 10 && i < 10 ? 0.95 : 0;
        right = (!list || json_is_number(one)) && part >= 0 && part < 1;
        deviations[i] = part > 0 ? (float)deviations_of((double)(float)part) : -INFINITY;
    }
    snprintf(key, sizeof key, "%s.activation_sparsity_scale", f->arch->name);
    enum hone_status status =
        right
            ? folder_set(gguf_set_array(f->g, key, GGUF_F32, deviations, n), key, err)
            : hone_fail(
                  err, HONE_BAD_MODEL,
                  "%s/config.json: 'activation_sparsity_pattern' should be %zu numbers below 1, one a layer",
                  f->dir, n);
    free(deviations);
    return status;
}

enum hone_status import_altup(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1 << 16, &n, err);
    json_t *rope = json_at(f->config, "rope_parameters");
    const char *type = json_string_value(json_at(rope, "rope_type"));
    if (status == HONE_OK && type && strcmp(type, "default") != 0 && !json_at(rope, "full_attention"))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'rope_parameters' should say 'rope_type' of full_attention and "
                         "sliding_attention each",
                         f->dir);
    if (status == HONE_OK)
        status = set_widths(f, n, err);
    return status == HONE_OK ? set_gates(f, n, err) : status;
}
