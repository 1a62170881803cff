/* Rows that the tables of several encoder families have in common. */
#ifndef RUNTIME_LOAD_FAMILIES_ROWS_H
#define RUNTIME_LOAD_FAMILIES_ROWS_H

#include "runtime/nn/encoder.h"

/* clang-format off */
#define SIZE_PARAMS                                                                                          \
    {"num_hidden_layers|n_layers|n_layer", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},              \
    {"hidden_size|dim|n_embd", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                    \
    {"num_attention_heads|n_heads|n_head", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},   \
    {"intermediate_size|hidden_dim|n_inner", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},     \
    {"max_position_embeddings|n_positions|max_trained_positions", "context_length", PARAM_POSITIONS,          \
     PARAM(max_length), 1 << 20, 0},                                                                          \
    {"layer_norm_eps|layer_norm_epsilon|norm_eps", "attention.layer_norm_epsilon|attention.layer_norm_rms_epsilon", PARAM_FLOAT,               \
     PARAM(norm_eps), 0, 0}

#define TOKEN_ROW {"token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_EMBD, 0, AT(token_embd)}
#define TYPE_ROW  {"token_types", TENSOR_FLOATS, DIM_TYPES, DIM_EMBD, TENSOR_OPTIONAL, AT(type_embd)}

#define EMBD_NORM_ROW {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(embd_norm)}

#define POSITION_PAD_ROW {"position_pad", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL, AT(position_pad)}

#define LAYER_ROW(name, kind, rows, cols, flags, member)                                                      \
    {"blk.%u." name, kind, rows, cols, TENSOR_LAYER | (flags), LAYER_AT(member)}

/* One matrix, or one for queries, keys and values each. */
#define QKV_ROWS(flags)                                                                                       \
    LAYER_ROW("attn_qkv", TENSOR_DENSE, DIM_QKV, DIM_EMBD, TENSOR_FUSED | (flags), qkv),                      \
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv),                                       \
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv),                                       \
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv)

/* The norms of a post-norm layer. */
#define POST_NORM_ROWS                                                                                        \
    LAYER_ROW("attn_output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, attn_norm),                             \
    LAYER_ROW("layer_output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, ffn_norm)

#define HEAD_ROWS(flags)                                                                                      \
    {"cls", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_HEAD | (flags), AT(cls)},                                \
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD, AT(cls_out)}

#define MLM_ROWS                                                                                              \
    {"mlm", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_MLM | TENSOR_MAYBE_BIAS, AT(mlm)},                       \
    {"mlm.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MLM | TENSOR_MAYBE_BIAS, AT(mlm_norm)},              \
    {"mlm.output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_MLM | TENSOR_MAYBE_BIAS | TENSOR_TIED, AT(mlm_out)}

/* What attention and the feed-forward layer of BERT's kind end with. */
#define BERT_LAYER_ROWS                                                                                       \
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, 0, attn_out),                                 \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, 0, ffn_up),                                           \
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, 0, ffn_down)

#define BERT_EMBD_NAMES                                                                                       \
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},                                                   \
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},                                            \
    {"token_embd_norm", "embeddings.LayerNorm", CUT_NONE}
/* The rows behind that of the padding token, which is apart. */
#define ROBERTA_POSITION_NAMES                                                                                \
    {"position_embd", "embeddings.position_embeddings", CUT_PADDING},                                         \
    {"position_pad", "embeddings.position_embeddings", CUT_PADDING_ROW}
#define BERT_ATTN_OUTPUT_NAMES                                                                                \
    {"blk.%u.attn_output", "encoder.layer.%u.attention.output.dense", CUT_NONE},                              \
    {"blk.%u.attn_output_norm", "encoder.layer.%u.attention.output.LayerNorm", CUT_NONE}
#define BERT_FFN_NAMES                                                                                        \
    {"blk.%u.ffn_up", "encoder.layer.%u.intermediate.dense", CUT_NONE},                                       \
    {"blk.%u.ffn_down", "encoder.layer.%u.output.dense", CUT_NONE},                                           \
    {"blk.%u.layer_output_norm", "encoder.layer.%u.output.LayerNorm", CUT_NONE}
