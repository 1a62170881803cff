/* GPT-J (Wang and Komatsuzaki, 2021) and CodeGen (Nijkamp et al., 2022, arXiv:2203.13474): layer norms, both halves of a layer read
 * what one norm made of its input, pairs that are rotated together lie side by side, in a part of each head; what predicts tokens
 * has biases. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {
    GPT_SIZES,
    {"n_inner", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"n_positions|max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},
    {"", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             UNGATED_ROWS,
                                             LAYER_NORM_ROW("attn_norm", attn_norm),
                                             {0}};
/* clang-format off */
#define GPTJ_NAMES                                                                                            \
    {"cls.output", "score", CUT_NONE},                                                                        \
    {"token_embd", "wte", CUT_NONE},                                                                          \
    {"output", "lm_head", CUT_NONE},                                                                          \
    {"output_norm", "ln_f", CUT_NONE},                                                                        \
    {"blk.%u.attn_norm", "h.%u.ln_1", CUT_NONE},                                                              \
    {"blk.%u.attn_output", "h.%u.attn.out_proj", CUT_NONE},                                                   \
    {"blk.%u.ffn_up", "h.%u.mlp.fc_in", CUT_NONE},                                                            \
    {"blk.%u.ffn_down", "h.%u.mlp.fc_out", CUT_NONE}
/* clang-format on */
static const struct hf_name names[] = {
    GPTJ_NAMES,
    {"blk.%u.attn_q", "h.%u.attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "h.%u.attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "h.%u.attn.v_proj", CUT_NONE},
    {0},
};
static const struct hf_name codegen_names[] = {
    GPTJ_NAMES, {"blk.%u.attn_qkv", "h.%u.attn.qkv_proj", CUT_QKV_BLOCKS}, {0}};

/* How many elements of a head are rotated. */
static enum hone_status import(struct folder *f, struct hone_error *err)
{
    const json_t *value = json_object_get(f->config, "rotary_dim");
    const json_int_t n_embd = json_integer_value(json_at(f->config, "n_embd|hidden_size")),
                     n_heads = json_integer_value(json_at(f->config, "n_head|num_attention_heads")),
                     head = n_heads > 0 ? n_embd / n_heads : 0, n = value ? json_integer_value(value) : 64;
    if (n < 2 || n % 2 != 0 || n > head)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'rotary_dim' is %lld, expected an even number from 2 to %lld, the "
                         "size of a head",
                         f->dir, (long long)n, (long long)head);
    return folder_set(gguf_set_u32(f->g, "gptj.rope.dimension_count", (uint32_t)n),
                      "gptj.rope.dimension_count", err);
}

static const char *const ignored[] = {"*.attn.bias", "*.attn.masked_bias", "*.attn.causal_mask",
                                      NULL}; /* the causal mask */
/* Frequencies are those of a base of 10000, whatever is said. */
static const struct key_spec keys[] = {{"rotary_dim", NULL},
                                       {"rotary", "true"},
                                       {"scale_attn_weights", "true"},
                                       {"gradient_checkpointing", NULL},
                                       {"n_ctx", NULL}, /* of the training, as n_positions */
                                       NO_ROPE_KEYS,
                                       {NULL, NULL}};
static const char *const gptj_classes[] = {"GPTJ", NULL};
static const char *const codegen_classes[] = {"CodeGen", NULL};
static const struct hf_form gptj = {.classes = gptj_classes,
                                    .type = "gptj",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .import = import};
static const struct hf_form codegen = {.classes = codegen_classes,
                                       .type = "codegen",
                                       .prefix = "transformer.",
                                       .names = codegen_names,
                                       .ignored = ignored,
                                       .keys = keys,
                                       .import = import};

const struct arch arch_gptj = {
    .name = "gptj",
    .forms = (const struct hf_form *const[]){&gptj, &codegen, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .rope_pairs = true,
    .parallel = true,
    CAUSAL_PASS,
};
