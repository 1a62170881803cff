/* What families with experts have in common beside EXPERT_ROWS: experts that all tokens go through, and routers of the
 * second kind, with a bias and groups. */
#ifndef RUNTIME_LOAD_FAMILIES_EXPERTS_ROWS_H
#define RUNTIME_LOAD_FAMILIES_EXPERTS_ROWS_H

#include "runtime/load/families/causal_rows.h"

/* clang-format off */
/* The first layers have none; all tokens go through so many, which are one as wide as all of these. */
#define SHARED_PARAMS                                                                                         \
    {"first_k_dense_replace|num_dense_layers|moe_layer_start_index", "leading_dense_block_count", PARAM_COUNT, PARAM(n_dense_layers), 1024, -1}, \
    {"n_shared_experts|num_shared_experts|moe_num_shared_experts", "expert_shared_count", PARAM_COUNT, PARAM(n_shared_experts), 1 << 10, -1}, \
    {"", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared), 1 << 18, -1}
#define SIGMOID_PARAMS                                                                                        \
    SHARED_PARAMS,                                                                                            \
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},                                 \
    {"n_group", "expert_group_count", PARAM_COUNT, PARAM(n_expert_groups), 1 << 12, -1},                      \
    {"topk_group", "expert_group_used_count", PARAM_COUNT, PARAM(n_groups_used), 1 << 12, -1},                \
    {"routed_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1}

#define SHARED_ROWS                                                                                           \
    LAYER_ROW("ffn_gate_shexp", TENSOR_DENSE, DIM_FF_SHARED, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_SHARED,        \
              shared_up),                                                                                     \
    LAYER_ROW("ffn_up_shexp", TENSOR_DENSE, DIM_FF_SHARED, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_SHARED,          \
              shared_up),                                                                                     \
    LAYER_ROW("ffn_down_shexp", TENSOR_DENSE, DIM_EMBD, DIM_FF_SHARED, TENSOR_NO_BIAS | TENSOR_SHARED,        \
              shared_down)
#define SHARED_NAMES(at)                                                                                      \
    {"blk.%u.ffn_gate_shexp", at "gate_proj", CUT_NONE},                                                      \
    {"blk.%u.ffn_up_shexp", at "up_proj", CUT_NONE},                                                          \
    {"blk.%u.ffn_down_shexp", at "down_proj", CUT_NONE}

#define ROUTER_BIAS_ROW(flags)                                                                                \
    LAYER_ROW("exp_probs_b.bias", TENSOR_FLOATS, DIM_EXPERTS, DIM_NONE, TENSOR_BARE | TENSOR_ROUTED | (flags), router_bias)
/* clang-format on */

#endif
