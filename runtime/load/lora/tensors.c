/* What an adapter does to a model's tensors, which become float32. */
#include "runtime/load/lora/lora.h"

#include <math.h>
#include <stdlib.h>

/* The model's tensor of that name and shape; NULL: it has none. A vector's n_in is its length, and n_out 1. */
static const struct gguf_tensor *find(const struct gguf *g, const char *name, uint64_t n_out, uint64_t n_in,
                                      const char *path, struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    if (t && t->n_dims <= 2 && t->dims[0] == n_in && t->dims[1] == n_out)
        return t;
    hone_fail(err, HONE_BAD_MODEL,
              "%s: the adapter changes a matrix '%s' of %llu by %llu, which %s does not have: it is of "
              "another model",
              path, name, (unsigned long long)n_out, (unsigned long long)n_in, gguf_path(g));
    return NULL;
}

/* The tensor's values, to be changed; they are g's from here on. NULL: no memory. */
static float *take_values(struct gguf *g, const struct gguf_tensor *t)
{
    const size_t n = (size_t)(t->dims[0] * t->dims[1]);
    float *values = malloc(n * sizeof *values);
    if (!values || !gguf_own_memory(g, values)) {
        free(values);
        return NULL;
    }
    t->type->dequantize(values, t->data, n);
    return values;
}

static enum hone_status give_values(struct gguf *g, const char *name, const float *values,
                                    struct hone_error *err)
{
    const bool ok = values && gguf_change_tensor(g, name, values);
    return ok ? HONE_OK : hone_no_memory(err, name, sizeof *values);
}

enum hone_status lora_add(struct gguf *g, const char *name, const float *delta, uint64_t n_out, uint64_t n_in,
                          const char *path, struct hone_error *err)
{
    const struct gguf_tensor *t = find(g, name, n_out, n_in, path, err);
    if (!t)
        return HONE_BAD_MODEL;
    const size_t n = (size_t)(n_out * n_in);
    float *sum = take_values(g, t);
    for (size_t i = 0; i < n && sum; i++)
        sum[i] += delta[i];
    return give_values(g, name, sum, err);
}

/* x [n], every `stride`th number, becomes `length` long. */
static void set_length(float *x, size_t n, size_t stride, float length)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i * stride] * (double)x[i * stride];
    const float scale = (float)((double)length / sqrt(squares));
    for (size_t i = 0; i < n; i++)
        x[i * stride] *= scale;
}

enum hone_status lora_set_lengths(struct gguf *g, const struct gguf_tensor *lengths, const char *path,
                                  struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, lengths->name);
    const bool of_columns = lengths->dims[0] != 1; /* of a table */
    const size_t n = (size_t)(lengths->dims[0] * lengths->dims[1]);
    const size_t rows = t ? (size_t)t->dims[1] : 0, cols = t ? (size_t)t->dims[0] : 0;
    if (!t || t->n_dims != 2 || n != (of_columns ? cols : rows))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the adapter has %zu lengths for '%s', which %s does not have as many of: it is "
                         "of another model",
                         path, n, lengths->name, gguf_path(g));
    float *long_as = malloc(n * sizeof *long_as), *values = long_as ? take_values(g, t) : NULL;
    if (values) {
        lengths->type->dequantize(long_as, lengths->data, n);
        for (size_t i = 0; i < n; i++)
            set_length(values + (of_columns ? i : i * cols), of_columns ? rows : cols, of_columns ? cols : 1,
                       long_as[i]);
    }
    free(long_as);
    return give_values(g, lengths->name, values, err);
}

enum hone_status lora_replace(struct gguf *g, const struct gguf_tensor *whole, const char *path,
                              struct hone_error *err)
{
    if (!find(g, whole->name, whole->dims[1], whole->dims[0], path, err))
        return HONE_BAD_MODEL;
    return give_values(g, whole->name, take_values(g, whole), err);
}

enum hone_status lora_untie(struct gguf *g, struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, "token_embd.weight");
    if (!t || gguf_find_tensor(g, "output.weight"))
        return HONE_OK;
    struct gguf_tensor head = *t;
    head.name = "output.weight";
    return gguf_add_tensor(g, &head) ? HONE_OK : hone_no_memory(err, head.name, sizeof head);
}
