#include "quant/types.h"

#include "quant/blocks.h"

#include <string.h>

static const struct quant_type types[] = {
    {QUANT_F32, "f32", 1, 4, dequantize_f32, quantize_f32, NULL, 0, NULL, NULL},
    {QUANT_F16, "f16", 1, 2, dequantize_f16, quantize_f16, NULL, 0, NULL, NULL},
    {QUANT_BF16, "bf16", 1, 2, dequantize_bf16, quantize_bf16, NULL, 0, NULL, NULL},
    {QUANT_Q8_0, "q8_0", 32, 34, dequantize_q8_0, quantize_q8_0, NULL, 0, NULL, NULL},
    {QUANT_Q4_0, "q4_0", 32, 18, dequantize_q4_0, quantize_q4_0, nibbles_q4_0, 0, NULL, NULL},
    {QUANT_Q4_1, "q4_1", 32, 20, dequantize_q4_1, quantize_q4_1, nibbles_q4_1, 0, NULL, NULL},
    {QUANT_Q5_0, "q5_0", 32, 22, dequantize_q5_0, quantize_q5_0, NULL, 0, NULL, NULL},
    {QUANT_Q5_1, "q5_1", 32, 24, dequantize_q5_1, quantize_q5_1, NULL, 0, NULL, NULL},
    {QUANT_Q2_K, "q2_k", 256, 84, dequantize_q2_k, quantize_q2_k, NULL, 0, NULL, NULL},
    {QUANT_Q3_K, "q3_k", 256, 110, dequantize_q3_k, quantize_q3_k, NULL, 4, codes_q3_k, levels_q3_k},
    {QUANT_Q4_K, "q4_k", 256, 144, dequantize_q4_k, quantize_q4_k, NULL, 4, codes_q4_k, NULL},
    {QUANT_Q5_K, "q5_k", 256, 176, dequantize_q5_k, quantize_q5_k, NULL, 5, codes_q5_k, NULL},
    {QUANT_Q6_K, "q6_k", 256, 210, dequantize_q6_k, quantize_q6_k, NULL, 6, codes_q6_k, NULL},
    {QUANT_IQ4_NL, "iq4_nl", 32, 18, dequantize_iq4_nl, quantize_iq4_nl, nibbles_iq4_nl, 0, NULL, levels_iq4},
    {QUANT_IQ4_XS, "iq4_xs", 256, 136, dequantize_iq4_xs, quantize_iq4_xs, NULL, 4, codes_iq4_xs, levels_iq4},
    {QUANT_IQ2_XXS, "iq2_xxs", 256, 66, dequantize_iq2_xxs, NULL, NULL, 0, NULL, NULL},
    {QUANT_IQ2_XS, "iq2_xs", 256, 74, dequantize_iq2_xs, NULL, NULL, 0, NULL, NULL},
    {QUANT_IQ3_XXS, "iq3_xxs", 256, 98, dequantize_iq3_xxs, NULL, NULL, 4, codes_iq3_xxs, levels_iq3_xxs},
    {QUANT_IQ1_S, "iq1_s", 256, 50, dequantize_iq1_s, NULL, NULL, 0, NULL, NULL},
    {QUANT_IQ3_S, "iq3_s", 256, 110, dequantize_iq3_s, NULL, NULL, 4, codes_iq3_s, levels_iq3_s},
    {QUANT_IQ2_S, "iq2_s", 256, 82, dequantize_iq2_s, NULL, NULL, 0, NULL, NULL},
    {QUANT_IQ1_M, "iq1_m", 256, 56, dequantize_iq1_m, NULL, NULL, 0, NULL, NULL},
    {QUANT_TQ1_0, "tq1_0", 256, 54, dequantize_tq1_0, NULL, NULL, 0, NULL, NULL},
    {QUANT_TQ2_0, "tq2_0", 256, 66, dequantize_tq2_0, NULL, NULL, 0, NULL, NULL},
    {QUANT_MXFP4, "mxfp4", 32, 17, dequantize_mxfp4, NULL, nibbles_mxfp4, 0, NULL, levels_mxfp4},
    {QUANT_NVFP4, "nvfp4", 64, 36, dequantize_nvfp4, NULL, NULL, 0, NULL, NULL},
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

/* What computes with packed rows alone, what files have besides weights, and what ggml has withdrawn. */
const char *quant_other_name(uint32_t id)
{
    static const struct {
        uint32_t id;
        const char *name;
    } others[] = {{4, "Q4_2"},        {5, "Q4_3"},        {9, "Q8_1"},        {15, "Q8_K"},
                  {24, "I8"},         {25, "I16"},        {26, "I32"},        {27, "I64"},
                  {28, "F64"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},
                  {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {41, "Q1_0"},
                  {42, "Q2_0"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].id == id)
            return others[i].name;
    return NULL;
}
