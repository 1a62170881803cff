/* Zamba 2 (Zyphra, 2024, arXiv:2411.15242): Mamba 2's scan in all layers, and before some of them a block of attention and a
 * feed-forward layer, of which there are few: layers share them by turns, each with adapters of its own, which the import adds. */
#include "runtime/load/families/recurrent/rows.h"
#include "runtime/load/import/folder.h"

#include <math.h>

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 14, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},
    {"", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},
    {"intermediate_size", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    STATE_PARAMS("mamba_d_conv", "n_mamba_heads", "mamba_ngroups", "mamba_d_state"),
    {"", "ssm.norm_epsilon", PARAM_FLOAT, PARAM(recurrent.norm_eps), 0, 1e-5},
    ROPE_PARAM,
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD2, TENSOR_NO_BIAS, qkv),
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD2, TENSOR_NO_BIAS, qkv),
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD2, TENSOR_NO_BIAS, qkv),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_NO_BIAS, attn_out),
    SCAN_ROWS(0),
    GATED_ROWS,
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("ffn_norm", ffn_norm),
    LAYER_ROW("block_norm", TENSOR_NORM, DIM_EMBD2, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ATTENDS, block_norm),
    LAYER_ROW("block_output", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_ATTENDS, block_out),
    {0},
};

/* Of a layer without a block, or of one with. */
#define EITHER(gguf, hf, cut)                                                                                \
    {"blk.%u." gguf, "layers.%u.mamba." hf, cut},                                                            \
    {                                                                                                        \
        "blk.%u." gguf, "layers.%u.mamba_decoder.mamba." hf, cut                                             \
    }
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "embed_tokens", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.mamba_decoder.input_layernorm", CUT_NONE},
    EITHER("ssm_in", "in_proj", CUT_NONE),
    EITHER("ssm_conv1d", "conv1d", CUT_CONV),
    EITHER("ssm_dt.bias", "dt_bias", CUT_NONE),
    EITHER("ssm_a", "A_log", CUT_DECAY),
    EITHER("ssm_d", "D", CUT_COLUMN),
    EITHER("ssm_norm", "norm", CUT_GROUPS),
    EITHER("ssm_out", "out_proj", CUT_NONE),
    {"blk.%u.block_norm", "layers.%u.shared_transformer.input_layernorm", CUT_NONE},
    {"blk.%u.attn_q", "layers.%u.shared_transformer.self_attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "layers.%u.shared_transformer.self_attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "layers.%u.shared_transformer.self_attn.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.shared_transformer.self_attn.o_proj", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.shared_transformer.pre_ff_layernorm", CUT_NONE},
    {"blk.%u.ffn_gate", "layers.%u.shared_transformer.feed_forward.gate_up_proj", CUT_FIRST_HALF},
    {"blk.%u.ffn_up", "layers.%u.shared_transformer.feed_forward.gate_up_proj", CUT_SECOND_HALF},
    {"blk.%u.ffn_down", "layers.%u.shared_transformer.feed_forward.down_proj", CUT_NONE},
    {"blk.%u.block_output", "layers.%u.linear", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5},
                                               {PARAM(recurrent.n_heads), 8},
                                               {PARAM(recurrent.n_groups), 1},
                                               {PARAM(recurrent.n_state), 64},
                                               {0}};

static const struct key_spec keys[] = {
    SCAN_KEYS,
    {"layers_block_type", NULL},
    {"hybrid_layer_ids", NULL}, /* which the list of types tells */
    {"num_key_value_heads", NULL},
    {"num_query_groups", NULL},
    {"attention_head_dim", NULL}, /* what follows from sizes, and is taken from them */
    {"attention_hidden_size", NULL},
    {"kv_channels", NULL},
    {"mamba_headdim", NULL},
    {"ffn_hidden_size", NULL},
    {"intermediate_size", NULL},
    {"head_dim", NULL},
    {"num_mem_blocks", NULL},
    {"adapter_rank", NULL}, /* the tensors tell */
    {"use_shared_attention_adapter", "true|false"},
    {"use_shared_mlp_adapter", "true"},
    {"gated_linear_unit", "true"},
    {"add_bias_linear", "true|false"}, /* the tensors tell */
    {"use_conv_bias", NULL},           /* there is one */
    {"use_mem_rope", "true|false"},
    {"use_long_context", "false"},
    {"use_mem_eff_path", NULL}, /* how it is computed */
    {"use_mamba_kernels", NULL},
    {"chunk_size", NULL},
    {"num_logits_to_keep", NULL},
    {NULL, NULL},
};

/* Heads are of what is joined, and their scores are divided by the root of half a head. */
static enum hone_status import(struct folder *f, struct hone_error *err)
{
    const double heads = folder_number(f, "num_attention_heads", 32),
                 width = floor(2 * folder_number(f, "hidden_size", 0) / (heads > 0 ? heads : 1));
    enum hone_status status =
        folder_set_count(f, "attention.key_length", width, 1 << 12, "num_attention_heads", err);
    const float scale = (float)sqrt(2 / width);
    return status == HONE_OK
               ? folder_set(gguf_set_f32(f->g, "zamba2.attention.scale", scale), "attention.scale", err)
               : status;
}

static const char *const classes[] = {"Zamba2", NULL};
static const struct hf_form form = {.classes = classes,
                                    .type = "zamba2",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys,
                                    .import = import};

const struct arch arch_zamba2 = {
    .name = "zamba2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU,
    .rotates_if_told = true,
    .recurrent = RECURRENT_SSM,
    .joined_blocks = true,
    CAUSAL_ARCH,
};
