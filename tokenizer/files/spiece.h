/* SentencePiece's model files (https://github.com/google/sentencepiece, sentencepiece_model.proto) as what tokenizer_new
 * takes. Such a file says how words are cut, but not which special tokens a model family adds: the family does. */
#ifndef TOKENIZER_FILES_SPIECE_H
#define TOKENIZER_FILES_SPIECE_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

#define SPIECE_MAX_EXTRA 65536 /* tokens behind the pieces */

enum spiece_family {
    SPIECE_T5,    /* sentinels <extra_id_99> ... <extra_id_0> behind the pieces; a text ends with </s> */
    SPIECE_XLMR,  /* <s> <pad> </s> <unk>, pieces from the fourth, <mask>; <s> text </s> */
    SPIECE_LLAMA, /* a space before each text; <s> text */
    SPIECE_GEMMA  /* no space; <bos> text */
};

struct spiece_options {
    enum spiece_family family;
    int extra_ids;        /* SPIECE_T5: sentinels, at most SPIECE_MAX_EXTRA */
    bool legacy;          /* SPIECE_LLAMA: a space after each special token, too */
    int add_bos, add_eos; /* 0, 1; -1: as usual */
    const json_t *added; /* tokenizer_config.json's "added_tokens_decoder": {"id": {"content", ...}}, or NULL;
                             must outlive what is read */
};

/* false: not such a file, a model that is neither Unigram nor BPE, or no memory; *out is then empty. */
bool tok_spiece_read(struct hone_text model, const struct spiece_options *options, struct tokenizer_file *out,
                     struct hone_error *err);

#endif
