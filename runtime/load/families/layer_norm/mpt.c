/* MPT (MosaicML, 2023): layer norms without biases, ALiBi, queries, keys and values that may be clipped, no gate. transformers computes
 * these alone, whatever else a configuration says; GGUF files may have learned positions, biases, and other slopes. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <limits.h>
#include <stdio.h>

static const struct param_spec params[] = {
    {"n_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"d_model", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"n_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"max_seq_len", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"attn_config.softmax_scale", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},
    {"attn_config.clip_qkv", "attention.clamp_kqv", PARAM_FLOAT, PARAM(qkv_clip), 0, -1},
    ALIBI_PARAM("", -1),
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    POSITION_ROW(TENSOR_OPTIONAL),
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "wte", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "norm_f", CUT_NONE},
    {"blk.%u.attn_norm", "blocks.%u.norm_1", CUT_NONE},
    {"blk.%u.attn_qkv", "blocks.%u.attn.Wqkv", CUT_NONE},
    {"blk.%u.attn_output", "blocks.%u.attn.out_proj", CUT_NONE},
    {"blk.%u.ffn_norm", "blocks.%u.norm_2", CUT_NONE},
    {"blk.%u.ffn_up", "blocks.%u.ffn.up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "blocks.%u.ffn.down_proj", CUT_NONE},
    {0},
};

/* In attn_config. */
static const struct key_spec attention_keys[] = {
    {"attn_type", "\"multihead_attention\""},
    {"alibi", "true"},
    {"alibi_bias_max", "8"},
    {"qk_ln", "false"},
    {"qk_gn", "false"},
    {"rope", "false"},
    {"prefix_lm", "false"},
    {"sliding_window_size", "-1"},
    {"clip_qkv", NULL},
    {"softmax_scale", NULL},
    {"attn_uses_sequence_id", NULL}, /* of texts that share a row in training */
    {"attn_impl", NULL},             /* how exactly it is computed, */
    {"attn_pdrop", NULL},            /* and in training, */
    {"model_type", "\"\"|\"mpt\""},  /* and what all configurations say */
    {"return_dict", NULL},
    {"output_*", NULL},
    {"dtype", NULL},
    {"chunk_size_feed_forward", NULL},
    {"is_encoder_decoder", "false"},
    {"architectures", NULL},
    {"id2label", NULL},
    {"label2id", NULL},
    {"problem_type", NULL},
    {"transformers_version", NULL},
    {"_name_or_path", NULL},
    {NULL, NULL}};

static enum hone_status import(struct folder *f, struct hone_error *err)
{
    char path[PATH_MAX + 32];
    const char *key = "mpt.attention.max_alibi_bias";
    snprintf(path, sizeof path, "%s/config.json: attn_config", f->dir);
    enum hone_status status = folder_set(gguf_set_f32(f->g, key, 8), key, err);
    return status == HONE_OK ? keys_check(f->keys, path, json_at(f->config, "attn_config"),
                                          (const struct key_spec *const[]){attention_keys, NULL}, err)
                             : status;
}

static const char *const ignored[] = {NULL};
static const struct key_spec keys[] = {{"expansion_ratio", "4"},
                                       {"no_bias", "true"},
                                       {"norm_type", "\"low_precision_layernorm\"|\"layernorm\""},
                                       {"learned_pos_emb", NULL},    /* which only counts without ALiBi */
                                       {"embedding_fraction", NULL}, /* of training */
                                       {"init_*", NULL},
                                       {"resid_pdrop", NULL},
                                       {"emb_pdrop", NULL},
                                       {"verbose", NULL},
                                       FIXED_ACTIVATION_KEYS("\"gelu\""),
                                       {"ffn_config", "{\"ffn_type\":\"mptmlp\"}"},
                                       {"use_pad_tok_in_ffn", NULL}, /* how exactly it is computed */
                                       {NULL, NULL}};
static const char *const form_classes[] = {"Mpt", "MPT", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "mpt",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .import = import};

const struct arch arch_mpt = {
    .name = "mpt",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU,
    CAUSAL_PASS,
};
