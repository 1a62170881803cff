/* The keys that every config.json may have, and those beside it. What a family's own tables read is known by them. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read by the import, or told by the tensors' shapes. */
static const struct key_spec read_keys[] = {
    {"model_type", NULL},
    {"architectures", NULL},
    {"auto_map", NULL},
    {"vocab_size", NULL},
    {"type_vocab_size", NULL},
    {"id2label", NULL},
    {"label2id", NULL},
    {"num_labels", NULL},
    {"_num_labels", NULL},
    {"problem_type", NULL},
    {"tokenizer_class", NULL},
    {"bos_token_id", NULL},
    {"eos_token_id", NULL},
    {"pad_token_id", NULL},
    {"sep_token_id", NULL},
    {"cls_token_id", NULL},
    {"mask_token_id", NULL},
    {"unk_token_id", NULL},
    {"decoder_start_token_id", NULL},
    {"feed_forward_proj", NULL},
    {"feed_forward_type", NULL},
    {"hidden_activation", NULL},
    {"hidden_act", NULL},
    {"activation_function", NULL},
    {"activation", NULL},
    {"tie_word_embeddings", "true|false"},
    {"quantization_config", NULL},
    {"sentence_transformers", NULL},
    {"sbert_ce_default_activation_function", NULL},
    {NULL, NULL},
};

/* Of training, of how much is told, of other programs, and of generating in general. */
static const struct key_spec other_keys[] = {
    {"_name_or_path", NULL},
    {"name_or_path", NULL},
    {"transformers_version", NULL},
    {"torch_dtype", NULL},
    {"dtype", NULL},
    {"return_dict", NULL},
    {"return_dict_in_generate", NULL},
    {"output_*", NULL},
    {"use_cache", NULL},
    {"torchscript", NULL},
    {"use_bfloat16", NULL},
    {"tf_legacy_loss", NULL},
    {"pruned_heads", "{}"},
    {"chunk_size_feed_forward", NULL},
    {"is_encoder_decoder", NULL},
    {"is_decoder", "false"},
    {"add_cross_attention", "false"},
    {"tie_encoder_decoder", "false"},
    {"finetuning_task", NULL},
    {"task_specific_params", NULL},
    {"attn_implementation", NULL},
    {"_attn_implementation*", NULL},
    {"_experts_implementation*", NULL},
    {"attention_implementation", NULL},
    {"_flash_attn_2_enabled", NULL},
    {"use_flash_attn", NULL},
    {"gradient_checkpointing", NULL},
    {"initializer_*", NULL},
    {"embedding_initializer_range", NULL},
    {"hidden_dropout_prob", NULL},
    {"attention_probs_dropout_prob", NULL},
    {"attention_dropout", NULL},
    {"attention_dropout_prob", NULL},
    {"dropout", NULL},
    {"dropout_rate", NULL},
    {"classifier_dropout", NULL},
    {"classifier_dropout_prob", NULL},
    {"embedding_dropout", NULL},
    {"mlp_dropout", NULL},
    {"qa_dropout", NULL},
    {"seq_classif_dropout", NULL},
    {"cls_dropout", NULL},
    {"pooler_dropout", NULL},
    {"hidden_dropout", NULL},
    {"residual_dropout", NULL},
    {"attn_pdrop", NULL},
    {"embd_pdrop", NULL},
    {"resid_pdrop", NULL},
    {"summary_*", NULL}, /* of a head that transformers has for multiple choice alone */
    {"prefix", "\"\""},
    {"unsloth_*", NULL},
    {"transformers.js_config", NULL},
    {"custom_pipelines", NULL},
    {"tokenizer_name", NULL},
    {"name", NULL},
    {"model_max_length", NULL}, /* the tokenizer's file says how long texts are */
    {"max_sequence_length", NULL},
    {"matryoshka_dimensions", NULL}, /* which one is asked for is the caller's to say */
    {"_commit_hash", NULL},
    {"_from_model_config", NULL},
    {"base_model", NULL},
    {"language", NULL},
    {"output_past", NULL},
    {"directionality", NULL}, /* what is left of Google's own configuration of BERT */
    {"pooler_fc_size", NULL},
    {"pooler_num_attention_heads", NULL},
    {"pooler_num_fc_layers", NULL},
    {"pooler_size_per_head", NULL},
    {"pooler_type", NULL},
    {"max_length", NULL}, /* of texts that are generated */
    {"min_length", NULL},
    {"do_sample", NULL},
    {"early_stopping", NULL},
    {"num_beams", NULL},
    {"num_beam_groups", NULL},
    {"diversity_penalty", NULL},
    {"temperature", NULL},
    {"top_k", NULL},
    {"top_p", NULL},
    {"typical_p", NULL},
    {"repetition_penalty", NULL},
    {"length_penalty", NULL},
    {"no_repeat_ngram_size", NULL},
    {"encoder_no_repeat_ngram_size", NULL},
    {"bad_words_ids", NULL},
    {"num_return_sequences", NULL},
    {"forced_bos_token_id", NULL},
    {"forced_eos_token_id", NULL},
    {"remove_invalid_values", NULL},
    {"exponential_decay_length_penalty", NULL},
    {"suppress_tokens", NULL},
    {"begin_suppress_tokens", NULL},
    {NULL, NULL},
};

