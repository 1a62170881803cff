/* What ModernBERT and its decoder have in common. */
#ifndef RUNTIME_LOAD_FAMILIES_MODERN_BERT_ROWS_H
#define RUNTIME_LOAD_FAMILIES_MODERN_BERT_ROWS_H

#include "runtime/load/families/rows.h"

/* clang-format off */
#define MODERN_BERT_ROPE_PARAMS                                                                               \
    {"rope_parameters.full_attention.rope_theta|global_rope_theta", "rope.freq_base", PARAM_FLOAT,            \
     PARAM(rope_base), 0, 160000},                                                                            \
    {"rope_parameters.sliding_attention.rope_theta|local_rope_theta", "rope.freq_base_swa", PARAM_FLOAT,      \
     PARAM(rope_base_local), 0, 10000}

#define MODERN_BERT_NORM_ROWS                                                                                 \
    {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(embd_norm)},                   \
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(output_norm)},                     \
    LAYER_ROW("attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, attn_norm)
#define MODERN_BERT_FFN_ROWS                                                                                  \
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, ffn_norm),                      \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF2, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),                          \
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down)
#define MODERN_BERT_HEAD_NORM_ROW                                                                             \
    {"cls.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_norm)}

#define MODERN_BERT_NAMES                                                                                     \
    {"token_embd", "embeddings.tok_embeddings", CUT_NONE},                                                    \
    {"token_embd_norm", "embeddings.norm", CUT_NONE},                                                         \
    {"output_norm", "final_norm", CUT_NONE},                                                                  \
    {"blk.%u.attn_norm", "layers.%u.attn_norm", CUT_NONE},                                                    \
    {"blk.%u.attn_output", "layers.%u.attn.Wo", CUT_NONE},                                                    \
    {"blk.%u.ffn_norm", "layers.%u.mlp_norm", CUT_NONE},                                                      \
    {"blk.%u.ffn_up", "layers.%u.mlp.Wi", CUT_NONE},                                                          \
    {"blk.%u.ffn_down", "layers.%u.mlp.Wo", CUT_NONE},                                                        \
    {"cls", "head.dense", CUT_NONE},                                                                          \
    {"cls.norm", "head.norm", CUT_NONE},                                                                      \
    {"cls.output", "classifier", CUT_NONE}

#define MODERN_BERT_FIXED                                                                                     \
    {"rope_parameters.full_attention.rope_type", "\"default\""},                                              \
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},                                           \
    {"rope_scaling", "null"}, {"rope_parameters.rope_type", "null"}, /* each kind of layers has its own */    \
    {"rope_parameters.type", "null"}, {"rope_parameters.factor", "null"}
/* clang-format on */

/* Keys without effect on a result: the tensors tell which biases there are, norm_eps counts for layer_norm_eps, and the others
 * are of training and of ways to compute. */
#define MODERN_BERT_KEYS                                                                                     \
    {"norm_bias", NULL}, {"attention_bias", NULL}, {"mlp_bias", NULL}, {"decoder_bias", NULL},               \
        {"classifier_bias", NULL}, {"sparse_prediction", NULL}, {"sparse_pred_ignore_index", NULL},          \
        {"position_embedding_type", "\"absolute\"|\"sans_pos\""},                                            \
        /* what files say, for no reason */ {"deterministic_flash_attn", NULL}, {"reference_compile", NULL}, \
        {"repad_logits_with_grad", NULL},                                                                    \
    {                                                                                                        \
        "layer_norm_eps", NULL                                                                               \
    }

#endif
