/* GPT-Neo (Black et al., 2021): GPT-2's layers, scores of attention that are divided by nothing, and as a rule every second layer sees
 * near tokens alone. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"

#include <string.h>

static const struct param_spec params[] = {
    {"num_layers|num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), MAX_LAYERS, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_heads|num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"intermediate_size", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"window_size", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 28, 256},
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    POSITION_ROW(0),
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name names[] = {
    GPT_NAMES,
    {"blk.%u.attn_q", "h.%u.attn.attention.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "h.%u.attn.attention.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "h.%u.attn.attention.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "h.%u.attn.attention.out_proj", CUT_NONE},
    {"blk.%u.ffn_up", "h.%u.mlp.c_fc", CUT_NONE},
    {"blk.%u.ffn_down", "h.%u.mlp.c_proj", CUT_NONE},
    {0},
};

static enum hone_status refuse_types(const struct folder *f, struct hone_error *err)
{
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s/config.json: 'attention_types' should be a list of [[\"global\", \"local\", ...], how "
        "often] for 'num_layers' layers, at most %d",
        f->dir, MAX_LAYERS);
}

/* One of those lists, as often as it says, behind the *n layers that are told already. */
static bool add_types(const json_t *item, bool *local, size_t *n)
{
    const json_t *types = json_array_get(item, 0), *times = json_array_get(item, 1);
    const json_int_t most = json_integer_value(times);
    if (json_array_size(item) != 2 || json_array_size(types) == 0 || most < 0)
        return false;
    for (json_int_t i = 0; i < most; i++)
        for (size_t k = 0; k < json_array_size(types); k++) {
            const char *type = json_string_value(json_array_get(types, k));
            if (*n == MAX_LAYERS || !type || (strcmp(type, "local") != 0 && strcmp(type, "global") != 0))
                return false;
            local[(*n)++] = strcmp(type, "local") == 0;
        }
    return true;
}

static enum hone_status import(struct folder *f, struct hone_error *err)
{
    static const char key[] = "gpt_neo.attention.sliding_window_pattern";
    bool local[MAX_LAYERS];
    size_t n = 0;
    const json_t *types = json_at(f->config, "attention_types");
    const json_int_t n_layers = json_integer_value(json_at(f->config, "num_layers|num_hidden_layers"));
    for (size_t i = 0; i < json_array_size(types); i++)
        if (!add_types(json_array_get(types, i), local, &n))
            return refuse_types(f, err);
    for (; !types && n < MAX_LAYERS && (json_int_t)n < n_layers; n++) /* where nothing is said */
        local[n] = n % 2 != 0;
    if (n == 0 || (json_int_t)n != n_layers)
        return refuse_types(f, err);
    return folder_set(gguf_set_array(f->g, key, GGUF_BOOL, local, n), key, err);
}

/* The causal mask. */
static const char *const ignored[] = {"*.attn.attention.bias", "*.attn.attention.masked_bias", NULL};
static const struct key_spec keys[] = {{"attention_types", NULL},
                                       {"attention_layers", NULL}, /* which follows from those */
                                       {"resid_dropout", NULL},
                                       {"embed_dropout", NULL},
                                       {"gradient_checkpointing", NULL},
                                       {"layer_types", "null"},
                                       {"max_window_layers", "null"},
                                       {"sliding_window_pattern", "null"},
                                       {"_sliding_window_pattern", "null"},
                                       {"global_attn_every_n_layers", "null"},
                                       {NULL, NULL}};
static const char *const form_classes[] = {"GPTNeo", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "gpt_neo",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .import = import};

const struct arch arch_gpt_neo = {
    .name = "gpt_neo",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .unscaled = true,
    .global_every = 2,
    CAUSAL_PASS,
};
