/* Tokenizers of translation models (Marian's, M2M100's): a SentencePiece model cuts texts into pieces, and a vocab.json of
 * its own has the ids of pieces, which may leave some out. */
#ifndef TOKENIZER_FILES_PIECE_VOCAB_H
#define TOKENIZER_FILES_PIECE_VOCAB_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

struct piece_vocab_options {
    const json_t *config; /* tokenizer_config.json, which may name the special tokens; or NULL */
    const char *const
        *languages;     /* of tokens __CODE__ behind the vocabulary's, in order; NULL at the end; or NULL */
    const char *source; /* of them, the one of texts; NULL: a text begins with no token */
    bool leading_codes; /* ">>CODE<<" at a text's start is one token */
};

/* vocab: {token: id}. false: not such files, or no memory; *out is then empty. */
bool tok_piece_vocab_read(struct hone_text vocab, struct hone_text model,
                          const struct piece_vocab_options *options, struct tokenizer_file *out,
                          struct hone_error *err);

/* The same of a vocabulary that is written alone (Marian's target_vocab.json), which has no pieces and cuts up no text. */
bool tok_piece_target_read(struct hone_text vocab, const json_t *config, struct tokenizer_file *out,
                           struct hone_error *err);

/* The languages of M2M100, or of the models of WMT21; NULL: there is no such set. */
const char *const *tok_piece_languages(const char *set);

#endif
