/* Pipelines written by us, as JSON values. */
#ifndef TOKENIZER_FILES_PRESET_H
#define TOKENIZER_FILES_PRESET_H

#include "tokenizer/component.h"
#include "tokenizer/files/pre_names.h"

/* An entry of "added_tokens"; NULL: no memory. lstrip: it takes the white space before it with it. */
json_t *tok_preset_added_token(struct hone_text text, int32_t id, bool special, bool lstrip);

/* A TemplateProcessing. The ids are -1 where there is none. */
struct preset_template {
    int32_t before, after; /* of each text; before: of the first only, where there is an after */
    bool twice;            /* two of `after` between the texts of a pair */
    bool segments;         /* the second text is of type 1 */
};
json_t *tok_preset_template(const struct tok_vocab *vocab, const struct preset_template *t);

/* BERT's pipeline; strip_accents as in struct vocab_txt_options. The ids of p are cls, sep, unk; added: entries, taken
 * over. NULL: no memory, or one of the three is missing. */
json_t *tok_preset_bert(const struct tok_preset *p, const struct tok_vocab *vocab, bool lowercase,
                        bool chinese, int strip_accents, json_t *added);

/* A pre-tokenizer over bytes. preset_bpe.c */
json_t *tok_preset_cut_up(const struct pre_name *kind);

/* Pipelines without "added_tokens" for GGUF's models gpt2, llama and t5; *mask_lstrip: how the mask token is to be
 * looked for. NULL: with a sentence, or no memory. preset_bpe.c */
json_t *tok_preset_gpt2(const struct tok_preset *p, const struct tok_vocab *vocab, bool *mask_lstrip,
                        struct complaint *c);
json_t *tok_preset_llama(const struct tok_preset *p, const struct tok_vocab *vocab, struct complaint *c);
json_t *tok_preset_t5(const struct tok_preset *p, const struct tok_vocab *vocab, bool *mask_lstrip,
                      struct complaint *c);

#endif
