/* jina-embeddings-v3 (Sturua et al., 2024, arXiv:2409.10173): XLM-RoBERTa with rotary positions. The form of the hub, which has
 * code of its own, has adapters for tasks, too; that of transformers has none, but PEFT's folders
 * beside it, which name its queries, keys and values apart and are refused by these names. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    {"rope_parameters.rope_theta|rope_theta|rotary_emb_base", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base),
     0, 20000},
    {"", "adaptation.rank", PARAM_SIZE, PARAM(adaptation_rank), 1 << 12, -1},
    {"", "adaptation.scale", PARAM_FLOAT, PARAM(adaptation_scale), 0, -1},
    {0},
};

#define ADAPTED TENSOR_ADAPTED | TENSOR_BARE
#define ADAPTED_TABLE(name, rows, member)                                                                    \
    {name ".task_a", TENSOR_FLOATS, rows, DIM_RANK, ADAPTED, AT(member.down)},                               \
    {                                                                                                        \
        name ".task_b", TENSOR_FLOATS, DIM_RANKS, DIM_EMBD, ADAPTED, AT(member.up)                           \
    }
#define ADAPTED_ROWS(name, n_out, n_in, member)                                                              \
    LAYER_ROW(name ".task_a", TENSOR_FLOATS, DIM_RANKS, n_in, ADAPTED, member.down),                         \
        LAYER_ROW(name ".task_b", TENSOR_FLOATS, DIM_RANKS, n_out, ADAPTED, member.up)

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    TYPE_ROW,
    EMBD_NORM_ROW,
    QKV_ROWS(0),
    BERT_LAYER_ROWS,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    ADAPTED_TABLE("token_embd", DIM_ADAPTED_VOCAB, token_adapted),
    ADAPTED_TABLE("token_types", DIM_ADAPTED_TYPES, type_adapted),
    ADAPTED_ROWS("attn_qkv", DIM_QKV, DIM_EMBD, qkv_adapted),
    ADAPTED_ROWS("attn_output", DIM_EMBD, DIM_HEADS, out_adapted),
    ADAPTED_ROWS("ffn_up", DIM_FF, DIM_EMBD, up_adapted),
    ADAPTED_ROWS("ffn_down", DIM_EMBD, DIM_FF, down_adapted),
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "emb_ln", CUT_NONE},
    FLASH_LAYER_NAMES("mixer"),
    DENSE_HEAD_NAMES,
    ROBERTA_LM_NAMES,
    {0},
};

#define LORA ".parametrizations.weight.0.lora_"
#define ADAPTED_TABLE_NAMES(gguf, hf)                                                                        \
    {gguf ".task_a", hf LORA "A", CUT_ADAPTED},                                                              \
    {                                                                                                        \
        gguf ".task_b", hf LORA "B", CUT_ADAPTED                                                             \
    }
#define ADAPTED_NAMES(gguf, hf)                                                                              \
    {gguf ".task_a", hf LORA "A", CUT_ADAPTED},                                                              \
    {                                                                                                        \
        gguf ".task_b", hf LORA "B", CUT_ADAPTED_TURNED                                                      \
    }

static const struct hf_name hub_names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "emb_ln", CUT_NONE},
    FLASH_LAYER_NAMES("mixer"),
    DENSE_HEAD_NAMES,
    {"mlm", "lm_head.dense", CUT_NONE},
    {"mlm.norm", "lm_head.layer_norm", CUT_NONE},
    {"mlm.output", "lm_head.decoder", CUT_NONE},
    {"mlm.output", "lm_head", CUT_NONE},
    ADAPTED_TABLE_NAMES("token_embd", "embeddings.word_embeddings"),
    ADAPTED_TABLE_NAMES("token_types", "embeddings.token_type_embeddings"),
    ADAPTED_NAMES("blk.%u.attn_qkv", "encoder.layers.%u.mixer.Wqkv"),
    ADAPTED_NAMES("blk.%u.attn_output", "encoder.layers.%u.mixer.out_proj"),
    ADAPTED_NAMES("blk.%u.ffn_up", "encoder.layers.%u.mlp.fc1"),
    ADAPTED_NAMES("blk.%u.ffn_down", "encoder.layers.%u.mlp.fc2"),
    {0},
};

static const struct fixed_spec fixed[] = {{"rope_parameters.rope_type", "\"default\""}, {0}};
static const char *const ignored[] = {"embeddings.position_ids", "pooler.", "classifier.", "lm_head.", NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {PARAM(max_length), 8194}, {0}};

static const char *const classes[] = {"JinaEmbeddingsV3", NULL};

static const struct hf_form form = {.type = "jina_embeddings_v3",
                                    .classes = classes,
                                    .prefix = "roberta.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .defaults = defaults};

static const char *const hub_classes[] = {"XLMRoberta", "=XLMRobertaLoRA", "=XLMRobertaFlashConfig", NULL};
static const struct fixed_spec hub_fixed[] = {
    {"rotary_emb_scale_base", "null"}, {"rotary_emb_interleaved", "false"}, {"rotary_emb_dim", "null"}, {0}};
static const struct key_spec hub_keys[] = {
    {"position_embedding_type", "\"rotary\""},
    {"use_flash_attn", NULL}, /* how it is computed */
    {"lora_*", NULL},
    {"task_instructions", NULL},
    {"load_trained_adapters", "true"},
    {"emb_pooler", NULL},    /* of a function of its code that Sentence Transformers does not call */
    {"use_reentrant", NULL}, /* of training */
    {"truncate_dim", "null"},
    {NULL, NULL}};
static const struct hf_form hub_form = {.type = "xlm-roberta",
                                        .option = "position_embedding_type=rotary",
                                        .classes = hub_classes,
                                        .prefix = "roberta.",
                                        .names = hub_names,
                                        .fixed = hub_fixed,
                                        .ignored = ignored,
                                        .keys = hub_keys,
                                        .adapted = true};

const struct arch arch_jina_bert_v3 = {
    .name = "jina-bert-v3",
    .forms = (const struct hf_form *const[]){&form, &hub_form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    ENCODER_PASS,
};
