/* hone_quantize: a model file's matrices in fewer bits. */
#include "runtime/base/sizes.h"
#include "runtime/tools/imatrix.h"
#include "runtime/tools/quant_preset.h"
#include "runtime/tools/requantise.h"

#include <hone/files.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct quantize_job {
    const struct hone_quantize_options *options;
    struct quant_preset_model model;
    struct imatrix *imatrix;
    uint64_t n_bytes; /* of all tensors */
};

static const struct quant_type *type_of(const struct gguf_tensor *t, void *arg)
{
    const struct quantize_job *job = arg;
    return quant_preset_keeps(t) ? t->type : quant_preset_type(&job->model, t, NULL);
}

static const float *importance_of(const struct gguf_tensor *t, void *arg)
{
    const struct quantize_job *job = arg;
    const float *values = NULL;
    if (job->imatrix)
        imatrix_find(job->imatrix, t, &values, NULL);
    return values;
}

static bool on_progress(void *arg, uint64_t n_done)
{
    const struct quantize_job *job = arg;
    return !job->options->on_progress || job->options->on_progress(job->options->arg, n_done, job->n_bytes);
}

static void on_tensor(const struct gguf_tensor *t, const struct gguf_tensor *written, double error, void *arg)
{
    const struct quantize_job *job = arg;
    const struct quant_type *wanted = NULL;
    if (!job->options->on_tensor)
        return;
    if (!quant_preset_keeps(t))
        quant_preset_type(&job->model, t, &wanted);
    struct hone_quantized q = {.name = t->name,
                               .from = t->type->name,
                               .type = written->type->name,
                               .wanted = wanted ? wanted->name : NULL,
                               .n_dims = t->n_dims,
                               .size_before = t->size,
                               .size = written->size,
                               .weighted = written->type != t->type && importance_of(t, arg),
                               .error = error};
    memcpy(q.dims, t->dims, sizeof q.dims);
    job->options->on_tensor(job->options->arg, &q);
}

/* The metadata and tensors of `from`, whose data they share, as those of a file of that kind. */
static enum hone_status make_copy(struct gguf **out, const struct gguf *from, const struct quant_preset *mix,
                                  struct hone_error *err)
{
    static const char file_type[] = "general.file_type", version[] = "general.quantization_version";
    struct gguf *g = gguf_new(gguf_path(from));
    bool ok = g != NULL;
    for (size_t i = 0; ok && i < gguf_n_keys(from); i++) {
        const char *key = gguf_key(from, i);
        if (strcmp(key, file_type) != 0 && strcmp(key, version) != 0)
            ok = gguf_set_value(g, key, gguf_value_at(from, i));
    }
    for (size_t i = 0; ok && i < gguf_n_tensors(from); i++)
        ok = gguf_add_tensor(g, gguf_tensor_at(from, i));
    if (ok && gguf_set_u32(g, version, QUANT_PRESET_VERSION) &&
        gguf_set_u32(g, file_type, quant_preset_file_type(mix))) {
        *out = g;
        return HONE_OK;
    }
    gguf_close(&g);
    return hone_no_memory(err, gguf_path(from), gguf_n_tensors(from) * sizeof(struct gguf_tensor));
}

/* Whether the importance matrix is of this model. */
static enum hone_status check_imatrix(const struct quantize_job *job, const struct gguf *g,
                                      struct hone_error *err)
{
    size_t n_found = 0;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        const float *values = NULL;
        enum hone_status status =
            quant_preset_keeps(t) ? HONE_OK : imatrix_find(job->imatrix, t, &values, err);
        if (status)
            return status;
        n_found += values != NULL;
    }
    if (n_found)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: holds nothing about the matrices of %s", job->options->imatrix,
                     gguf_path(g));
}

static enum hone_status check_paths(const char *in_path, const char *out_path, struct hone_error *err)
{
    struct stat in, out;
    if (stat(in_path, &in) == 0 && stat(out_path, &out) == 0 && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino)
        return hone_fail(err, HONE_USAGE, "%s: to be read and written at once", out_path);
    return HONE_OK;
}

static enum hone_status write_quantized(struct quantize_job *job, const struct gguf *from,
                                        const struct quant_preset *mix, const char *out_path,
                                        struct hone_error *err)
{
    struct requantisation how = {.type_of = type_of,
                                 .arg = job,
                                 .importance_of = importance_of,
                                 .on_progress = on_progress,
                                 .on_tensor = on_tensor,
                                 .n_threads = job->options->n_threads};
    struct gguf *g = NULL;
    quant_preset_look(&job->model, mix, from, job->imatrix != NULL);
    for (size_t i = 0; i < gguf_n_tensors(from); i++)
        job->n_bytes += gguf_tensor_at(from, i)->size;
    enum hone_status status = job->imatrix ? check_imatrix(job, from, err) : HONE_OK;
    if (!status)
        status = make_copy(&g, from, mix, err);
    if (!status)
        status = requantise(g, out_path, &how, err);
    gguf_close(&g);
    return status;
}

enum hone_status hone_quantize(const char *in_path, const char *out_path, const char *type,
                               const struct hone_quantize_options *options, struct hone_error *err)
{
    struct hone_quantize_options taken = HONE_QUANTIZE_DEFAULTS;
    struct quantize_job job = {.options = &taken};
    const struct quant_preset *mix;
    struct gguf *g = NULL;
    enum hone_status status = sizes_take(&taken, sizeof taken, options, "hone_quantize_options", err);
    if (!status)
        status = quant_preset_find(&mix, type, err);
    if (!status)
        status = check_paths(in_path, out_path, err);
    if (!status)
        status = gguf_open(&g, in_path, err);
    if (!status && job.options->imatrix)
        status = imatrix_open(&job.imatrix, job.options->imatrix, err);
    if (!status)
        status = write_quantized(&job, g, mix, out_path, err);
    imatrix_close(&job.imatrix);
    gguf_close(&g);
    return status;
}
