/* BERT (Devlin et al., 2018, arXiv:1810.04805): embeddings of token, position and segment, then layers of attention
 * and feed-forward, each followed by residual and layer norm. */
#include "runtime/encoder.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12},
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20},
    {"layer_norm_eps", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0},
    {0},
};

#define LAYER_ROWS(gguf_name, hf_name, kind, rows, cols, member)                                             \
    {                                                                                                        \
        "blk.%u." gguf_name, "encoder.layer.%u." hf_name, kind, rows, cols, TENSOR_LAYER, LAYER_AT(member)   \
    }
#define DENSE(gguf_name, hf_name, rows, cols, member)                                                        \
    LAYER_ROWS(gguf_name ".weight", hf_name ".weight", TENSOR_WEIGHT, rows, cols, member),                   \
        LAYER_ROWS(gguf_name ".bias", hf_name ".bias", TENSOR_BIAS, rows, DIM_NONE, member)
#define NORM(gguf_name, hf_name, member)                                                                     \
    LAYER_ROWS(gguf_name ".weight", hf_name ".weight", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, member.gamma),     \
        LAYER_ROWS(gguf_name ".bias", hf_name ".bias", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, member.beta)

static const struct tensor_spec tensors[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight", TENSOR_TABLE, DIM_VOCAB, DIM_EMBD, 0,
     AT(token_embd)},
    {"position_embd.weight", "embeddings.position_embeddings.weight", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD,
     0, AT(position_embd)},
    {"token_types.weight", "embeddings.token_type_embeddings.weight", TENSOR_FLOATS, DIM_TYPES, DIM_EMBD, 0,
     AT(type_embd)},
    {"token_embd_norm.weight", "embeddings.LayerNorm.weight", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, 0,
     AT(embd_norm.gamma)},
    {"token_embd_norm.bias", "embeddings.LayerNorm.bias", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, 0,
     AT(embd_norm.beta)},
    DENSE("attn_q", "attention.self.query", DIM_HEADS, DIM_EMBD, qkv),
    DENSE("attn_k", "attention.self.key", DIM_HEADS, DIM_EMBD, qkv),
    DENSE("attn_v", "attention.self.value", DIM_HEADS, DIM_EMBD, qkv),
    DENSE("attn_output", "attention.output.dense", DIM_EMBD, DIM_HEADS, attn_out),
    NORM("attn_output_norm", "attention.output.LayerNorm", attn_norm),
    DENSE("ffn_up", "intermediate.dense", DIM_FF, DIM_EMBD, ffn_up),
    DENSE("ffn_down", "output.dense", DIM_EMBD, DIM_FF, ffn_down),
    NORM("layer_output_norm", "output.LayerNorm", ffn_norm),
    /* The head as llama.cpp computes it: cls.output(tanh(cls(x))). */
    {"cls.weight", "pooler.dense.weight", TENSOR_WEIGHT, DIM_EMBD, DIM_EMBD, TENSOR_HEAD, AT(cls)},
    {"cls.bias", "pooler.dense.bias", TENSOR_BIAS, DIM_EMBD, DIM_NONE, TENSOR_HEAD, AT(cls)},
    {"cls.output.weight", "classifier.weight", TENSOR_WEIGHT, DIM_LABELS, DIM_EMBD, TENSOR_HEAD, AT(cls_out)},
    {"cls.output.bias", "classifier.bias", TENSOR_BIAS, DIM_LABELS, DIM_NONE, TENSOR_HEAD, AT(cls_out)},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"position_embedding_type", "\"absolute\""},
    {"is_decoder", "false"},
    {"add_cross_attention", "false"},
    {0},
};

/* Heads of pre-training, counters, and the pooler where nothing classifies. */
static const char *const ignored[] = {"embeddings.position_ids", "cls.", "pooler.", "classifier.", NULL};

/* x, its residual partner, and either query, key, value and attention output, or the feed-forward rows */
static size_t floats_a_token(const struct hparams *hp)
{
    size_t width = hp->n_heads * hp->head_dim;
    return 2 * hp->n_embd + 4 * width + hp->n_ff;
}

static float *forward(const struct model *m, const struct batch *b, struct workspace *ws)
{
    const struct hparams *hp = &m->hp;
    size_t n = b->n_tokens, n_embd = hp->n_embd, width = hp->n_heads * hp->head_dim, n_ff = hp->n_ff;
    float *x = workspace_take(ws, n, n_embd), *y = workspace_take(ws, n, n_embd);
    float *qkv = workspace_take(ws, n, 3 * width), *attended = workspace_take(ws, n, width);
    float *inner = workspace_take(ws, n, n_ff);

    embed_tokens(m, b, 0, x, ws->n_threads);
    norm_rows(m, &m->weights.embd_norm, x, n, ws->n_threads);
    for (size_t i = 0; i < hp->n_layers; i++) {
        const struct layer *l = &m->weights.layers[i];
        dense_forward(
            &l->qkv,
            &(struct dense_call){.in = x, .ld_in = n_embd, .out = qkv, .ld_out = 3 * width, .n_rows = n}, ws);
        attend(m, b, qkv, attended, ws);
        dense_forward(&l->attn_out,
                      &(struct dense_call){.in = attended,
                                           .ld_in = width,
                                           .out = y,
                                           .ld_out = n_embd,
                                           .n_rows = n,
                                           .residual = x,
                                           .gamma = l->attn_norm.gamma,
                                           .beta = l->attn_norm.beta,
                                           .eps = hp->norm_eps},
                      ws);
        dense_forward(
            &l->ffn_up,
            &(struct dense_call){
                .in = y, .ld_in = n_embd, .out = inner, .ld_out = n_ff, .n_rows = n, .act = hp->activation},
            ws);
        dense_forward(&l->ffn_down,
                      &(struct dense_call){.in = inner,
                                           .ld_in = n_ff,
                                           .out = x,
                                           .ld_out = n_embd,
                                           .n_rows = n,
                                           .residual = y,
                                           .gamma = l->ffn_norm.gamma,
                                           .beta = l->ffn_norm.beta,
                                           .eps = hp->norm_eps},
                      ws);
    }
    return x;
}

const struct arch arch_bert = {
    .name = "bert",
    .hf_type = "bert",
    .hf_prefix = "bert.",
    .tokenizer_model = "bert",
    .pooling = POOL_MEAN,
    .params = params,
    .tensors = tensors,
    .fixed = fixed,
    .ignored = ignored,
    .workspace = floats_a_token,
    .forward = forward,
};
