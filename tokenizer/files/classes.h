/* The tokenizer classes of transformers. Most of them take no more of a tokenizer.json than its vocabulary and what stands around
 * a text: the model's settings, normalizer, pre-tokenizer and decoder are made anew, by flags of tokenizer_config.json. */
#ifndef TOKENIZER_FILES_CLASSES_H
#define TOKENIZER_FILES_CLASSES_H

#include <jansson.h>

#include <stdbool.h>

/* The names of a class's special tokens where the configuration has none; "": no token. */
struct usual_tokens {
    const char *unk, *sep, *pad, *cls, *mask, *bos, *eos;
};

struct tokenizer_class {
    const char *name;  /* without "Fast" */
    const char *model; /* the type of tokenizer.json's model that it is made for */
    const struct usual_tokens *tokens;
    /* Makes the pipeline of what is in root. false: no memory. NULL: it is as the file says. */
    bool (*build)(json_t *root, const json_t *config);
    /* Makes what stands around a text, of a configuration that says which tokens; NULL: it is as the file says. */
    bool (*surround)(json_t *root, const json_t *config, const struct usual_tokens *tokens);
    /* The token for masking takes the spaces before it, where the configuration has but its text. */
    bool mask_takes_spaces;
};

/* NULL: a tokenizer.json under this name counts as it is, or tok_class_is_foreign. */
const struct tokenizer_class *tok_class_find(const char *name);

/* Whether transformers has that class, and makes something of a folder that is not known here. */
bool tok_class_is_foreign(const char *name);

/* pipelines.c */
bool tok_build_words(json_t *root, const json_t *config);        /* BERT's */
bool tok_build_bytes(json_t *root, const json_t *config);        /* GPT-2's */
bool tok_build_spaced_bytes(json_t *root, const json_t *config); /* Blenderbot's */
bool tok_build_neox(json_t *root, const json_t *config);         /* GPT-NeoX' */
bool tok_build_qwen2(json_t *root, const json_t *config);        /* Qwen 2's */
bool tok_build_qwen3_5(json_t *root, const json_t *config);      /* Qwen 3.5's */
bool tok_build_cohere(json_t *root, const json_t *config);       /* Cohere's */
bool tok_build_llama(json_t *root, const json_t *config);        /* SentencePiece's BPE as Llama 2 has it, */
bool tok_build_gemma(json_t *root, const json_t *config);        /* and as Gemma */
bool tok_build_deberta(json_t *root, const json_t *config); /* SentencePiece's Unigram as DeBERTa has it, */
bool tok_build_albert(json_t *root, const json_t *config);  /* as ALBERT, */
bool tok_build_xlmr(json_t *root, const json_t *config);    /* as XLM-RoBERTa, */
bool tok_build_camembert(json_t *root, const json_t *config);
bool tok_build_t5(json_t *root, const json_t *config); /* and as T5 */
bool tok_build_rembert(json_t *root, const json_t *config);
bool tok_build_big_bird(json_t *root, const json_t *config);
bool tok_build_mbart(json_t *root, const json_t *config);
bool tok_build_mbart50(json_t *root, const json_t *config);
bool tok_build_nllb(json_t *root, const json_t *config);
bool tok_build_pegasus(json_t *root, const json_t *config);

/* The list of tokens beyond the usual ones, or the object that gives each a name, that a folder or its class has; a
 * reference of the caller's. class: without "Fast". NULL: no memory. */
json_t *tok_extra_tokens(const json_t *config, const char *class);

/* surroundings.c */
bool tok_surround_bert(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_mpnet(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_roberta(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_deberta(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_xlmr(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_albert(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_t5(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_pegasus(json_t *root, const json_t *config, const struct usual_tokens *tokens);
bool tok_surround_nothing(json_t *root, const json_t *config, const struct usual_tokens *tokens);
/* The language of a translator's texts, whose token has to be in the vocabulary; NULL: the class is none. */
const char *tok_class_language(const json_t *config, const char *class);

/* Of translators, whose text has the token of its language beside it; class: without "Fast". Others are left as they are. */
bool tok_surround_language(json_t *root, const json_t *config, const char *class);

#endif