/* ---- a family's own ---- */

/* Names of a family's tables, the longest of which has some 80. A key without room would be refused as unknown. */
#define MAX_OWN 128

/* The names of objects and keys in a path "a|b.c": a, b. */
static size_t add_path(struct key_spec *own, size_t n, char (*names)[64], const char *path)
{
    while (path && n < MAX_OWN) {
        snprintf(names[n], sizeof *names, "%.*s", (int)strcspn(path, ".|"), path);
        own[n] = (struct key_spec){names[n], NULL};
        n++;
        path = strchr(path, '|');
        path = path ? path + 1 : NULL;
    }
    return n;
}

/* What the tables of family and form name. */
static size_t add_tables(struct key_spec *own, char (*names)[64], const struct arch *arch,
                         const struct hf_form *form)
{
    size_t n = 0;
    for (const struct param_spec *p = arch->params; p->hf; p++)
        n = add_path(own, n, names, p->hf);
    for (const struct fixed_spec *s = form->fixed; s && s->hf; s++)
        n = add_path(own, n, names, s->hf);
    const char *const others[] = {
        form->part,       form->window_if, form->option, form->head_activation_key, form->head_pooling_key,
        form->experts_sum};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        n = others[i] ? add_path(own, n, names, others[i]) : n;
    return n;
}

/* Layers with rotary positions or a window, and causal ones. */
static const struct key_spec rope_keys[] = {{"rope_parameters", NULL},
                                            {"rope_scaling", NULL},
                                            {"rope_theta", NULL},
                                            {"original_max_position_embeddings", NULL},
                                            {"partial_rotary_factor", NULL},
                                            {NULL, NULL}};
static const struct key_spec window_keys[] = {
    {"layer_types", NULL}, {"max_window_layers", NULL}, {NULL, NULL}};
/* Of families some of whose layers see all tokens, as a rule: not those all of whose layers are local. */
#define ALL_LOCAL (1 << 30)
static const struct key_spec period_keys[] = {{"sliding_window_pattern", NULL},
                                              {"_sliding_window_pattern", NULL},
                                              {"global_attn_every_n_layers", NULL},
                                              {NULL, NULL}};
static const struct key_spec causal_keys[] = {
    {"is_causal", "true|false"},
    {"use_bidirectional_attention", "true|false"},
    {"attention_bias", NULL},
    {"mlp_bias", NULL},
    {"qkv_bias", NULL},
    {"use_bias", NULL},             /* the tensors tell */
    {"pretraining_tp", NULL},       /* how products were cut up in training, */
    {"cache_implementation", NULL}, /* and where keys and values are kept */
    {NULL, NULL}};

/* Of training, and what is told beside the result. */
static const struct key_spec expert_keys[] = {{"router_aux_loss_coef", NULL},
                                              {"output_router_logits", NULL},
                                              {"router_jitter_noise", NULL},
                                              {NULL, NULL}};

static bool has_param(const struct arch *arch, size_t offset)
{
    for (const struct param_spec *p = arch->params; p->hf; p++)
        if (p->offset == offset)
            return true;
    return false;
}

