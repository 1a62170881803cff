/* hone_convert: a Hugging Face folder becomes one GGUF file. */
#include "runtime/infer/model.h"
#include "runtime/load/import/import.h"
#include "runtime/load/lora/lora.h"
#include "runtime/tools/quant_preset.h"
#include "runtime/tools/requantise.h"

#include <hone/files.h>

struct target {
    const struct quant_preset *mix; /* NULL: matrices keep the folder's types */
    struct quant_preset_model model;
};

/* Vectors, and the small tables that are added to every token, become float32. */
static const struct quant_type *type_of(const struct gguf_tensor *t, void *arg)
{
    const struct target *target = arg;
    if (quant_preset_keeps(t))
        return quant_type_by_id(QUANT_F32);
    return target->mix ? quant_preset_type(&target->model, t, NULL) : t->type;
}

/* The kind of file that the folder's own types make: that of its first matrix. */
static const struct quant_preset *own_mix(const struct gguf *g)
{
    const struct quant_preset *mix = NULL;
    for (size_t i = 0; !mix && i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (!quant_preset_keeps(t))
            quant_preset_find(&mix, t->type->name, NULL);
    }
    return mix;
}

static enum hone_status tell_file_type(struct gguf *g, const struct quant_preset *mix, struct hone_error *err)
{
    if (!mix)
        mix = own_mix(g);
    if (!mix || (gguf_set_u32(g, "general.quantization_version", QUANT_PRESET_VERSION) &&
                 gguf_set_u32(g, "general.file_type", quant_preset_file_type(mix))))
        return HONE_OK;
    return hone_no_memory(err, gguf_path(g), 0);
}

enum hone_status hone_convert(const char *dir, const char *out_path, const char *type, struct hone_error *err)
{
    return hone_convert_with(dir, out_path, type, NULL, 0, err);
}

enum hone_status hone_convert_with(const char *dir, const char *out_path, const char *type,
                                   const struct hone_lora *loras, size_t n_loras, struct hone_error *err)
{
    struct target target = {0};
    struct gguf *g = NULL;
    enum hone_status status = type ? quant_preset_find(&target.mix, type, err) : HONE_OK;
    if (status == HONE_OK)
        status = import_folder(&g, dir, false, err);
    for (size_t i = 0; i < n_loras && status == HONE_OK; i++)
        status = lora_merge(g, loras[i].path, loras[i].scale, err);
    if (status == HONE_OK)
        status = model_check(g, err);
    if (status == HONE_OK)
        status = tell_file_type(g, target.mix, err);
    if (status == HONE_OK) {
        quant_preset_look(&target.model, target.mix, g, false);
        status = requantise(g, out_path, &(struct requantisation){.type_of = type_of, .arg = &target}, err);
    }
    gguf_close(&g);
    return status;
}
