/* StarCoder and SantaCoder (Li et al., 2023, arXiv:2305.06161): GPT-2's layers with one key and value for all heads. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {
    GPT_SIZES,
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"n_inner", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"n_positions|max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    POSITION_ROW(0),
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name names[] = {
    GPT_NAMES,
    {"blk.%u.attn_qkv", "h.%u.attn.c_attn", CUT_QKV_GROUPS},
    {"blk.%u.attn_output", "h.%u.attn.c_proj", CUT_NONE},
    {"blk.%u.ffn_up", "h.%u.mlp.c_fc", CUT_NONE},
    {"blk.%u.ffn_down", "h.%u.mlp.c_proj", CUT_NONE},
    {0},
};

static enum hone_status import(struct folder *f, struct hone_error *err)
{
    static const char key[] = "starcoder.attention.head_count_kv";
    if (json_is_false(json_at(f->config, "multi_query")))
        return HONE_OK;
    return folder_set(gguf_set_u32(f->g, key, 1), key, err);
}

static const char *const ignored[] = {"*.attn.bias", "*.attn.masked_bias", NULL}; /* the causal mask */
static const struct key_spec keys[] = {{"multi_query", "true|false"},
                                       {"scale_attn_weights", "true"},
                                       {"num_key_value_heads", NULL},       /* as multi_query says */
                                       {"attention_softmax_in_fp32", NULL}, /* how exactly it is computed */
                                       {"scale_attention_softmax_in_fp32", NULL},
                                       {"inference_runner", NULL},
                                       {"validate_runner_input", NULL},
                                       {"pre_allocate_kv_cache", NULL},
                                       {"max_sequence_length", NULL},
                                       {"max_batch_size", NULL},
                                       {"pad_key_length", NULL},
                                       {NULL, NULL}};
static const char *const form_classes[] = {"GPTBigCode", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "gpt_bigcode",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .import = import};

const struct arch arch_starcoder = {
    .name = "starcoder",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    CAUSAL_PASS,
};