/* Of the objects that describe rotary positions. */
static const struct key_spec rotary_keys[] = {
    {"rope_type", NULL},
    {"type", NULL},
    {"rope_theta", NULL},
    {"factor", NULL},
    {"low_freq_factor", NULL},
    {"high_freq_factor", NULL},
    {"original_max_position_embeddings", NULL},
    {"max_position_embeddings", NULL},
    {"beta_fast", NULL},
    {"beta_slow", NULL},
    {"attention_factor", NULL},
    {"mscale", NULL},
    {"mscale_all_dim", NULL},
    {"mixed_b", NULL},
    {"llama_4_scaling_beta", NULL},
    {"finetuned", NULL},
    {"mrope_section", NULL}, /* positions of images, which a text has none of */
    {"mrope_interleaved", NULL},
    {"truncate", "true|false"},
    {"partial_rotary_factor", NULL},
    {"long_factor", NULL},
    {"short_factor", NULL},
    {NULL, NULL},
};

/* Of families whose layers that see all tokens rotate otherwise than those that do not; others pass over such objects. */
static const struct key_spec layer_keys[] = {
    {"full_attention", NULL}, {"sliding_attention", NULL}, {NULL, NULL}};

static bool rotates_by_layer(const struct arch *arch)
{
    for (const struct param_spec *p = arch->params; p->hf; p++)
        if (strstr(p->hf, "rope_parameters.full_attention"))
            return true;
    return false;
}

static const struct key_spec alpha_keys[] = {{"alpha", NULL}, {NULL, NULL}};
static const struct key_spec mscale_keys[] = {{"short_mscale", NULL}, {"long_mscale", NULL}, {NULL, NULL}};

static enum hone_status check_rotary(struct keys *k, const char *path, const json_t *config,
                                     const struct arch *arch, struct hone_error *err)
{
    static const struct key_spec none[] = {{NULL, NULL}};
    const struct key_spec *const tables[] = {rotary_keys, rotates_by_layer(arch) ? layer_keys : none,
                                             arch->rope_alpha ? alpha_keys : none,
                                             arch->rope_mscale ? mscale_keys : none, NULL};
    static const char *const places[][2] = {{"rope_parameters", NULL},
                                            {"rope_scaling", NULL},
                                            {"rope_parameters", "full_attention"},
                                            {"rope_parameters", "sliding_attention"}};
    char inside[600];
    enum hone_status status = HONE_OK;
    const json_t *now = json_object_get(config, "rope_parameters"),
                 *then = json_object_get(config, "rope_scaling");
    if (json_is_object(now) && json_is_object(then) && !json_equal(now, then))
        status = keys_refuse(k, err, "%s: 'rope_scaling' says something else than 'rope_parameters'", path);
    for (size_t i = 0; i < sizeof places / sizeof *places && status == HONE_OK; i++) {
        const json_t *object = json_object_get(config, places[i][0]);
        if (places[i][1])
            object = json_object_get(object, places[i][1]);
        snprintf(inside, sizeof inside, "%.500s: %s%s%s", path, places[i][0], places[i][1] ? "." : "",
                 places[i][1] ? places[i][1] : "");
        status = keys_check(k, inside, object, tables, err);
    }
    return status;
}

/* Of such a name the family's class reads nothing, and its values are known one by one. */
static bool passes_over(const struct hf_form *form, const char *name)
{
    for (const struct key_spec *s = form->keys; s && s->name; s++)
        if (s->only && strcmp(s->name, name) == 0)
            return true;
    return false;
}

/* Other names of one number are other families', which transformers does not read in this one: where they say something
 * else, nobody can tell what is meant. (The positions of a training are not those of the model.) */
static enum hone_status check_names(struct keys *k, const char *path, json_t *config, const char *names,
                                    const struct hf_form *form, struct hone_error *err)
{
    char name[64], first_name[64];
    const json_t *first = NULL;
    enum hone_status status = HONE_OK;
    for (const char *at = names; *at && status == HONE_OK; at += *at == '|') {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "|"), at);
        at += strcspn(at, "|");
        const json_t *value = passes_over(form, name) ? NULL : json_at(config, name);
        if (value && first && !keys_are_same(value, first))
            status = keys_refuse(k, err, "%s: '%s' says something else than '%s', which is the same thing",
                                 path, name, first_name);
        if (value && !first)
            snprintf(first_name, sizeof first_name, "%s", name);
        first = first ? first : value;
    }
    return status;
}

