/* What transformers makes of a tokenizer.json beyond what is in it: its tokenizer classes build their pipelines anew from the
 * vocabulary and tokenizer_config.json, and tokens may have been added in files beside it. */
#ifndef TOKENIZER_FILES_AMEND_H
#define TOKENIZER_FILES_AMEND_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

/* What a folder says of its tokenizer. */
struct tokenizer_folder {
    const char *class;    /* of transformers, without "Fast"; "" for none: tokenizer.json counts as it is */
    const json_t *config; /* tokenizer_config.json; or NULL */
    const json_t *added;  /* added_tokens.json: {token: id}; or NULL */
    /* What a model puts before queries and documents, which may be one token: a text that begins so has that token. NULL: none */
    const char *markers[2];
    size_t n_rows;   /* tokens that the model has an embedding for */
    bool lowercases; /* before anything else, unless the pipeline does so anyway */
};

/* The token that a class of transformers has by itself under a name ("sep_token"), where the configuration does not say; ""
 * for none. NULL: the class is not one of those whose tokens are known. class: without "Fast". */
const char *tok_usual_token(const char *class, const char *name);

/* root: a tokenizer.json, whose model gets a type in any case, by what it has. folder may be NULL. false: no memory. */
bool tok_amend(json_t *root, const struct tokenizer_folder *folder);

/* Reads the bytes of a tokenizer.json; and one that is JSON already, which is taken over. */
bool tok_json_read_in(struct hone_text json, const struct tokenizer_folder *folder,
                      struct tokenizer_file *out, struct hone_error *err);
bool tok_json_take(json_t *root, const struct tokenizer_folder *folder, struct tokenizer_file *out,
                   struct hone_error *err);

/* A SentencePiece model whose class builds its pipeline anew (DeBERTa's). */
bool tok_spiece_read_in(struct hone_text model, const struct tokenizer_folder *folder,
                        struct tokenizer_file *out, struct hone_error *err);

/* A vocab.txt of WordPiece, one token a line. */
bool tok_vocab_txt_read(struct hone_text lines, const struct tokenizer_folder *folder,
                        struct tokenizer_file *out, struct hone_error *err);

#endif
