/* ModernBERT (Warner et al., 2024, arXiv:2412.13663): norms before attention and before the feed-forward layer, rotary
 * positions, a gated feed-forward layer, and attention to near tokens alone in most layers. */
#include "runtime/load/families/modern_bert_rows.h"
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    MODERN_BERT_ROPE_PARAMS,
    {"local_attention", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 24, 128},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    MODERN_BERT_NORM_ROWS,
    LAYER_ROW("attn_qkv", TENSOR_DENSE, DIM_QKV, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),
    MODERN_BERT_FFN_ROWS,
    MODERN_BERT_HEAD_NORM_ROW,
    HEAD_ROWS(TENSOR_MAYBE_BIAS),
    MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    {"blk.%u.attn_qkv", "layers.%u.attn.Wqkv", CUT_NONE},
    MODERN_BERT_NAMES,
    {"mlm", "head.dense", CUT_NONE},
    {"mlm.norm", "head.norm", CUT_NONE},
    {"mlm.output", "decoder", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    MODERN_BERT_FIXED,
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
static const struct key_spec keys[] = {
    MODERN_BERT_KEYS, {"is_causal", "false"}, {"causal_mask", "false"}, {NULL, NULL}};

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
