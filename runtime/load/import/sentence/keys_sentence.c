/* The keys of what Sentence Transformers writes. Where only some values are known, they are behind the name. */
#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"

#include <stdio.h>
#include <string.h>

/* ---- config.json of modules ---- */

static const struct key_spec pooling_keys[] = {
    {"pooling_mode", NULL},
    {"pooling_mode_*", NULL},
    {"include_prompt", "true|false"},
    {"embedding_dimension", NULL}, /* the width of what is pooled, which the tensors say */
    {"word_embedding_dimension", NULL},
    {NULL, NULL},
};
static const struct key_spec dense_keys[] = {
    {"in_features", NULL}, /* the tensors' shapes say these */
    {"out_features", NULL},
    {"bias", NULL},
    {"activation_function", NULL},
    {"module_input_name", NULL},
    {"module_output_name", NULL},
    {"use_residual", "true|false"},
    {NULL, NULL},
};
static const struct key_spec norm_keys[] = {{"dimension", NULL}, {NULL, NULL}};
static const struct key_spec normalize_keys[] = {
    {"module_input_name", NULL}, {"module_output_name", NULL}, {NULL, NULL}};
static const struct key_spec splade_keys[] = {
    {"pooling_strategy", NULL},
    {"activation_function", NULL},
    {"embedding_dimension", NULL},
    {"word_embedding_dimension", NULL},
    {"chunk_size", NULL}, /* how much is computed at once */
    {NULL, NULL},
};
static const struct key_spec logit_score_keys[] = {{"true_token_id", NULL},
                                                   {"false_token_id", NULL},
                                                   {"module_input_name", "\"causal_logits\""},
                                                   {NULL, NULL}};
static const struct key_spec mask_keys[] = {
    {"skiplist_words", NULL}, {"skiplist_tasks", NULL}, {"keep_only_token_ids", "[]"}, {NULL, NULL}};
static const struct key_spec weights_keys[] = {{"frozen", NULL}, {"path", NULL}, {NULL, NULL}};
static const struct key_spec dropout_keys[] = {{"dropout", NULL}, {NULL, NULL}};
static const struct key_spec no_keys[] = {{NULL, NULL}};

enum hone_status keys_check_module(struct keys *k, const struct module *m, struct hone_error *err)
{
    static const struct key_spec *const tables[N_MODULE_KINDS] = {
        [MODULE_POOLING] = pooling_keys, [MODULE_DENSE] = dense_keys,
        [MODULE_NORM] = norm_keys,       [MODULE_NORMALIZE] = normalize_keys,
        [MODULE_SPLADE] = splade_keys,   [MODULE_LOGIT_SCORE] = logit_score_keys,
        [MODULE_MASK] = mask_keys,       [MODULE_WEIGHTS] = weights_keys,
        [MODULE_DROPOUT] = dropout_keys, [MODULE_STATIC] = no_keys};
    char path[512];
    snprintf(path, sizeof path, "%.480s/config.json", m->dir);
    if (!m->config || !tables[m->kind])
        return HONE_OK;
    return keys_check(k, path, m->config, (const struct key_spec *const[]){tables[m->kind], NULL}, err);
}

/* ---- config_sentence_transformers.json ---- */

static const struct key_spec settings_keys[] = {
    {"__version__", NULL},
    {"requirements", NULL},
    {"model_type",
     "\"SentenceTransformer\"|\"SparseEncoder\"|\"CrossEncoder\"|\"MultiVectorEncoder\"|\"ColBERT\""},
    {"prompts", NULL},
    {"default_prompt_name", NULL},
    {"similarity_fn_name", NULL},
    {"truncate_dim", NULL},
    {"max_active_dims", NULL},
    {"activation_fn", NULL},
    {"keep_in_fp32_modules", NULL}, /* hone computes them no less exactly */
    /* PyLate's */
    {"query_prefix", NULL},
    {"document_prefix", NULL},
    {"query_length", NULL},
    {"document_length", NULL},
    {"query_expansion", NULL},
    {"do_query_expansion", NULL},
    {"attend_to_expansion_tokens", NULL},
    {"attend_to_mask_tokens", NULL},
    {"skiplist_words", NULL},
    {NULL, NULL},
};

enum hone_status keys_check_settings(struct keys *k, const char *path, const json_t *settings,
                                     struct hone_error *err)
{
    return keys_check(k, path, settings, (const struct key_spec *const[]){settings_keys, NULL}, err);
}

/* ---- sentence_bert_config.json ---- */

