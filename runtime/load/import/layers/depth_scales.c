/* MiniCPM (Hu et al., 2024, arXiv:2404.06395): token embeddings are multiplied by one number, what each half of a layer adds by
 * another, less of it the more layers there are, and logits are divided by how much wider the model is than a small one of the
 * same kind. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>

/* A number above 0; absent: what the form's class has. null: 1, for that is what the scale is without it. */
static enum hone_status read_scale(const struct folder *f, const char *name, double otherwise, double none,
                                   double *out, struct hone_error *err)
{
    json_t *value = json_object_get(f->config, name);
    *out = !value ? otherwise : json_is_null(value) ? none : json_number_value(value);
    if (*out > 0 && *out < 1e30)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number above 0", f->dir, name);
}

static enum hone_status set_scale(struct folder *f, const char *suffix, double x, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    return folder_set(gguf_set_f32(f->g, key, (float)x), key, err);
}

enum hone_status import_depth_scales(struct folder *f, struct hone_error *err)
{
    char key[128];
    double embd = 1, depth = 1, base = 1;
    size_t n_layers = 1, n_embd = 1;
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &n_layers, err);
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_embd, err);
    const double root = sqrt((double)n_layers), width = (double)n_embd;
    if (status == HONE_OK)
        status = read_scale(f, "scale_emb", f->form->depth_scales[0], 1, &embd, err);
    if (status == HONE_OK)
        status = read_scale(f, "scale_depth", f->form->depth_scales[1], root, &depth, err);
    if (status == HONE_OK)
        status = read_scale(f, "dim_model_base", f->form->depth_scales[2], width, &base, err);
    if (status == HONE_OK)
        status = set_scale(f, "embedding_scale", embd, err);
    if (status == HONE_OK)
        status = set_scale(f, "residual_scale", depth / root, err);
    return status == HONE_OK ? set_scale(f, "logit_scale", width / base, err) : status;
}