static enum hone_status check_aliases(struct keys *k, const char *path, json_t *config,
                                      const struct arch *arch, const struct hf_form *form,
                                      struct hone_error *err)
{
    enum hone_status status = check_names(k, path, config, KEYS_OF_PLAIN_ACTIVATION, form, err);
    for (const struct param_spec *p = arch->params; p->hf && status == HONE_OK; p++)
        if (p->kind != PARAM_POSITIONS && p->kind != PARAM_OR_HALF)
            status = check_names(k, path, config, p->hf, form, err);
    return status;
}

enum hone_status keys_check_config(struct keys *k, const char *path, json_t *config, const struct arch *arch,
                                   const struct hf_form *form, struct hone_error *err)
{
    struct key_spec own[MAX_OWN + 1];
    char names[MAX_OWN][64];
    static const struct key_spec none[] = {{NULL, NULL}};
    own[add_tables(own, names, arch, form)] = (struct key_spec){NULL, NULL};
    bool rotates = has_param(arch, PARAM(rope_base)), window = has_param(arch, PARAM(window));
    bool periodic = window && arch->global_every > 0 && arch->global_every < ALL_LOCAL;
    const struct key_spec *const tables[] = {form->keys ? form->keys : none,
                                             own,
                                             read_keys,
                                             other_keys,
                                             rotates ? rope_keys : none,
                                             window ? window_keys : none,
                                             periodic ? period_keys : none,
                                             arch->causal ? causal_keys : none,
                                             has_param(arch, PARAM(n_experts)) ? expert_keys : none,
                                             NULL};
    enum hone_status status = keys_check(k, path, config, tables, err);
    if (status == HONE_OK)
        status = check_aliases(k, path, config, arch, form, err);
    return status == HONE_OK ? check_rotary(k, path, config, arch, err) : status;
}

/* ---- classes ---- */

/* Whether a class is one of transformers' of that family: "Bert" and what such names end with; or, behind "=", all of it. */
static bool is_own_class(const char *name, const char *const *starts)
{
    static const char *const ends[] = {"Model",
                                       "EncoderModel",
                                       "ForMaskedLM",
                                       "ForSequenceClassification",
                                       "ForTokenClassification",
                                       "ForQuestionAnswering",
                                       "ForMultipleChoice",
                                       "ForNextSentencePrediction",
                                       "ForPreTraining",
                                       "PreTrainedModel",
                                       "LMHeadModel",
                                       "ForCausalLM",
                                       "ForConditionalGeneration",
                                       "MTModel",
                                       "TextModel",
                                       "Config",
                                       "ForSequenceClassification"};
    for (; *starts; starts++) {
        size_t n = strlen(*starts);
        if (**starts == '=' && strcmp(name, *starts + 1) == 0)
            return true;
        for (size_t i = 0; i < sizeof ends / sizeof *ends && strncmp(name, *starts, n) == 0; i++)
            if (strcmp(name + n, ends[i]) == 0)
                return true;
    }
    return false;
}

static enum hone_status check_class(struct keys *k, const char *path, const char *key, const char *class,
                                    const struct hf_form *form, struct hone_error *err)
{
    const char *dot = class ? strrchr(class, '.') : NULL, *name = dot ? dot + 1 : class;
    if (!name || strncmp(name, "HF_ColBERT", 10) == 0 || is_own_class(name, form->classes))
        return HONE_OK;
    return keys_refuse(k, err, "%s: '%s' names the class '%s', which is not one of %s's own in transformers",
                       path, key, name, form->type);
}

/* What makes tokens is read from the files of the tokenizer; what makes pixels, not at all. */
static bool is_of_inputs(const char *key)
{
    return strcmp(key, "AutoTokenizer") == 0 || strcmp(key, "AutoProcessor") == 0 ||
           strcmp(key, "AutoImageProcessor") == 0 || strcmp(key, "AutoFeatureExtractor") == 0;
}

