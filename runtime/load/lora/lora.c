#include "runtime/load/lora/lora.h"

#include "runtime/base/text.h"
#include "runtime/base/thread_pool.h"
#include "runtime/base/threads.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- arithmetic ---- */

struct lora_call {
    float *delta;
    const float *left, *right;
    size_t n_in, rank;
    float scale;
};

static void multiply_rows(const void *arg, struct work_range rows)
{
    const struct lora_call *c = arg;
    for (size_t o = rows.first; o < rows.end; o++)
        for (size_t i = 0; i < c->n_in; i++) {
            double sum = 0;
            for (size_t r = 0; r < c->rank; r++)
                sum += (double)c->left[o * c->rank + r] * (double)c->right[i * c->rank + r];
            c->delta[o * c->n_in + i] = (float)sum * c->scale;
        }
}

void lora_product(float *delta, const float *left, const float *right, size_t n_out, size_t n_in, size_t rank,
                  float scale)
{
    const struct lora_call call = {delta, left, right, n_in, rank, scale};
    thread_pool_run(threads_available(), n_out, 0, multiply_rows, &call);
}

float *lora_floats(const struct quant_type *type, const void *data, size_t rows, size_t cols, bool turned)
{
    float *x = malloc(rows * cols * sizeof *x + 1), *y = turned ? malloc(rows * cols * sizeof *y + 1) : NULL;
    if (x)
        type->dequantize(x, data, rows * cols);
    for (size_t r = 0; r < rows && x && y; r++)
        for (size_t c = 0; c < cols; c++)
            y[c * rows + r] = x[r * cols + c];
    if (!turned)
        return x;
    free(x);
    return y;
}

/* ---- GGUF ---- */

static float *floats_of(const struct gguf_tensor *t, bool turned)
{
    return lora_floats(t->type, t->data, (size_t)t->dims[1], (size_t)t->dims[0], turned);
}

/* Of token embeddings both are written the other way round. */
static enum hone_status merge_pair(struct gguf *g, const struct gguf *adapter, const char *name,
                                   const struct gguf_tensor *a, const struct gguf_tensor *b, float scale,
                                   struct hone_error *err)
{
    const bool table = strcmp(name, "token_embd.weight") == 0;
    const struct gguf_tensor *left = table ? a : b;
    const uint64_t rank = left->dims[0], n_out = left->dims[1], n_in = table ? b->dims[1] : a->dims[0];
    if (a->n_dims != 2 || b->n_dims != 2 || (table ? b->dims[0] : a->dims[1]) != rank)
        return hone_fail(err, HONE_BAD_MODEL, "%s: '%s.lora_a' and '.lora_b' do not fit each other",
                         gguf_path(adapter), name);
    const struct gguf_tensor *t = gguf_find_tensor(g, name); /* whose size is known to be sane */
    if (!t || t->dims[0] != n_in || t->dims[1] != n_out)
        return lora_add(g, name, NULL, n_out, n_in, gguf_path(adapter), err);
    float *l = floats_of(left, false), *r = floats_of(table ? b : a, !table);
    float *delta = malloc((size_t)(n_out * n_in) * sizeof *delta);
    enum hone_status status = HONE_OK;
    if (l && r && delta) {
        lora_product(delta, l, r, (size_t)n_out, (size_t)n_in, (size_t)rank, scale);
        status = lora_add(g, name, delta, n_out, n_in, gguf_path(adapter), err);
    } else {
        status = hone_no_memory(err, name, (size_t)(n_out * n_in) * sizeof *delta);
    }
    free(l);
    free(r);
    free(delta);
    return status;
}

static bool says(const struct gguf *g, const char *key, const char *word)
{
    const struct gguf_value *v = gguf_find(g, key);
    return v && v->type == GGUF_STRING && !v->is_array && text_is(v->strings[0], word);
}

static enum hone_status check_adapter(const struct gguf *g, const struct gguf *adapter,
                                      struct hone_error *err)
{
    struct hone_text ours = {"", 0}, own = {"", 0};
    if (!says(adapter, "general.type", "adapter") || !says(adapter, "adapter.type", "lora"))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: no LoRA adapter: expected general.type 'adapter' and adapter.type 'lora'",
                         gguf_path(adapter));
    enum hone_status status = gguf_get_text(g, "general.architecture", &ours, err);
    if (status == HONE_OK)
        status = gguf_get_text(adapter, "general.architecture", &own, err);
    if (status != HONE_OK || text_equal(ours, own))
        return status;
    return hone_fail(err, HONE_BAD_MODEL, "%s: the adapter is of architecture '%.*s', %s of '%.*s'",
                     gguf_path(adapter), (int)(own.size < 64 ? own.size : 64), own.data, gguf_path(g),
                     (int)(ours.size < 64 ? ours.size : 64), ours.data);
}

static enum hone_status merge_file(struct gguf *g, const char *path, float scale, struct hone_error *err)
{
    struct gguf *adapter;
    float alpha = 0;
    enum hone_status status = gguf_open(&adapter, path, err);
    if (status != HONE_OK)
        return status;
    status = check_adapter(g, adapter, err);
    if (status == HONE_OK)
        status = gguf_get_float(adapter, "adapter.lora.alpha", &alpha, err);
    for (size_t i = 0; i < gguf_n_tensors(adapter) && status == HONE_OK; i++) {
        char name[GGUF_MAX_NAME + 16];
        const struct gguf_tensor *a = gguf_tensor_at(adapter, i);
        const size_t n = strlen(a->name);
        const bool is_a = n > 7 && strcmp(a->name + n - 7, ".lora_a") == 0,
                   is_b = n > 7 && strcmp(a->name + n - 7, ".lora_b") == 0;
        memcpy(name, a->name, n + 1);
        memcpy(name + n - (is_a || is_b), is_a ? "b" : is_b ? "a" : "", 1);
        const struct gguf_tensor *b = gguf_find_tensor(adapter, name);
        if ((!is_a && !is_b) || !b)
            status = hone_fail(err, HONE_BAD_MODEL, "%s: the tensor '%s' of the adapter is not one of a pair",
                               path, a->name);
        name[n - 7 * (is_a || is_b)] = 0;
        if (status == HONE_OK && is_a) {
            const uint64_t rank = strcmp(name, "token_embd.weight") == 0 ? a->dims[0] : a->dims[1];
            status = merge_pair(g, adapter, name, a, b, alpha > 0 ? scale * alpha / (float)rank : scale, err);
        }
    }
    if (status == HONE_OK)
        status = gguf_check_whole(adapter, err);
    gguf_close(&adapter);
    return status;
}

enum hone_status lora_merge(struct gguf *g, const char *path, float scale, struct hone_error *err)
{
    struct stat st;
    const bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return (is_folder ? lora_merge_folder : merge_file)(g, path, scale, err);
}
