#include "kernels/scalar/scalar.h"
#include "kernels/tables.h"

const struct kernels kernels_scalar = {
    .name = "scalar",
    .panel_f32 = SCALAR_PANEL_F32,
    .pack_f32 = scalar_pack_f32,
    .gemm_f32 = scalar_gemm_f32,
    .f16_to_f32 = scalar_f16_to_f32,
    .bf16_to_f32 = scalar_bf16_to_f32,
    .f32_to_f16 = scalar_f32_to_f16,
    .f32_to_bf16 = scalar_f32_to_bf16,
    .layer_norm = scalar_layer_norm,
    .add = scalar_add,
    .scale = scalar_scale,
    .dot = scalar_dot,
    .max = scalar_max,
    .softmax = scalar_softmax,
    .gelu = scalar_gelu,
    .gelu_tanh = scalar_gelu_tanh,
    .silu = scalar_silu,
    .relu = scalar_relu,
    .tanh = scalar_tanh,
    .sigmoid = scalar_sigmoid,
    .attention_scratch = scalar_attention_scratch,
    .attention = scalar_attention,
};
