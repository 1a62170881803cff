/* T5 (Raffel et al., 2019, arXiv:1910.10683), its version 1.1, Flan-T5 (Chung et al., 2022, arXiv:2210.11416) and CodeT5
 * (Wang et al., 2021, arXiv:2109.00859; 2023, arXiv:2305.07922): an encoder, and a decoder whose layers also see what the
 * encoder made of its input. Norms without biases before each part of a layer; scores are not scaled, but get a bias by
 * distance, one table for the encoder and one for the decoder. */
#include "runtime/load/families/stack_rows.h"

/* clang-format off */
#define T5_PARAMS                                                                                             \
    {"num_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                                      \
    {"d_model", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                                   \
    {"num_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 10, 0},                            \
    {"d_kv", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, 64},                               \
    {"d_ff", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                                     \
    {"n_positions", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 16, 512},                           \
    {"layer_norm_epsilon", "attention.layer_norm_rms_epsilon|attention.layer_norm_epsilon", PARAM_FLOAT,      \
     PARAM(norm_eps), 0, 1e-6}

#define ENCODER_ROWS                                                                                          \
    TOKEN_ROW,                                                                                                \
    {"enc.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(encoder_norm)},                   \
    STACK_ROW("enc.blk.%u.attn_rel_b", TENSOR_FLOATS, DIM_BUCKETS, DIM_N_HEADS, TENSOR_OPTIONAL, distance_bias), \
    GATED_STACK_ROWS("enc.", TENSOR_NO_BIAS)

static const struct param_spec params[] = {
    T5_PARAMS,
    {"num_decoder_layers", "decoder_block_count", PARAM_SIZE, PARAM(n_decoder_layers), 1024, -1},
    {0},
};
static const struct param_spec encoder_params[] = {T5_PARAMS, {0}};

static const struct tensor_spec tensors[] = {
    ENCODER_ROWS,
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},
    {"dec.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},
    STACK_ROW("dec.blk.%u.attn_rel_b", TENSOR_FLOATS, DIM_BUCKETS, DIM_N_HEADS, TENSOR_DECODER | TENSOR_OPTIONAL,
              distance_bias),
    {"dec.blk.0.cross_attn_rel_b", TENSOR_FLOATS, DIM_BUCKETS, DIM_N_HEADS, TENSOR_OPTIONAL, AT(cross_bias)},
    GATED_STACK_ROWS("dec.", TENSOR_DECODER | TENSOR_NO_BIAS),
    CROSS_ROWS(TENSOR_NO_BIAS),
    REREAD_HEAD_ROWS,
    {0},
};
static const struct tensor_spec encoder_tensors[] = {
    ENCODER_ROWS, {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD, AT(cls_out)}, {0}};

/* ff: the number of the feed-forward layer among a layer's parts. */
#define STACK_NAMES(gguf, hf, ff)                                                                             \
    {gguf "output_norm", hf "final_layer_norm", CUT_NONE},                                                    \
    {gguf "blk.%u.attn_rel_b", hf "block.%u.layer.0.SelfAttention.relative_attention_bias", CUT_NONE},        \
    {gguf "blk.%u.attn_norm", hf "block.%u.layer.0.layer_norm", CUT_NONE},                                    \
    {gguf "blk.%u.attn_q", hf "block.%u.layer.0.SelfAttention.q", CUT_NONE},                                  \
    {gguf "blk.%u.attn_k", hf "block.%u.layer.0.SelfAttention.k", CUT_NONE},                                  \
    {gguf "blk.%u.attn_v", hf "block.%u.layer.0.SelfAttention.v", CUT_NONE},                                  \
    {gguf "blk.%u.attn_o", hf "block.%u.layer.0.SelfAttention.o", CUT_NONE},                                  \
    {gguf "blk.%u.ffn_norm", hf "block.%u.layer." ff ".layer_norm", CUT_NONE},                                \
    {gguf "blk.%u.ffn_gate", hf "block.%u.layer." ff ".DenseReluDense.wi_0", CUT_NONE},                       \
    {gguf "blk.%u.ffn_up", hf "block.%u.layer." ff ".DenseReluDense.wi_1", CUT_NONE},                         \
    {gguf "blk.%u.ffn_up", hf "block.%u.layer." ff ".DenseReluDense.wi", CUT_NONE},                           \
    {gguf "blk.%u.ffn_down", hf "block.%u.layer." ff ".DenseReluDense.wo", CUT_NONE}

#define ENCODER_NAMES                                                                                         \
    {"token_embd", "shared", CUT_NONE},                                                                       \
    {"token_embd", "encoder.embed_tokens", CUT_NONE},                                                         \
    STACK_NAMES("enc.", "encoder.", "1")

static const struct hf_name names[] = {
    ENCODER_NAMES,
    {"output", "lm_head", CUT_HEAD},
    STACK_NAMES("dec.", "decoder.", "2"),
    {"dec.blk.%u.cross_attn_norm", "decoder.block.%u.layer.1.layer_norm", CUT_NONE},
    {"dec.blk.%u.cross_attn_q", "decoder.block.%u.layer.1.EncDecAttention.q", CUT_NONE},
    {"dec.blk.%u.cross_attn_k", "decoder.block.%u.layer.1.EncDecAttention.k", CUT_NONE},
    {"dec.blk.%u.cross_attn_v", "decoder.block.%u.layer.1.EncDecAttention.v", CUT_NONE},
    {"dec.blk.%u.cross_attn_o", "decoder.block.%u.layer.1.EncDecAttention.o", CUT_NONE},
    REREAD_HEAD_NAMES,
    {0},
};
static const struct hf_name encoder_names[] = {ENCODER_NAMES, {0}};
/* clang-format on */

static const struct fixed_spec fixed[] = {
    {"relative_attention_num_buckets", "32"}, {"relative_attention_max_distance", "128"}, {0}};
/* Copies of the token embeddings, and a table that the first version had and never used. */
static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.",
                                      "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.",
                                      NULL};
static const char *const encoder_ignored[] = {"encoder.embed_tokens.", "decoder.", "lm_head.", NULL};

static const char *const classes[] = {"T5", NULL};
static const char *const mt5_classes[] = {"MT5", "T5", NULL};
static const struct key_spec keys[] = {
    {"dense_act_fn", NULL},       /* goes before what feed_forward_proj says of it */
    {"is_gated_act", NULL},       /* the tensors tell */
    {"n_positions", NULL},        /* there are none */
    {"num_decoder_layers", NULL}, /* of which encoders alone have none */
    {"scale_decoder_outputs", "true|false"},
    {NULL, NULL},
};

static const char *const umt5_classes[] = {"UMT5", NULL};
static const struct key_spec umt5_keys[] = {
    {"dense_act_fn", NULL},
    {"is_gated_act", NULL},
    {"n_positions", NULL},
    {"num_decoder_layers", NULL},
    {"scalable_attention", NULL}, /* the class knows nothing of it */
    {"scale_decoder_outputs", "true|false"},
    {NULL, NULL},
};

static const struct hf_form t5 = {.type = "t5",
                                  .prefix = "transformer.",
                                  .names = names,
                                  .fixed = fixed,
                                  .ignored = ignored,
                                  .keys = keys,
                                  .classes = classes,
                                  .end_token = 1};
static const struct hf_form mt5 = {.type = "mt5",
                                   .prefix = "transformer.",
                                   .names = names,
                                   .fixed = fixed,
                                   .ignored = ignored,
                                   .keys = keys,
                                   .classes = mt5_classes,
                                   .usual_activation = "gelu_new",
                                   .end_token = 1,
                                   .plain_outputs = true};
/* UMT5 (Chung et al., 2023, arXiv:2304.09151): each layer has a table of distances of its own. */
static const struct hf_form umt5 = {.type = "umt5",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .keys = umt5_keys,
                                    .classes = umt5_classes,
                                    .usual_activation = "gelu_new",
                                    .end_token = 1};
/* Encoders alone, and heads of tokens' labels, which see no decoder. */
#define ENCODER_FORM(model_type, starts, its_keys, its_classes, activation)                                  \
    {                                                                                                        \
        .type = model_type, .class_start = starts, .prefix = "transformer.", .names = encoder_names,         \
        .fixed = fixed, .ignored = encoder_ignored, .keys = its_keys, .classes = its_classes,                \
        .usual_activation = activation                                                                       \
    }
static const struct hf_form t5_encoder = ENCODER_FORM("t5", "T5Encoder|T5ForToken", keys, classes, NULL);
static const struct hf_form mt5_encoder =
    ENCODER_FORM("mt5", "MT5Encoder|MT5ForToken|T5Encoder|T5ForToken", keys, mt5_classes, "gelu_new");
static const struct hf_form umt5_encoder =
    ENCODER_FORM("umt5", "UMT5Encoder|UMT5ForToken", umt5_keys, umt5_classes, "gelu_new");

const struct arch arch_t5 = {
    .name = "t5",
    .forms = (const struct hf_form *const[]){&t5, &mt5, &umt5, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_RELU,
    .maybe_gated = ACT_GELU_TANH,
    .pre_norm = true,
    .unscaled = true,
    .rms = true,
    .distance = DISTANCE_BUCKETS,
    .head_scaled = true,
    WRITING_PASS,
};

const struct arch arch_t5_encoder = {
    .name = "t5encoder",
    .forms = (const struct hf_form *const[]){&t5_encoder, &mt5_encoder, &umt5_encoder, NULL},
    .params = encoder_params,
    .tensors = encoder_tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_RELU,
    .maybe_gated = ACT_GELU_TANH,
    .pre_norm = true,
    .unscaled = true,
    .rms = true,
    .distance = DISTANCE_BUCKETS,
    .workspace = encoder_workspace,
    .forward = encoder_forward,
};