static const struct key_spec transformer_keys[] = {
    {"max_seq_length", NULL},
    {"do_lower_case", "true|false"},
    {"transformer_task",
     "\"feature-extraction\"|\"sequence-classification\"|\"fill-mask\"|\"text-generation\""},
    {"modality_config", NULL},
    {"module_output_name", "\"token_embeddings\"|\"scores\"|\"causal_logits\""},
    {"processing_kwargs", NULL},
    {"unpad_inputs", NULL}, /* how much is computed for nothing */
    {"query_length", NULL},
    {"document_length", NULL},
    {"query_expansion", NULL},
    {"model_args", NULL},
    {"model_kwargs", NULL},
    {"tokenizer_args", NULL},
    {"processor_kwargs", NULL},
    {"config_args", NULL},
    {"config_kwargs", NULL},
    {NULL, NULL},
};

/* Where and how exactly weights are held. */
static const struct key_spec model_args_keys[] = {{"torch_dtype", NULL},
                                                  {"dtype", NULL},
                                                  {"attn_implementation", NULL},
                                                  {"low_cpu_mem_usage", NULL},
                                                  {"device_map", NULL},
                                                  {"use_safetensors", NULL},
                                                  {"trust_remote_code", NULL},
                                                  {"add_pooling_layer", NULL},
                                                  {"default_task", NULL}, /* import/layers/adaptations.c */
                                                  {NULL, NULL}};
static const struct key_spec tokenizer_args_keys[] = {{"model_max_length", NULL},
                                                      {"padding_side", NULL},
                                                      {"trust_remote_code", NULL},
                                                      {"use_fast", NULL},
                                                      {"padding", NULL},
                                                      {"truncation", "true"},
                                                      {NULL, NULL}};
static const struct key_spec processing_keys[] = {{"text", NULL},  {"common", NULL}, {"chat_template", NULL},
                                                  {"image", NULL}, {"audio", NULL},  {"video", NULL},
                                                  {NULL, NULL}};
static const struct key_spec text_keys[] = {{"max_length", NULL},
                                            {"padding", NULL},
                                            {"truncation", "true|\"longest_first\""},
                                            {"pad_to_multiple_of", NULL},
                                            {"return_tensors", NULL},
                                            {"padding_side", NULL},
                                            {"return_attention_mask", NULL},
                                            {"return_token_type_ids", "true"},
                                            {"logits_to_keep", NULL},
                                            {NULL, NULL}};
static const struct key_spec template_keys[] = {
    {"restore_suffix", "true"}, {"add_generation_prompt", "true|false"}, {NULL, NULL}};
static const struct key_spec expansion_keys[] = {{"strategy", "\"fixed\"|\"min\""},
                                                 {"length", NULL},
                                                 {"attend", "true|false"},
                                                 {"token", NULL},
                                                 {NULL, NULL}};
static const struct key_spec modality_keys[] = {{"text", NULL}, {"message", NULL}, {NULL, NULL}};
static const struct key_spec method_keys[] = {{"method", "\"forward\""},
                                              {"method_output_name", "\"last_hidden_state\"|\"logits\""},
                                              {"format", "\"flat\"|\"structured\"|\"auto\""},
                                              {NULL, NULL}};

enum hone_status keys_check_transformer(struct keys *k, const char *path, const json_t *config,
                                        struct hone_error *err)
{
    const struct {
        const char *object, *inner;
        const struct key_spec *keys;
    } parts[] = {
        {"model_args", NULL, model_args_keys},         {"model_kwargs", NULL, model_args_keys},
        {"tokenizer_args", NULL, tokenizer_args_keys}, {"processor_kwargs", NULL, tokenizer_args_keys},
        {"processing_kwargs", NULL, processing_keys},  {"processing_kwargs", "text", text_keys},
        {"processing_kwargs", "common", text_keys},    {"processing_kwargs", "chat_template", template_keys},
        {"query_expansion", NULL, expansion_keys},     {"modality_config", NULL, modality_keys},
        {"modality_config", "text", method_keys},      {"modality_config", "message", method_keys},
    };
    char inside[640];
    enum hone_status status =
        keys_check(k, path, config, (const struct key_spec *const[]){transformer_keys, NULL}, err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == HONE_OK; i++) {
        const json_t *object = json_object_get(config, parts[i].object);
        if (parts[i].inner)
            object = json_object_get(object, parts[i].inner);
        snprintf(inside, sizeof inside, "%.512s: %s%s%s", path, parts[i].object, parts[i].inner ? "." : "",
                 parts[i].inner ? parts[i].inner : "");
        if (json_is_object(object))
            status =
                keys_check(k, inside, object, (const struct key_spec *const[]){parts[i].keys, NULL}, err);
    }
    return status;
}
