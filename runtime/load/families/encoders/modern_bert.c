/* ModernBERT (Warner et al., 2024, arXiv:2412.13663): norms before attention and before the feed-forward layer, rotary
 * positions, a gated feed-forward layer, and attention to near tokens alone in most layers. */
#include "runtime/load/families/modern_bert_rows.h"
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    {"rope_parameters.full_attention.rope_theta|global_rope_theta", "rope.freq_base", PARAM_FLOAT,
     PARAM(rope_base), 0, 160000},
    {"rope_parameters.sliding_attention.rope_theta|local_rope_theta", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    {"local_attention", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 24, 128},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(embd_norm)},
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(output_norm)},
    LAYER_ROW("attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, attn_norm),
    LAYER_ROW("attn_qkv", TENSOR_DENSE, DIM_QKV, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, ffn_norm),
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF2, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down),
    {"cls.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_norm)},
    HEAD_ROWS(TENSOR_MAYBE_BIAS),
    MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.tok_embeddings", CUT_NONE},
    {"token_embd_norm", "embeddings.norm", CUT_NONE},
    {"output_norm", "final_norm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.attn_norm", CUT_NONE},
    {"blk.%u.attn_qkv", "layers.%u.attn.Wqkv", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.attn.Wo", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.mlp_norm", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.Wi", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.Wo", CUT_NONE},
    {"cls", "head.dense", CUT_NONE},
    {"cls.norm", "head.norm", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {"mlm", "head.dense", CUT_NONE},
    {"mlm.norm", "head.norm", CUT_NONE},
    {"mlm.output", "decoder", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"rope_parameters.full_attention.rope_type", "\"default\""},
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"position_embedding_type", "\"absolute\""}, /* what old files say, for no reason */
    {0},
};
static const char *const ignored[] = {"head.", "decoder.", "classifier.", NULL};

static float *forward(const struct net *m, const struct batch *b, struct workspace *ws)
{
    const struct hparams *hp = &m->hp;
    size_t n = b->n_tokens;
    struct encoder e = encoder_start(m, b, ws);
    float *x = e.x, *y = e.y;

    encoder_embed(m, b, x, ws->n_threads);
    encoder_norm(m, &m->weights.embd_norm, x, x, n, ws->n_threads);
    for (size_t i = 0; i < hp->n_layers; i++) {
        const struct layer *l = &m->weights.layers[i];
        encoder_norm(m, &l->attn_norm, x, y, n, ws->n_threads);
        encoder_attention(&e, l, l->attn_norm.gamma ? y : x, x, NULL, y);
        encoder_norm(m, &l->ffn_norm, y, x, n, ws->n_threads);
        encoder_feed_forward(&e, l, x, y, NULL, x);
    }
    encoder_norm(m, &m->weights.output_norm, x, x, n, ws->n_threads);
    return x;
}

static const char *const classes[] = {"ModernBert", NULL};
static const struct key_spec keys[] = {MODERN_BERT_KEYS, {NULL, NULL}};

static const struct hf_form form = {.type = "modernbert",
                                    .prefix = "model.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .head_pooling = "cls",
                                    .head_pooling_key = "classifier_pooling",
                                    .head_activation_key = "classifier_activation",
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_modern_bert = {
    .name = "modern-bert",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_CLS,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    .head_activation = ACT_GELU,
    .tokens_through_head = true,
    .mlm_as_head = true,
    .global_every = 3,
    .gated = true,
    .workspace = encoder_workspace,
    .forward = forward,
};
