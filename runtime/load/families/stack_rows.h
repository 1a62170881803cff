/* Rows of families with an encoder and a decoder behind it, each a stack of layers. */
#ifndef RUNTIME_LOAD_FAMILIES_STACK_ROWS_H
#define RUNTIME_LOAD_FAMILIES_STACK_ROWS_H

#include "runtime/load/families/rows.h"
#include "runtime/nn/encoder_output.h"
#include "runtime/nn/reread.h"

/* clang-format off */
#define STACK_ROW(name, kind, rows, cols, flags, member)                                                      \
    {name, kind, rows, cols, TENSOR_LAYER | (flags), LAYER_AT(member)}

/* What the layers of both have. */
#define STACK_ATTENTION_ROWS(stack, flags)                                                                    \
    STACK_ROW(stack "blk.%u.attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, flags, attn_norm),                   \
    STACK_ROW(stack "blk.%u.attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv),                          \
    STACK_ROW(stack "blk.%u.attn_k", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv),                          \
    STACK_ROW(stack "blk.%u.attn_v", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, flags, qkv),                          \
    STACK_ROW(stack "blk.%u.attn_o", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, flags, attn_out),                     \
    STACK_ROW(stack "blk.%u.ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, flags, ffn_norm)

#define STACK_ROWS(stack, flags)                                                                              \
    STACK_ATTENTION_ROWS(stack, flags),                                                                       \
    STACK_ROW(stack "blk.%u.ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, flags, ffn_up),                          \
    STACK_ROW(stack "blk.%u.ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, flags, ffn_down)

#define GATED_STACK_ROWS(stack, flags)                                                                        \
    STACK_ATTENTION_ROWS(stack, flags),                                                                       \
    STACK_ROW(stack "blk.%u.ffn_gate", TENSOR_DENSE, DIM_FF, DIM_EMBD, (flags) | TENSOR_GATE, ffn_up),        \
    STACK_ROW(stack "blk.%u.ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, flags, ffn_up),                          \
    STACK_ROW(stack "blk.%u.ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, flags, ffn_down)

/* The decoder's attention over what the encoder made of its input. */
#define CROSS_ROWS(flags)                                                                                     \
    STACK_ROW("dec.blk.%u.cross_attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_DECODER | (flags), cross_norm), \
    STACK_ROW("dec.blk.%u.cross_attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_DECODER | (flags), cross_q),   \
    STACK_ROW("dec.blk.%u.cross_attn_k", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_DECODER | (flags), cross_kv),  \
    STACK_ROW("dec.blk.%u.cross_attn_v", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_DECODER | (flags), cross_kv),  \
    STACK_ROW("dec.blk.%u.cross_attn_o", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_DECODER | (flags), cross_out)

#define WRITING_PASS                                                                                          \
    .has_decoder = true,                                                                                      \
    .head_activation = ACT_TANH,                                                                              \
    .workspace = encoder_output_workspace,                                                                    \
    .scratch = reread_scratch,                                                                                \
    .forward = reread_forward

/* The head of classifiers, which sees what the decoder made of the text's last end token. */
#define REREAD_HEAD_ROWS                                                                                      \
    {"cls", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_HEAD, AT(cls)},                                          \
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD, AT(cls_out)}
#define REREAD_HEAD_NAMES                                                                                     \
    {"cls", "classification_head.dense", CUT_NONE},                                                           \
    {"cls.output", "classification_head.out_proj", CUT_NONE}

/* ---- BART and what followed it: fairseq's families, with layer norms and biases ---- */

#define FAIRSEQ_PARAMS                                                                                        \
    {"encoder_layers|num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                \
    {"decoder_layers", "decoder_block_count", PARAM_SIZE, PARAM(n_decoder_layers), 1024, -1},                 \
    {"d_model", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                                   \
    {"encoder_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 10, 0},              \
    {"decoder_attention_heads", "attention.decoder_head_count", PARAM_SIZE, PARAM(n_decoder_heads), 1 << 10, -1}, \
    {"encoder_ffn_dim", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                          \
    {"decoder_ffn_dim", "decoder_feed_forward_length", PARAM_SIZE, PARAM(n_decoder_ff), 1 << 18, -1},         \
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 16, 0},                 \
    {"", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},                              \
    {"", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1}

#define FAIRSEQ_ROWS                                                                                          \
    {"token_embd", TENSOR_TABLE, DIM_INPUT_VOCAB, DIM_EMBD, 0, AT(token_embd)},                               \
    STACK_ROWS("enc.", 0),                                                                                    \
    STACK_ROWS("dec.", TENSOR_DECODER),                                                                       \
    CROSS_ROWS(0),                                                                                            \
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_TIED | TENSOR_MAYBE_BIAS | TENSOR_LM, AT(output)}

