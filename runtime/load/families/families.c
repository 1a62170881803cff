#include "runtime/nn/arch.h"

#include <stdio.h>
#include <string.h>

extern const struct arch arch_albert, arch_jina_bert_v3, arch_bert, arch_deberta_v2, arch_electra,
    arch_eurobert, arch_gemma3, arch_gemma_embedding, arch_llama, arch_qwen2, arch_qwen3, arch_gte,
    arch_jina_bert_v2, arch_modern_bert, arch_mpnet, arch_nomic_bert, arch_t5, arch_t5_encoder, arch_phi3,
    arch_gemma, arch_gemma2, arch_granite, arch_smollm3, arch_olmo2, arch_exaone4, arch_glm4, arch_ernie4_5,
    arch_command_r, arch_cohere2, arch_gpt2, arch_gptneox, arch_phi2, arch_starcoder2, arch_qwen2moe,
    arch_qwen3moe, arch_olmoe, arch_granitemoe, arch_bart, arch_mbart, arch_pegasus, arch_marian, arch_m2m100;

/* A further family is one row here. */
static const struct arch *const archs[] = {
    &arch_albert,       &arch_jina_bert_v3, &arch_electra,  &arch_bert,
    &arch_deberta_v2,   &arch_eurobert,     &arch_gemma3,   &arch_gemma_embedding,
    &arch_llama,        &arch_qwen2,        &arch_qwen3,    &arch_gte,
    &arch_jina_bert_v2, &arch_modern_bert,  &arch_mpnet,    &arch_nomic_bert,
    &arch_t5,           &arch_t5_encoder,   &arch_phi3,     &arch_gemma,
    &arch_gemma2,       &arch_granite,      &arch_smollm3,  &arch_olmo2,
    &arch_exaone4,      &arch_glm4,         &arch_ernie4_5, &arch_command_r,
    &arch_cohere2,      &arch_gpt2,         &arch_gptneox,  &arch_phi2,
    &arch_starcoder2,   &arch_qwen2moe,     &arch_qwen3moe, &arch_olmoe,
    &arch_granitemoe,   &arch_bart,         &arch_mbart,    &arch_pegasus,
    &arch_marian,       &arch_m2m100,
};
#define N_ARCHS (sizeof archs / sizeof *archs)

const struct arch *arch_by_name(const char *name)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i]->name, name) == 0)
            return archs[i];
    return NULL;
}

static bool is_of(const struct hf_form *f, const struct hf_traits *traits)
{
    if (strcmp(f->type, traits->type) != 0)
        return false;
    if (f->option && !traits->is_true(traits->config, f->option))
        return false;
    return !f->class_start || strncmp(traits->class, f->class_start, strlen(f->class_start)) == 0;
}

const struct arch *arch_by_hf_traits(const struct hf_traits *traits, const struct hf_form **form)
{
    const struct arch *found = NULL;
    for (size_t i = 0; i < N_ARCHS; i++)
        for (const struct hf_form *const *f = archs[i]->forms; *f; f++)
            if (is_of(*f, traits) && (!found || (*f)->class_start || (*f)->option)) {
                *form = *f;
                found = archs[i];
            }
    return found;
}

static void append(char *out, size_t size, const char *name)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
}

void arch_names(bool hf, char *out, size_t size)
{
    out[0] = 0;
    for (size_t i = 0; i < N_ARCHS; i++) {
        if (!hf)
            append(out, size, archs[i]->name);
        for (const struct hf_form *const *f = archs[i]->forms; hf && *f; f++)
            append(out, size, (*f)->type);
    }
}
