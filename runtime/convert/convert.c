/* hone_convert: a Hugging Face folder becomes one GGUF file. */
#include "runtime/convert/import.h"
#include "runtime/model.h"

#include <string.h>

static bool is_matrix(const struct gguf_tensor *t)
{
    return t->n_dims > 1 && strcmp(t->name, "position_embd.weight") != 0 &&
           strcmp(t->name, "token_types.weight") != 0 && strcmp(t->name, "attn_rel_b.weight") != 0;
}

/* arg: the type asked for, or NULL. Vectors and the small tables that are added to every token stay float32. */
static const struct quant_type *type_of(const struct gguf_tensor *t, void *arg)
{
    const struct quant_type *type = arg;
    if (!is_matrix(t))
        return quant_type_by_id(QUANT_F32);
    if (!type)
        return t->type;
    return t->dims[0] % type->block_len == 0 ? type : quant_type_by_id(QUANT_F16);
}

static enum hone_status find_type(const char *name, const struct quant_type **out, struct hone_error *err)
{
    static const char *const names[] = {"f32", "f16", "bf16", "q8_0"};
    *out = NULL;
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            *out = quant_type_by_name(name);
    if (!name || *out)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "the type '%s' is not known, expected f32, f16, bf16 or q8_0", name);
}

enum hone_status hone_convert(const char *dir, const char *out_path, const char *type, struct hone_error *err)
{
    const struct quant_type *wanted;
    struct gguf *g = NULL;
    enum hone_status status = find_type(type, &wanted, err);
    if (status == HONE_OK)
        status = import_folder(&g, dir, err);
    if (status == HONE_OK)
        status = model_check(g, err);
    if (status == HONE_OK)
        status = gguf_write(g, out_path, type_of, (void *)wanted, err);
    gguf_close(&g);
    return status;
}
