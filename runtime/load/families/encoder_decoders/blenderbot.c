/* Blenderbot (Roller et al., 2020, arXiv:2004.13637): Pegasus' layers, with learned positions. */
#include "runtime/load/families/stack_rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {FAIRSEQ_ROWS, POSITION_ROWS(0), OUTPUT_NORM_ROWS, {0}};
static const struct hf_name names[] = {FAIRSEQ_NAMES, POSITION_NAMES(CUT_NONE), OUTPUT_NORM_NAMES, {0}};

static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.", NULL};
static const struct key_spec keys[] = {
    FAIRSEQ_KEYS("true", "true", "false", "false"),
    {"layernorm_variant", "\"prelayernorm\""}, /* of ParlAI's own settings */
    {NULL, NULL}};

/* Without a generation_config.json texts are written as the configuration says, whose class has settings of its own. */
static enum hone_status import(struct folder *f, struct hone_error *err)
{
    static const struct {
        const char *name;
        json_int_t usual;
    } settings[] = {
        {"encoder_no_repeat_ngram_size", 3}, {"forced_eos_token_id", 2}, {"decoder_start_token_id", 1}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!json_object_get(f->config, settings[i].name) &&
            json_object_set_new(f->config, settings[i].name, json_integer(settings[i].usual)) != 0)
            return hone_no_memory(err, "settings", sizeof settings);
    return HONE_OK;
}

static const char *const classes[] = {"Blenderbot", NULL};
static const struct hf_form form = {.type = "blenderbot",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .classes = classes,
                                    .import = import};

const struct arch arch_blenderbot = {
    .name = "blenderbot",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    .pre_norm = true,
    WRITING_PASS,
};
