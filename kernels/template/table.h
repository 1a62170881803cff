/* The table of this instruction set. */

const struct kernels LEVEL_TABLE = {
    .name = LEVEL_NAME,
    .panel_f32 = PANEL_F32,
    .pack_f32 = pack_f32,
    .gemm_f32 = gemm_f32,
#ifdef MR_I8
    .panel_i8 = PANEL_I8,
    .quantize_u8 = quantize_u8,
    .pack_i8 = pack_i8,
    .gemm_u8i8 = gemm_u8i8,
#else
    .panel_i8 = SCALAR_PANEL_I8,
    .quantize_u8 = scalar_quantize_u8,
    .pack_i8 = scalar_pack_i8,
    .gemm_u8i8 = scalar_gemm_u8i8,
#endif
#ifdef MR_I4
    .panel_i4 = PANEL_I4,
    .quantize_s8 = quantize_s8,
    .pack_i4 = pack_i4,
    .gemm_s8i4 = gemm_s8i4,
#else
    .panel_i4 = SCALAR_PANEL_I4,
    .quantize_s8 = scalar_quantize_s8,
    .pack_i4 = scalar_pack_i4,
    .gemm_s8i4 = scalar_gemm_s8i4,
#endif
#ifdef MR_BF16
    .panel_bf16 = PANEL_BF16,
    .pack_bf16 = pack_bf16,
    .gemm_bf16 = gemm_bf16,
#else
    .panel_bf16 = SCALAR_PANEL_BF16,
    .pack_bf16 = scalar_pack_bf16,
    .gemm_bf16 = scalar_gemm_bf16,
#endif
    .f16_to_f32 = f16_to_f32,
    .bf16_to_f32 = bf16_to_f32,
    .f32_to_f16 = f32_to_f16,
    .f32_to_bf16 = f32_to_bf16,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .add = add,
    .mul = mul,
    .scale = scale,
    .dot = dot,
    .max = max,
    .softmax = softmax,
    .gelu = gelu_row,
    .gelu_tanh = gelu_tanh_row,
    .silu = silu_row,
    .relu = relu_row,
    .tanh = tanh_row,
    .sigmoid = sigmoid_row,
    .rope_halves = rope_halves,
    .rope_pairs = scalar_rope_pairs,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .tile_attention_scratch = tile_attention_scratch,
    .tile_attention = tile_attention,
    .attention_bf16 = attention,
    .tile_attention_bf16 = tile_attention,
};
