/* Conversions, exact or rounded once: the ends of rows are left to the scalar versions, which give the same bits. */

#define CONVERSION(slot, to, from, vector)                                                                   \
    static void slot(to *dst, const from *src, size_t n)                                                     \
    {                                                                                                        \
        size_t i = 0;                                                                                        \
        for (; i + VL <= n; i += VL)                                                                         \
            vector;                                                                                          \
        scalar_##slot(dst + i, src + i, n - i);                                                              \
    }
CONVERSION(f16_to_f32, float, uint16_t, vf_store(dst + i, vf_load_f16(src + i)))
CONVERSION(bf16_to_f32, float, uint16_t, vf_store(dst + i, vf_load_bf16(src + i)))
CONVERSION(f32_to_f16, uint16_t, float, vf_store_f16(dst + i, vf_load(src + i)))
CONVERSION(f32_to_bf16, uint16_t, float, vf_store_bf16(dst + i, vf_load(src + i)))
#undef CONVERSION