#define BERT_LAYER_NAMES                                                                                      \
    BERT_EMBD_NAMES,                                                                                          \
    {"blk.%u.attn_q", "encoder.layer.%u.attention.self.query", CUT_NONE},                                     \
    {"blk.%u.attn_k", "encoder.layer.%u.attention.self.key", CUT_NONE},                                       \
    {"blk.%u.attn_v", "encoder.layer.%u.attention.self.value", CUT_NONE},                                     \
    BERT_ATTN_OUTPUT_NAMES,                                                                                   \
    BERT_FFN_NAMES

/* The two matrices of a gated feed-forward layer, a row a matrix. */
#define GATE_AND_UP_ROWS(flags)                                                                               \
    LAYER_ROW("ffn_gate", TENSOR_DENSE, DIM_FF, DIM_EMBD, flags, ffn_up),                                     \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, flags, ffn_up)

/* Of a head on BERT's pooler, and of one that has a matrix of its own. */
#define POOLER_HEAD_NAMES                                                                                     \
    {"cls", "pooler.dense", CUT_NONE}, {"cls.output", "classifier", CUT_NONE}
#define DENSE_HEAD_NAMES                                                                                      \
    {"cls", "classifier.dense", CUT_NONE}, {"cls.output", "classifier.out_proj", CUT_NONE}

/* The heads for masked words of BERT and of RoBERTa. The second output is a bias, where the first has none of its own. */
#define BERT_LM_NAMES                                                                                         \
    {"mlm", "cls.predictions.transform.dense", CUT_NONE},                                                     \
    {"mlm.norm", "cls.predictions.transform.LayerNorm", CUT_NONE},                                            \
    {"mlm.output", "cls.predictions.decoder", CUT_NONE},                                                      \
    {"mlm.output", "cls.predictions", CUT_NONE}
#define ROBERTA_LM_NAMES                                                                                      \
    {"mlm", "lm_head.dense", CUT_NONE},                                                                       \
    {"mlm.norm", "lm_head.layer_norm", CUT_NONE},                                                             \
    {"mlm.output", "lm_head.decoder", CUT_NONE},                                                              \
    {"mlm.output", "lm_head", CUT_NONE}

/* Layers as the code of flash attention names them; queries, keys and values are one matrix. */
#define FLASH_LAYER_NAMES(attention)                                                                          \
    {"blk.%u.attn_qkv", "encoder.layers.%u." attention ".Wqkv", CUT_NONE},                                    \
    {"blk.%u.attn_output", "encoder.layers.%u." attention ".out_proj", CUT_NONE},                             \
    {"blk.%u.attn_output_norm", "encoder.layers.%u.norm1", CUT_NONE},                                         \
    {"blk.%u.ffn_up", "encoder.layers.%u.mlp.fc1", CUT_NONE},                                                 \
    {"blk.%u.ffn_down", "encoder.layers.%u.mlp.fc2", CUT_NONE},                                               \
    {"blk.%u.layer_output_norm", "encoder.layers.%u.norm2", CUT_NONE}

/* Token embeddings that may be narrower than the layers. */
#define NARROW_PARAM                                                                                          \
    {"embedding_size|input_embedding_size", "token_embedding_length", PARAM_SIZE, PARAM(n_token), 1 << 15, -1}
#define NARROW_ROWS                                                                                           \
    {"token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_TOKEN, 0, AT(token_embd)},                                    \
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_TOKEN, 0, AT(position_embd)},                         \
    {"token_types", TENSOR_FLOATS, DIM_TYPES, DIM_TOKEN, TENSOR_OPTIONAL, AT(type_embd)},                     \
    {"token_embd_proj", TENSOR_DENSE, DIM_EMBD, DIM_TOKEN, TENSOR_TOKEN_PROJ, AT(embd_proj)}
#define NARROW_MLM_ROWS                                                                                       \
    {"mlm", TENSOR_DENSE, DIM_TOKEN, DIM_EMBD, TENSOR_MLM | TENSOR_MAYBE_BIAS, AT(mlm)},                      \
    {"mlm.norm", TENSOR_NORM, DIM_TOKEN, DIM_NONE, TENSOR_MLM | TENSOR_MAYBE_BIAS, AT(mlm_norm)},             \
    {"mlm.output", TENSOR_DENSE, DIM_VOCAB, DIM_TOKEN, TENSOR_MLM | TENSOR_MAYBE_BIAS | TENSOR_TIED, AT(mlm_out)}

#define ENCODER_PASS .workspace = encoder_workspace, .forward = encoder_forward
/* clang-format on */

#endif