enum hone_status keys_check_classes(struct keys *k, const char *path, const json_t *config,
                                    const struct hf_form *form, struct hone_error *err)
{
    const json_t *list = json_object_get(config, "architectures");
    const char *key;
    json_t *value;
    enum hone_status status = HONE_OK;
    if (!form->classes)
        return status;
    for (size_t i = 0; i < json_array_size(list) && status == HONE_OK; i++)
        status = check_class(k, path, "architectures", json_string_value(json_array_get(list, i)), form, err);
    json_object_foreach (json_object_get(config, "auto_map"), key, value)
        if (status == HONE_OK && json_is_string(value) && !is_of_inputs(key))
            status = check_class(k, path, "auto_map", json_string_value(value), form, err);
    return status;
}

/* ---- tokenizer_config.json and generation_config.json ---- */

static const struct key_spec tokenizer_keys[] = {
    {"tokenizer_class", NULL},
    {"processor_class", NULL},
    {"auto_map", NULL}, /* transformers' own class is the reference */
    {"bos_token", NULL},
    {"eos_token", NULL},
    {"unk_token", NULL},
    {"sep_token", NULL},
    {"pad_token", NULL},
    {"cls_token", NULL},
    {"mask_token", NULL},
    {"additional_special_tokens", NULL},
    {"extra_special_tokens", NULL},
    {"model_specific_special_tokens", NULL},
    {"added_tokens_decoder", NULL},
    {"model_max_length", NULL},
    {"max_length", NULL},
    {"max_len", NULL},
    {"model_input_names", NULL},
    {"do_lower_case", "true|false"},
    {"do_basic_tokenize", "true"},
    {"never_split", "[]"},
    {"strip_accents", "true|false"},
    {"tokenize_chinese_chars", "true|false"},
    {"add_prefix_space", "true|false"},
    {"trim_offsets", "true|false"},
    {"add_bos_token", "true|false"},
    {"add_eos_token", "true|false"},
    {"legacy", "true|false"},
    {"extra_ids", NULL},
    {"offset", NULL},
    {"mask_token_sent", NULL},
    {"sp_model_kwargs", NULL},
    {"chat_template", NULL},
    {"truncation_side", NULL},
    {"padding_side", NULL}, /* nothing is padded */
    {"truncation", NULL},
    {"truncation_strategy", NULL},
    {"padding", NULL},
    {"pad_to_multiple_of", NULL},
    {"pad_token_type_id", NULL},
    {"stride", "0"},
    {"clean_up_tokenization_spaces", NULL}, /* of decoding in transformers, after the library tokenizers */
    {"spaces_between_special_tokens", NULL},
    {"use_default_system_prompt", NULL},
    {"errors", NULL},
    {"split_special_tokens", "false"},
    {"use_fast", NULL},
    {"name_or_path", NULL},
    {"_name_or_path", NULL},
    {"special_tokens_map_file", NULL},
    {"tokenizer_file", NULL},
    {"vocab_file", NULL},
    {"merges_file", NULL},
    {"spm_file", NULL},
    {"full_tokenizer_file", NULL},
    {"backend", NULL},
    {"is_local", NULL},
    {"local_files_only", NULL},
    {"from_slow", NULL},
    {"fix_mistral_regex", NULL},
    {"return_token_type_ids", NULL},
    {"keep_accents", NULL},
    {"remove_space", NULL},
    {"split_by_punct", "true|false"},
    {"unk_id", NULL}, /* the vocabulary's own counts */
    {"vocab_type", NULL},
    {"image_token", NULL},
    {"boi_token", NULL},
    {"eoi_token", NULL},
    {"audio_token", NULL},
    {"video_token", NULL},
    {"lang", NULL},
    {"language", NULL},
    {"src_lang", NULL},
    {"tgt_lang", NULL},
    {"tokenizer_type", NULL},
    {"source_lang", NULL},
    {"target_lang", NULL},
    {"source_spm", NULL},
    {"target_spm", NULL},
    {"target_vocab_file", NULL},
    {"separate_vocabs", "true|false"},
    {"language_codes", NULL},
    {"num_madeup_words", NULL},
    {"legacy_behaviour", "true|false"},
    {"unsloth_*", NULL},
    {NULL, NULL},
};

enum hone_status keys_check_tokenizer(struct keys *k, const char *path, const json_t *config,
                                      struct hone_error *err)
{
    return keys_check(k, path, config, (const struct key_spec *const[]){tokenizer_keys, NULL}, err);
}