/* Tables of positions, which those with sines may leave out. */
#define POSITION_ROWS(flags)                                                                                  \
    {"enc.position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, flags, AT(position_embd)},                  \
    {"dec.position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, flags, AT(decoder_position_embd)}
/* Norms of what the first layers read, and of what the last ones give. */
#define EMBEDDING_NORM_ROWS                                                                                   \
    {"enc.token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(embd_norm)},                               \
    {"dec.token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(decoder_embd_norm)}
#define OUTPUT_NORM_ROWS                                                                                      \
    {"enc.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(encoder_norm)},                                \
    {"dec.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(output_norm)}

#define FAIRSEQ_STACK_NAMES(gguf, hf)                                                                         \
    {gguf "blk.%u.attn_norm", hf "layers.%u.self_attn_layer_norm", CUT_NONE},                                 \
    {gguf "blk.%u.attn_q", hf "layers.%u.self_attn.q_proj", CUT_NONE},                                        \
    {gguf "blk.%u.attn_k", hf "layers.%u.self_attn.k_proj", CUT_NONE},                                        \
    {gguf "blk.%u.attn_v", hf "layers.%u.self_attn.v_proj", CUT_NONE},                                        \
    {gguf "blk.%u.attn_o", hf "layers.%u.self_attn.out_proj", CUT_NONE},                                      \
    {gguf "blk.%u.ffn_norm", hf "layers.%u.final_layer_norm", CUT_NONE},                                      \
    {gguf "blk.%u.ffn_up", hf "layers.%u.fc1", CUT_NONE},                                                     \
    {gguf "blk.%u.ffn_down", hf "layers.%u.fc2", CUT_NONE}

#define FAIRSEQ_NAMES                                                                                         \
    {"token_embd", "shared", CUT_NONE},                                                                       \
    {"token_embd", "encoder.embed_tokens", CUT_NONE},                                                         \
    FAIRSEQ_STACK_NAMES("enc.", "encoder."),                                                                  \
    FAIRSEQ_STACK_NAMES("dec.", "decoder."),                                                                  \
    {"dec.blk.%u.cross_attn_norm", "decoder.layers.%u.encoder_attn_layer_norm", CUT_NONE},                    \
    {"dec.blk.%u.cross_attn_q", "decoder.layers.%u.encoder_attn.q_proj", CUT_NONE},                           \
    {"dec.blk.%u.cross_attn_k", "decoder.layers.%u.encoder_attn.k_proj", CUT_NONE},                           \
    {"dec.blk.%u.cross_attn_v", "decoder.layers.%u.encoder_attn.v_proj", CUT_NONE},                           \
    {"dec.blk.%u.cross_attn_o", "decoder.layers.%u.encoder_attn.out_proj", CUT_NONE},                         \
    {"output", "lm_head", CUT_HEAD},                                                                          \
    {"output", "final_logits_bias", CUT_LOGITS_BIAS}

#define POSITION_NAMES(cut)                                                                                   \
    {"enc.position_embd", "encoder.embed_positions", cut},                                                    \
    {"dec.position_embd", "decoder.embed_positions", cut}
#define EMBEDDING_NORM_NAMES                                                                                  \
    {"enc.token_embd_norm", "encoder.layernorm_embedding", CUT_NONE},                                         \
    {"dec.token_embd_norm", "decoder.layernorm_embedding", CUT_NONE}
#define OUTPUT_NORM_NAMES                                                                                     \
    {"enc.output_norm", "encoder.layer_norm", CUT_NONE},                                                      \
    {"dec.output_norm", "decoder.layer_norm", CUT_NONE}

/* Of training, or what old configurations say of fairseq's own options: in one form alone where the class has but that. */
#define FAIRSEQ_KEYS(before, after, sines, norm)                                                              \
    {"encoder_layerdrop", NULL},                                                                              \
    {"decoder_layerdrop", NULL},                                                                              \
    {"activation_dropout", NULL},                                                                             \
    {"classif_dropout", NULL},                                                                                \
    {"init_std", NULL},                                                                                       \
    {"scale_embedding", "true|false"},                                                                        \
    {"num_hidden_layers", NULL},                                                                              \
    {"normalize_before", before},                                                                             \
    {"add_final_layer_norm", after},                                                                          \
    {"static_position_embeddings", sines},                                                                    \
    {"normalize_embedding", norm},                                                                            \
    {"extra_pos_embeddings", NULL},                                                                           \
    {"add_bias_logits", NULL},                                                                                \
    {"force_bos_token_to_be_generated", NULL}
/* clang-format on */

#endif
