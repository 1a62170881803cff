#include "quant/types.h"

#include "quant/plain.h"
#include "quant/q8_0.h"

#include <string.h>

static const struct quant_type types[] = {
    {QUANT_F32, "f32", 1, 4, dequantize_f32, quantize_f32},
    {QUANT_F16, "f16", 1, 2, dequantize_f16, quantize_f16},
    {QUANT_BF16, "bf16", 1, 2, dequantize_bf16, quantize_bf16},
    {QUANT_Q8_0, "q8_0", 32, 34, dequantize_q8_0, quantize_q8_0},
};

const struct quant_type *quant_type_at(size_t i)
{
    return i < sizeof types / sizeof *types ? &types[i] : NULL;
}

const struct quant_type *quant_type_by_id(uint32_t id)
{
    const struct quant_type *type;
    for (size_t i = 0; (type = quant_type_at(i)); i++)
        if (type->id == id)
            return type;
    return NULL;
}

const struct quant_type *quant_type_by_name(const char *name)
{
    const struct quant_type *type;
    for (size_t i = 0; (type = quant_type_at(i)); i++)
        if (!strcmp(type->name, name))
            return type;
    return NULL;
}
