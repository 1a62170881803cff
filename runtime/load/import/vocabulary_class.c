/* Which class of transformers reads a folder's tokenizer. */
#include "runtime/load/import/vocabulary.h"
#include "tokenizer/files/classes.h"

#include <stdio.h>
#include <string.h>

static const char plain[] = "TokenizersBackend"; /* tokenizer.json counts as it is */

/* The classes of model types (transformers 5.24), each with the types whose folders often name one that is not theirs, so that it
 * is not looked at. A type that is not here has what its folder names. */
static const struct type_class {
    const char *type, *class;
    bool fixed;
} of_types[] = {
    {"albert", "AlbertTokenizer", false},
    {"bart", "RobertaTokenizer", false},
    {"bert", "BertTokenizer", false},
    {"big_bird", "BigBirdTokenizer", false},
    {"blenderbot", "BlenderbotTokenizer", false},
    {"camembert", "CamembertTokenizer", false},
    {"codegen", "GPT2Tokenizer", false},
    {"cohere", "CohereTokenizer", false},
    {"cohere2", "CohereTokenizer", false},
    {"convbert", "BertTokenizer", false},
    {"deberta-v2", "DebertaV2Tokenizer", false},
    {"distilbert", "BertTokenizer", false},
    {"electra", "BertTokenizer", false},
    {"ernie", "BertTokenizer", false},
    {"ernie4_5", plain, true},
    {"ernie4_5_moe", plain, true},
    {"falcon_mamba", "GPTNeoXTokenizer", false},
    {"flex_olmo", plain, false},
    {"gemma", "GemmaTokenizer", false},
    {"gemma2", "GemmaTokenizer", false},
    {"gemma3", "GemmaTokenizer", false},
    {"gemma3_text", "GemmaTokenizer", false},
    {"gemma3n", "GemmaTokenizer", false},
    {"gemma3n_text", "GemmaTokenizer", false},
    {"glm", plain, false},
    {"glm4", plain, false},
    {"glm4_moe", plain, false},
    {"glm4_moe_lite", plain, false},
    {"gpt2", "GPT2Tokenizer", false},
    {"gpt_bigcode", plain, false},
    {"gpt_neo", "GPT2Tokenizer", false},
    {"gpt_neox", "GPTNeoXTokenizer", false},
    {"gptj", "GPT2Tokenizer", false},
    {"granite", plain, false},
    {"granitemoe", plain, false},
    {"granitemoehybrid", plain, false},
    {"granitemoeshared", plain, false},
    {"gte", "XLMRobertaTokenizer", false},
    {"internlm2", plain, true},
    {"internlm3", plain, true},
    {"jais2", "GPT2Tokenizer", false},
    {"jamba", plain, true},
    {"jina_embeddings_v3", "XLMRobertaTokenizer", false},
    {"llava", plain, true},
    {"llava_next", plain, true},
    {"longformer", "RobertaTokenizer", false},
    {"m2m_100", "M2M100Tokenizer", false},
    {"mamba", "GPTNeoXTokenizer", false},
    {"mamba2", "GPTNeoXTokenizer", false},
    {"marian", "MarianTokenizer", false},
    {"mbart", "MBartTokenizer", false},
    {"minicpm3", plain, true},
    {"minimax_m2", plain, true},
    {"ministral", plain, false},
    {"ministral3", plain, false},
    {"mistral", plain, false},
    {"mistral3", plain, false},
    {"mixtral", plain, false},
    {"mobilebert", "BertTokenizer", false},
    {"modernbert", plain, true},
    {"modernbert-decoder", plain, true},
    {"mpnet", "MPNetTokenizer", false},
    {"mpt", "GPTNeoXTokenizer", false},
    {"mt5", "T5Tokenizer", false},
    {"nemotron", plain, true},
    {"nomic_bert", "BertTokenizer", false},
    {"olmo", "GPTNeoXTokenizer", false},
    {"olmo2", plain, false},
    {"olmo3", plain, false},
    {"olmo_hybrid", plain, false},
    {"olmoe", "GPTNeoXTokenizer", false},
    {"opt", "GPT2Tokenizer", false},
    {"pegasus", "PegasusTokenizer", false},
    {"persimmon", plain, false},
    {"phi", "GPT2Tokenizer", false},
    {"phi3", plain, true},
    {"phimoe", plain, true},
    {"plbart", "PLBartTokenizer", false},
    {"qwen2", "Qwen2Tokenizer", true},
    {"qwen2_5_vl", "Qwen2Tokenizer", false},
    {"qwen2_moe", "Qwen2Tokenizer", false},
    {"qwen2_vl", "Qwen2Tokenizer", false},
    {"qwen3", "Qwen2Tokenizer", false},
    {"qwen3_5", "Qwen3_5Tokenizer", true},
    {"qwen3_5_moe", "Qwen3_5Tokenizer", true},
    {"qwen3_5_moe_text", "Qwen3_5Tokenizer", true},
    {"qwen3_5_text", "Qwen3_5Tokenizer", false},
    {"qwen3_moe", "Qwen2Tokenizer", false},
    {"qwen3_next", "Qwen2Tokenizer", false},
    {"qwen3_vl", "Qwen2Tokenizer", false},
    {"qwen3_vl_moe", "Qwen2Tokenizer", false},
    {"rembert", "RemBertTokenizer", false},
    {"roberta", "RobertaTokenizer", false},
    {"roformer", "RoFormerTokenizer", false},
    {"smolvlm", plain, true},
    {"stablelm", plain, false},
    {"starcoder2", "GPT2Tokenizer", false},
    {"switch_transformers", "T5Tokenizer", false},
    {"t5", "T5Tokenizer", false},
    {"t5gemma", "GemmaTokenizer", false},
    {"umt5", plain, false},
    {"xlm-roberta", "XLMRobertaTokenizer", false},
    {"xlm-roberta-xl", plain, false},
};

/* Translators, whose pipelines are their files' but for the languages, and those of Python that are read elsewhere. */
static bool is_known(const char *class)
{
    static const char *const others[] = {
        "M2M100Tokenizer", "MarianTokenizer",  "MBartTokenizer",    "MBart50Tokenizer",  "NllbTokenizer",
        "PLBartTokenizer", "PegasusTokenizer", "TikTokenTokenizer", "TokenizersBackend", "ByT5Tokenizer"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(class, others[i]) == 0)
            return true;
    return tok_class_find(class) || tok_class_is_foreign(class);
}

const char *vocabulary_read_class(const struct folder *f, const json_t *config, char class[64])
{
    const char *type = f->form->type; /* of the whole model, whose part for text may have another */
    const char *name = json_string_value(json_object_get(config, "tokenizer_class"));
    const struct type_class *own = NULL;
    if (!name)
        name = json_string_value(json_object_get(f->config, "tokenizer_class"));
    for (size_t i = 0; type && i < sizeof of_types / sizeof *of_types; i++)
        if (strcmp(type, of_types[i].type) == 0)
            own = &of_types[i];
    if (own && (!name || own->fixed || own->class == plain))
        name = own->class;
    snprintf(class, 64, "%s", name ? name : plain);
    size_t n = strlen(class), fast = strlen("Fast");
    if (n > fast && strcmp(class + n - fast, "Fast") == 0)
        class[n - fast] = 0;
    if (!is_known(class))
        snprintf(class, 64, "%s", plain);
    return class;
}
