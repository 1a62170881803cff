/* Hunyuan (Tencent, 2025), HY-MT among them: Llama's layers with norms of heads behind the rotation, whose base is stretched once
 * and for all; and the same with experts, and one that all tokens go through. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct param_spec params_moe[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    EXPERT_PARAMS,
    {"intermediate_size", "expert_shared_feed_forward_length", PARAM_SIZE, PARAM(n_ff_shared), 1 << 18, -1},
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                 CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                 RMS_ROW("attn_norm", attn_norm),
                                                 RMS_ROW("ffn_norm", ffn_norm),
                                                 HEAD_NORM_ROWS,
                                                 EXPERT_ROWS,
                                                 SHARED_ROWS,
                                                 {0}};

#define LATE_NORM_NAMES                                                                                      \
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.query_layernorm", CUT_NONE},                                 \
    {                                                                                                        \
        "blk.%u.attn_k_norm", "layers.%u.self_attn.key_layernorm", CUT_NONE                                  \
    }
static const struct hf_name names[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME, LATE_NORM_NAMES, {0}};
static const struct hf_name names_moe[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    LATE_NORM_NAMES,
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.gate.wg", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.%u.gate_proj", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.%u.up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.%u.down_proj", CUT_EXPERTS},
    SHARED_NAMES("layers.%u.mlp.shared_mlp."),
    {0},
};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};

/* What the hub's configurations say beside: of tokens, and of parts that have one form only in the class. */
#define TOKEN_KEYS                                                                                           \
    {"eod_token_id", NULL}, {"im_start_id", NULL}, {"im_end_id", NULL}, {"im_newline_id", NULL},             \
        {"text_start_id", NULL}, {"text_end_id", NULL}, {"image_token_id", NULL}, {"video_start_id", NULL},  \
        {"video_end_id", NULL}, {"mask_init_id", NULL}, {"org_vocab_size", NULL},                            \
        {"attention_head_dim", NULL}, {"dense_list", NULL}, {"add_classification_head", "false"},            \
        {"class_num", NULL}, {"norm_type", "\"rms\""}, {"use_qk_norm", "true"},                              \
        {"use_rotary_pos_emb", "true"}, {"use_cla", "false"}, {"cla_share_factor", NULL},                    \
        {"enable_lm_head_fp32", NULL}, {"pool_type", NULL},                                                  \
    {                                                                                                        \
        "pad_id", NULL                                                                                       \
    }
static const struct key_spec keys[] = {TOKEN_KEYS, {NULL, NULL}};
/* The same of the one with experts, and of images, which it came without. `false` is for numbers that it has not. */
static const struct key_spec keys_moe[] = {
    TOKEN_KEYS,
    {"num_shared_expert", "1|[1...]"},
    {"use_mixed_mlp_moe", "true"},
    {"moe_layer_num_skipped", "0"},
    {"norm_topk_prob", "true"},
    {"n_group", "false"},
    {"topk_group", "false"},
    {"group_limited_greedy", "false"},
    {"routed_scaling_factor", "false"},
    {"capacity_factor", NULL}, /* of tokens that are left out in training */
    {"moe_drop_tokens", "false"},
    {"moe_random_routing_dropped_token", "false"},
    {"use_mla", "false"},
    {"position_embedding_xdrope", "false"},
    {"num_media_embeds", NULL},
    {"unused_media_embeds", NULL},
    {"max_image_size", NULL},
    {"min_image_size", NULL},
    {"skip_cls_token", NULL},
    {"anyres_*", NULL},
    {"vit_*", NULL},
    {NULL, NULL}};
static const char *const classes[] = {"HunYuanDenseV1", NULL};
static const struct hf_form form = {.type = "hunyuan_v1_dense",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};
static const char *const classes_moe[] = {"HunYuanMoEV1", "HunYuan", NULL};

/* The hub's configurations have a list of one number for all layers. */
static enum hone_status import_lists(struct folder *f, struct hone_error *err)
{
    static const char *const lists[] = {"moe_topk", "num_experts_per_tok", "moe_intermediate_size",
                                        "num_shared_expert"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *list = json_object_get(f->config, lists[i]), *first = json_array_get(list, 0);
        for (size_t k = 1; k < json_array_size(list); k++)
            if (!json_equal(json_array_get(list, k), first))
                return hone_fail(err, HONE_BAD_MODEL,
                                 "%s/config.json: '%s' should be the same number in all layers", f->dir,
                                 lists[i]);
        if (first && json_object_set(f->config, lists[i], first) != 0)
            return hone_no_memory(err, lists[i], json_array_size(list));
    }
    return HONE_OK;
}

static const struct hf_form form_moe = {.type = "hunyuan_v1_moe",
                                        .classes = classes_moe,
                                        .prefix = "model.",
                                        .names = names_moe,
                                        .ignored = ignored,
                                        .defaults = defaults,
                                        .import = import_lists,
                                        .keys = keys_moe};

const struct arch arch_hunyuan = {
    .name = "hunyuan-dense",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .norms_rotated = true,
    .rope_alpha = true,
    CAUSAL_ARCH,
};
const struct arch arch_hunyuan_moe = {
    .name = "hunyuan-moe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .norms_rotated = true,
    .rope_alpha = true,
    CAUSAL_ARCH,
};
