/* hone_convert: a Hugging Face folder becomes one GGUF file. */
#include "runtime/infer/model.h"
#include "runtime/load/import/import.h"
#include "runtime/tools/mix.h"
#include "runtime/tools/requantise.h"

struct target {
    const struct mix *mix; /* NULL: matrices keep the folder's types */
    struct mix_model model;
};

/* Vectors, and the small tables that are added to every token, become float32. */
static const struct quant_type *type_of(const struct gguf_tensor *t, void *arg)
{
    const struct target *target = arg;
    if (mix_keeps(t))
        return quant_type_by_id(QUANT_F32);
    return target->mix ? mix_type(&target->model, t, NULL) : t->type;
}

/* The kind of file that the folder's own types make: that of its first matrix. */
static const struct mix *own_mix(const struct gguf *g)
{
    const struct mix *mix = NULL;
    for (size_t i = 0; !mix && i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (!mix_keeps(t))
            mix_find(&mix, t->type->name, NULL);
    }
    return mix;
}

static enum hone_status tell_file_type(struct gguf *g, const struct mix *mix, struct hone_error *err)
{
    if (!mix)
        mix = own_mix(g);
    if (!mix || (gguf_set_u32(g, "general.quantization_version", MIX_VERSION) &&
                 gguf_set_u32(g, "general.file_type", mix_file_type(mix))))
        return HONE_OK;
    return hone_no_memory(err, gguf_path(g), 0);
}

enum hone_status hone_convert(const char *dir, const char *out_path, const char *type, struct hone_error *err)
{
    struct target target = {0};
    struct gguf *g = NULL;
    enum hone_status status = type ? mix_find(&target.mix, type, err) : HONE_OK;
    if (status == HONE_OK)
        status = import_folder(&g, dir, err);
    if (status == HONE_OK)
        status = model_check(g, err);
    if (status == HONE_OK)
        status = tell_file_type(g, target.mix, err);
    if (status == HONE_OK) {
        mix_look(&target.model, target.mix, g, false);
        status = requantise(g, out_path, &(struct requantisation){.type_of = type_of, .arg = &target}, err);
    }
    gguf_close(&g);
    return status;
}
