#include "runtime/load/keys_file.h"

#include "runtime/base/text.h"
#include "runtime/load/import/keys.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A name that ends with "*" stands for all that begin so. */
struct file_key {
    const char *name;
    union {
        double number;
        size_t offset;
    };
    enum {
        KEY_ANY,
        KEY_NUMBER, /* this one, or as a flag: what llama.cpp's files say where there is nothing of the kind */
        KEY_HPARAM, /* what struct hparams has at this place */
        KEY_ALIBI,
        KEY_PARALLEL,
        KEY_ROTATED, /* so many elements of a head are, if any */
    } kind;
    bool is_float; /* of struct hparams */
};

/* Behind "ARCHITECTURE.", beside those of the family's own table. */
static const struct file_key family_keys[] = {
    /* read for every family */
    {.name = "attention.causal"},
    {.name = "attention.sliding_window_pattern"},
    {.name = "attention.value_length"},
    {.name = "classifier.*"},
    {.name = "pooling_type"},
    {.name = "hidden_activation"},
    {.name = "rope.dimension_count", .kind = KEY_ROTATED},
    {.name = "rope.scale_linear"},
    {.name = "rope.scaling.attn_factor"},
    {.name = "rope.scaling.factor"},
    {.name = "rope.scaling.original_context_length"},
    {.name = "rope.scaling.type"},
    {.name = "rope.scaling.yarn_attn_factor"},
    {.name = "rope.scaling.yarn_beta_fast"},
    {.name = "rope.scaling.yarn_beta_slow"},
    {.name = "rope.scaling.yarn_ext_factor"},
    {.name = "rope.scaling.yarn_log_multiplier"},
    {.name = "expert_weights_norm"},
    {.name = "expert_weights_scale"},
    /* told by the tensors, or of no effect on text */
    {.name = "vocab_size"},
    {.name = "tensor_data_layout"},
    {.name = "embedding_length_out"},
    {.name = "dense_*"},
    {.name = "expert_shared_count"},
    {.name = "nextn_predict_layers"}, /* read for every causal family */
    {.name = "expert_feed_forward_length"},
    {.name = "expert_shared_feed_forward_length"},
    {.name = "decoder_block_count"},
    {.name = "decoder_start_token_id"},
    {.name = "rope.scaling.finetuned"},
    {.name = "rope.dimension_sections"}, /* a text's positions are the same in all of them */
    {.name = "n_deepstack_layers"},      /* of what sees */
    {.name = "vision.*"},
    {.name = "mm.*"},
    {.name = "audio.*"},
    /* the other of the two that a family may have */
    {.name = "attention.layer_norm_epsilon"},
    {.name = "attention.layer_norm_rms_epsilon"},
    /* what the family computes anyway */
    {.name = "attention.head_count_kv", .kind = KEY_HPARAM, .offset = PARAM(n_kv_heads)},
    {.name = "attention.key_length", .kind = KEY_HPARAM, .offset = PARAM(head_dim)},
    {.name = "attention.key_length_swa", .kind = KEY_HPARAM, .offset = PARAM(local_head_dim)},
    {.name = "attention.value_length_swa", .kind = KEY_HPARAM, .offset = PARAM(local_head_dim)},
    {.name = "rope.dimension_count_swa", .kind = KEY_HPARAM, .offset = PARAM(n_rot_local)},
    {.name = "rope.freq_base_swa", .kind = KEY_HPARAM, .offset = PARAM(rope_base), .is_float = true},
    {.name = "attention.relative_buckets_count", .kind = KEY_HPARAM, .offset = PARAM(n_buckets)},
    {.name = "embedding_scale", .kind = KEY_HPARAM, .offset = PARAM(embd_scale), .is_float = true},
    {.name = "residual_scale", .kind = KEY_HPARAM, .offset = PARAM(residual_scale), .is_float = true},
    {.name = "logit_scale", .kind = KEY_HPARAM, .offset = PARAM(logits_scale), .is_float = true},
    {.name = "attention.head_count", .kind = KEY_NUMBER, .number = 0}, /* of layers that have neither */
    {.name = "feed_forward_length", .kind = KEY_NUMBER, .number = 0},
    {.name = "ssm.dt_b_c_rms", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.sliding_window", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.clamp_kqv", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.max_alibi_bias", .kind = KEY_ALIBI},
    {.name = "use_parallel_residual", .kind = KEY_PARALLEL},
    {.name = "attention.scale", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.output_scale", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.temperature_scale", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.temperature_length", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.shared_kv_layers", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.q_lora_rank", .kind = KEY_NUMBER, .number = 0},
    {.name = "attention.kv_lora_rank", .kind = KEY_NUMBER, .number = 0},
    {.name = "attn_logit_softcapping", .kind = KEY_NUMBER, .number = 0},
    {.name = "final_logit_softcapping", .kind = KEY_NUMBER, .number = 0},
    {.name = "router_logit_softcapping", .kind = KEY_NUMBER, .number = 0},
    {.name = "rope.scaling.alpha", .kind = KEY_NUMBER, .number = 0},
    {.name = "expert_count", .kind = KEY_NUMBER, .number = 0},
    {.name = "expert_used_count", .kind = KEY_NUMBER, .number = 0},
    {.name = "expert_group_count", .kind = KEY_NUMBER, .number = 1},
    {.name = "expert_group_used_count", .kind = KEY_NUMBER, .number = 1},
    {.name = "expert_gating_func", .kind = KEY_NUMBER, .number = 1}, /* softmax */
    {.name = "leading_dense_block_count", .kind = KEY_NUMBER, .number = 0},
    {.name = "interleave_moe_layer_step", .kind = KEY_NUMBER, .number = 1},
    {.name = "moe_every_n_layers", .kind = KEY_NUMBER, .number = 0},
    {.name = "moe_latent_size", .kind = KEY_NUMBER, .number = 0},
    {.name = "embedding_length_per_layer_input", .kind = KEY_NUMBER, .number = 0},
    {.name = "swin_norm", .kind = KEY_NUMBER, .number = 0},
    {.name = NULL},
};

/* Of families in which positions are never scaled: those that see both sides. */
static const struct file_key unscaled_keys[] = {
    {.name = "rope.scale_linear", .kind = KEY_NUMBER, .number = 1},
    {.name = "rope.scaling.factor", .kind = KEY_NUMBER, .number = 1},
    {.name = "rope.scaling.attn_factor", .kind = KEY_NUMBER, .number = 1},
    {.name = "rope.scaling.yarn_attn_factor", .kind = KEY_NUMBER, .number = 1},
    {.name = NULL},
};

/* Of disentangled attention. */
static const struct file_key distance_keys[] = {
    {.name = "attention.position_types"}, {.name = "attention.own_position_keys"}, {.name = NULL}};

/* Of families some of whose layers attend. */
static const struct file_key attending_keys[] = {
    {.name = "attention.recurrent_layers"}, {.name = "full_attention_interval"}, {.name = NULL}};

/* Of Mamba's scan of channels. */
static const struct file_key selective_keys[] = {{.name = "ssm.dt_b_c_rms"}, {.name = NULL}};

/* Of Gemma 3n's layers. */
static const struct file_key altup_keys[] = {{.name = "activation_sparsity_scale"}, {.name = NULL}};

/* Of families whose tensors tell which layers have experts. */
static const struct file_key routed_keys[] = {{.name = "interleave_moe_layer_step"}, {.name = NULL}};

/* llama.cpp's files say it of layers that are not, where a folder's configuration does not. */
static const struct file_key layout_keys[] = {{.name = "use_parallel_residual"}, {.name = NULL}};

static const struct file_key tokenizer_keys[] = {
    {.name = "ggml.model"},
    {.name = "ggml.pre"},
    {.name = "ggml.tokens"},
    {.name = "ggml.token_type"},
    {.name = "ggml.token_type_count"},
    {.name = "ggml.scores"},
    {.name = "ggml.merges"},
    {.name = "ggml.added_tokens"},
    {.name = "ggml.bos_token_id"},
    {.name = "ggml.eos_token_id"},
    {.name = "ggml.eos_token_ids"},
    {.name = "ggml.eot_token_id"},
    {.name = "ggml.eom_token_id"},
    {.name = "ggml.unknown_token_id"},
    {.name = "ggml.seperator_token_id"},
    {.name = "ggml.separator_token_id"},
    {.name = "ggml.padding_token_id"},
    {.name = "ggml.mask_token_id"},
    {.name = "ggml.cls_token_id"},
    {.name = "ggml.fim_*"},
    {.name = "ggml.prefix_token_id"},
    {.name = "ggml.suffix_token_id"},
    {.name = "ggml.middle_token_id"},
    {.name = "ggml.add_bos_token"},
    {.name = "ggml.add_eos_token"},
    {.name = "ggml.add_sep_token"},
    {.name = "ggml.add_space_prefix"},
    {.name = "ggml.remove_extra_whitespaces"},
    {.name = "ggml.precompiled_charsmap"},
    {.name = "ggml.normalizer.lowercase"},
    {.name = "ggml.normalizer.strip_accents"},
    {.name = "huggingface.json"},
    {.name = "rwkv.world"},
    {.name = "chat_template*"},
    {.name = NULL},
};

/* Of drawing by lot, which hone's own settings are for, but for these: generate/rules_load.c reads the penalty, over all tokens. */
static const struct file_key general_keys[] = {
    {.name = "sampling.penalty_last_n", .kind = KEY_NUMBER, .number = -1}, {.name = "*"}, {.name = NULL}};

static const struct file_key hone_keys[] = {
    {.name = "norms_heads"},
    {.name = "shared_expert_summed"},
    {.name = "tokenizer.pipeline"},
    {.name = "tokenizer.scores"},
    {.name = "tokenizer.merge_sizes"},
    {.name = "tokenizer.truncate_left"},
    {.name = "tokenizer.leading_codes"},
    {.name = "tokenizer.pieces"},
    {.name = "tokenizer.piece_scores"},
    {.name = "tokenizer.piece_types"},
    {.name = "target.tokens"},
    {.name = "target.token_types"},
    {.name = "target.pipeline"},
    {.name = "activation"},
    {.name = "adaptations"},
    {.name = "bare_texts"},
    {.name = "decoder_starts_with_last"},
    {.name = "default_adaptation"},
    {.name = "default_prompt"},
    {.name = "dense_*"},
    {.name = "document_length"},
    {.name = "dropped_token_id"},
    {.name = "end_token_ids"},
    {.name = "expand_cuts"},
    {.name = "expand_to"},
    {.name = "expansion_attended"},
    {.name = "expansion_token"},
    {.name = "false_token_id"},
    {.name = "generation.bad_words_ids"},
    {.name = "generation.bad_words_sizes"},
    {.name = "generation.begin_suppress_tokens"},
    {.name = "generation.early_stopping"},
    {.name = "generation.encoder_no_repeat_ngram_size"},
    {.name = "generation.forced_bos_token_id"},
    {.name = "generation.forced_eos_token_id"},
    {.name = "generation.length_penalty"},
    {.name = "generation.max_length"},
    {.name = "generation.max_new_tokens"},
    {.name = "generation.min_length"},
    {.name = "generation.min_new_tokens"},
    {.name = "generation.no_repeat_ngram_size"},
    {.name = "generation.num_beams"},
    {.name = "generation.repetition_penalty"},
    {.name = "generation.suppress_tokens"},
    {.name = "head"},
    {.name = "head_activation"},
    {.name = "head_pooling"},
    {.name = "head_token_id"},
    {.name = "ignored_keys"},
    {.name = "language_place"},
    {.name = "language_token_ids"},
    {.name = "languages"},
    {.name = "max_active_dims"},
    {.name = "max_characters"},
    {.name = "max_length"},
    {.name = "modules"},
    {.name = "normalize"},
    {.name = "output_scale"},
    {.name = "pair_answers"},
    {.name = "pair_messages"},
    {.name = "pair_parts"},
    {.name = "pooling_skips_prompt"},
    {.name = "poolings"},
    {.name = "position_pad_id"},
    {.name = "prompt.*"},
    {.name = "query_length"},
    {.name = "recurrent_inputs_eps"},
    {.name = "norms_last"},
    {.name = "recurrent_norm_first"},
    {.name = "recurrent_time_floor"},
    {.name = "routed_layers"},
    {.name = "score_activation"},
    {.name = "segments"},
    {.name = "similarity"},
    {.name = "skip_in_documents"},
    {.name = "skip_in_queries"},
    {.name = "skip_words"},
    {.name = "source_language"},
    {.name = "target_language"},
    {.name = "spans.label_behind"},
    {.name = "spans.label_token"},
    {.name = "spans.label_token_id"},
    {.name = "spans.max_span"},
    {.name = "spans.max_tokens"},
    {.name = "spans.max_words"},
    {.name = "spans.pooling"},
    {.name = "spans.separator"},
    {.name = "spans.width"},
    {.name = "special_token_ids"},
    {.name = "text_length"},
    {.name = "true_token_id"},
    {.name = "truncate_dim"},
    {.name = "unrotated_layers"},
    {.name = "words_summed"},
    {.name = "words_twice"},
    {.name = "yarn_truncate"},
    {.name = NULL},
};

static const struct file_key *find(const struct file_key *table, const char *name)
{
    for (; table->name; table++) {
        size_t n = strlen(table->name);
        bool start = table->name[n - 1] == '*' && strncmp(name, table->name, n - 1) == 0;
        if (start || strcmp(name, table->name) == 0)
            return table;
    }
    return NULL;
}

/* Whether the family's table reads it, by its first name or another. */
static bool is_param(const struct arch *arch, const char *name)
{
    for (const struct param_spec *p = arch->params; p->gguf; p++)
        for (const char *at = p->gguf; *at; at += strcspn(at, "|"), at += *at == '|')
            if (text_is((struct hone_text){at, strcspn(at, "|")}, name))
                return true;
    return false;
}

static bool is_known(const struct arch *arch, const char *name)
{
    return is_param(arch, name) || (arch->distance == DISTANCE_DISENTANGLED && find(distance_keys, name)) ||
           (arch->attends_every > 0 && find(attending_keys, name)) ||
           (arch->routed_by_tensor && find(routed_keys, name)) || (arch->altup && find(altup_keys, name)) ||
           (arch->parallel_unnormed && find(layout_keys, name)) ||
           (arch->recurrent == RECURRENT_SELECTIVE && find(selective_keys, name));
}

/* What the family computes where no key says it, but for the numbers of llama.cpp's own families. */
static double expected_of(const struct net *m, const struct file_key *key)
{
    if (key->kind == KEY_HPARAM) {
        const char *at = (const char *)&m->hp + key->offset;
        return key->is_float ? (double)*(const float *)(const void *)at
                             : (double)*(const size_t *)(const void *)at;
    }
    if (key->kind == KEY_ALIBI)
        return m->arch->distance == DISTANCE_ALIBI ? 8 : 0;
    if (key->kind == KEY_ROTATED)
        return (double)m->hp.n_rot;
    return key->kind == KEY_PARALLEL ? m->hp.parallel : key->number;
}

/* As a number: all elements of a list are the same, or there is none (NaN). */
static double number_of(const struct gguf_value *v)
{
    if (v->type == GGUF_STRING || v->n == 0)
        return NAN;
    for (size_t i = 1; i < v->n; i++)
        if (gguf_float_at(v, i) != gguf_float_at(v, 0))
            return NAN;
    return gguf_float_at(v, 0);
}

static enum hone_status check_value(struct keys *k, const struct net *m, const char *name,
                                    const struct file_key *key, const struct gguf_value *v,
                                    struct hone_error *err)
{
    double x = number_of(v), right = expected_of(m, key);
    if (key->kind == KEY_ROTATED && m->hp.rope_base == 0)
        return HONE_OK;
    bool none = x == 0 && key->kind != KEY_PARALLEL; /* there is nothing of the kind */
    if (key->kind == KEY_ANY || none || fabs(x - right) <= FLT_EPSILON * fabs(right))
        return HONE_OK;
    return keys_refuse(k, err, "%s: the key '%s' is %g, which is not supported; expected %g",
                       gguf_path(m->gguf), name, x, right);
}

enum hone_status keys_check_file(struct keys *k, const struct net *m, struct hone_error *err)
{
    const struct {
        const char *start;
        const struct file_key *keys;
    } groups[] = {{m->arch->name, family_keys},
                  {"tokenizer", tokenizer_keys},
                  {"general", general_keys},
                  {"hone", hone_keys}};
    const bool unscaled = !m->arch->causal && !m->arch->has_decoder;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < gguf_n_keys(m->gguf) && status == HONE_OK; i++) {
        const char *name = gguf_key(m->gguf, i);
        for (size_t j = 0; j < sizeof groups / sizeof *groups && status == HONE_OK; j++) {
            size_t n = strlen(groups[j].start);
            if (strncmp(name, groups[j].start, n) != 0 || name[n] != '.' ||
                (j == 0 && is_known(m->arch, name + n + 1)))
                continue;
            const struct file_key *key = j == 0 && unscaled ? find(unscaled_keys, name + n + 1) : NULL;
            key = key ? key : find(groups[j].keys, name + n + 1);
            status = key ? check_value(k, m, name, key, gguf_value_at(m->gguf, i), err)
                         : keys_refuse(k, err, "%s: the key '%.200s' is not known and could change results",
                                       gguf_path(m->gguf), name);
        }
    }
    return status;
}
