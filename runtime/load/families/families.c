#include "runtime/nn/arch.h"

#include <stdio.h>
#include <string.h>

/* clang-format off: a further family is one row here. */
#define ARCHS(X)                                                                                             \
    X(albert)                                                                                                \
    X(electra)                                                                                               \
    X(roformer)                                                                                              \
    X(bert)                                                                                                  \
    X(xlm_roberta_xl)                                                                                        \
    X(jina_bert_v3)                                                                                          \
    X(deberta_v2)                                                                                            \
    X(eurobert)                                                                                              \
    X(gemma3)                                                                                                \
    X(glm4_moe)                                                                                              \
    X(deepseek2)                                                                                             \
    X(minicpm3)                                                                                              \
    X(minicpm)                                                                                               \
    X(dots1)                                                                                                 \
    X(exaone_moe)                                                                                            \
    X(minimax_m2)                                                                                            \
    X(ernie4_5_moe)                                                                                          \
    X(hunyuan)                                                                                               \
    X(hunyuan_moe)                                                                                           \
    X(phimoe)                                                                                                \
    X(seed_oss)                                                                                              \
    X(lfm2_moe)                                                                                              \
    X(qwen35moe)                                                                                             \
    X(apertus)                                                                                               \
    X(arcee)                                                                                                 \
    X(nemotron)                                                                                              \
    X(gemma3n)                                                                                               \
    X(gemma4)                                                                                                \
    X(gemma_embedding)                                                                                       \
    X(mistral3)                                                                                              \
    X(llama)                                                                                                 \
    X(qwen2)                                                                                                 \
    X(qwen3)                                                                                                 \
    X(qwen2vl)                                                                                               \
    X(qwen3vl)                                                                                               \
    X(qwen3vlmoe)                                                                                            \
    X(gte)                                                                                                   \
    X(jina_bert_v2)                                                                                          \
    X(modern_bert)                                                                                           \
    X(neo_bert)                                                                                              \
    X(mpnet)                                                                                                 \
    X(nomic_bert)                                                                                            \
    X(nomic_bert_moe)                                                                                        \
    X(t5)                                                                                                    \
    X(t5_encoder)                                                                                            \
    X(phi3)                                                                                                  \
    X(gemma)                                                                                                 \
    X(gemma2)                                                                                                \
    X(granite)                                                                                               \
    X(modern_bert_decoder)                                                                                   \
    X(smollm3)                                                                                               \
    X(olmo2)                                                                                                 \
    X(exaone4)                                                                                               \
    X(exaone)                                                                                                \
    X(vaultgemma)                                                                                            \
    X(jais2)                                                                                                 \
    X(flex_olmo)                                                                                             \
    X(afmoe)                                                                                                 \
    X(hy_v3)                                                                                                 \
    X(mellum)                                                                                                \
    X(bailingmoe)                                                                                            \
    X(bailingmoe2)                                                                                           \
    X(llama4)                                                                                                \
    X(hyperclovax)                                                                                           \
    X(lfm3)                                                                                                  \
    X(granite_swa)                                                                                           \
    X(granitemoe_swa)                                                                                        \
    X(cohere2_moe)                                                                                           \
    X(glm4)                                                                                                  \
    X(chatglm)                                                                                               \
    X(ernie4_5)                                                                                              \
    X(command_r)                                                                                             \
    X(cohere2)                                                                                               \
    X(gpt2)                                                                                                  \
    X(gptneox)                                                                                               \
    X(phi2)                                                                                                  \
    X(falcon)                                                                                                \
    X(stablelm)                                                                                              \
    X(bloom)                                                                                                 \
    X(mpt)                                                                                                   \
    X(gptj)                                                                                                  \
    X(gpt_neo)                                                                                               \
    X(starcoder)                                                                                             \
    X(persimmon)                                                                                             \
    X(opt)                                                                                                   \
    X(xglm)                                                                                                  \
    X(biogpt)                                                                                                \
    X(olmo)                                                                                                  \
    X(starcoder2)                                                                                            \
    X(qwen2moe)                                                                                              \
    X(qwen3moe)                                                                                              \
    X(olmoe)                                                                                                 \
    X(granitemoe)                                                                                            \
    X(bart)                                                                                                  \
    X(mbart)                                                                                                 \
    X(pegasus)                                                                                               \
    X(blenderbot)                                                                                            \
    X(marian)                                                                                                \
    X(m2m100)                                                                                                \
    X(gpt_oss)                                                                                               \
    X(lfm2)                                                                                                  \
    X(granite_hybrid)                                                                                        \
    X(falcon_h1)                                                                                             \
    X(mamba)                                                                                                 \
    X(mamba2)                                                                                                \
    X(zamba2)                                                                                                \
    X(jamba)                                                                                                 \
    X(nemotron_h)                                                                                            \
    X(nemotron_h_moe)                                                                                        \
    X(static)                                                                                                \
    X(static_words)                                                                                          \
    X(olmo_hybrid)                                                                                           \
    X(qwen35)                                                                                                \
    X(qwen3next)
/* clang-format on */

#define DECLARE(name) extern const struct arch arch_##name;
ARCHS(DECLARE)

#define POINTER(name) &arch_##name,
static const struct arch *const archs[] = {ARCHS(POINTER)};
#define N_ARCHS (sizeof archs / sizeof *archs)

const struct arch *arch_by_name(const char *name)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i]->name, name) == 0)
            return archs[i];
    return NULL;
}

/* Whether a name begins with one of several, between which bars stand. */
static bool begins(const char *name, const char *starts)
{
    for (size_t n; *starts; starts += n + (starts[n] == '|')) {
        n = strcspn(starts, "|");
        if (strncmp(name, starts, n) == 0)
            return true;
    }
    return false;
}

static bool is_of(const struct hf_form *f, const struct hf_traits *traits)
{
    if (strcmp(f->type, traits->type) != 0)
        return false;
    if (f->option && !traits->is_true(traits->config, f->option))
        return false;
    if (f->part_type && strcmp(f->part_type, traits->part_type) != 0)
        return false;
    return !f->class_start || begins(traits->class, f->class_start);
}

const struct arch *arch_by_hf_traits(const struct hf_traits *traits, const struct hf_form **form)
{
    const struct arch *found = NULL;
    for (size_t i = 0; i < N_ARCHS; i++)
        for (const struct hf_form *const *f = archs[i]->forms; *f; f++)
            if (is_of(*f, traits) && (!found || (*f)->class_start || (*f)->option || (*f)->part_type)) {
                *form = *f;
                found = archs[i];
            }
    return found;
}

/* Whether the list has it already: families share types, of whose configurations something else tells them apart. */
static bool is_listed(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ',' || at[n] == 0))
            return true;
    return false;
}

/* Where there is no room for it and what says that there are others, the list ends whole. */
static bool append(char *out, size_t size, const char *name)
{
    static const char more[] = ", ...";
    const size_t used = strlen(out);
    if (is_listed(out, name))
        return true;
    if (used + 2 + strlen(name) + sizeof more > size) {
        snprintf(out + used, size - used, "%s", more);
        return false;
    }
    snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
    return true;
}

void arch_names(bool hf, char *out, size_t size)
{
    bool fits = true;
    out[0] = 0;
    for (size_t i = 0; i < N_ARCHS && fits; i++) {
        if (!hf)
            fits = append(out, size, archs[i]->name);
        for (const struct hf_form *const *f = archs[i]->forms; hf && *f && fits; f++)
            fits = append(out, size, (*f)->type);
    }
}
