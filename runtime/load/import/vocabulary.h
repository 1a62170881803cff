/* The parts of a tokenizer that only some kinds have, as GGUF keys. */
#ifndef RUNTIME_LOAD_IMPORT_VOCABULARY_H
#define RUNTIME_LOAD_IMPORT_VOCABULARY_H

#include "runtime/load/import/folder.h"
#include "tokenizer/files/tokenizer_json.h"

/* vocabulary_config.c: tokenizer_config.json, to be released; where it does not describe added tokens, with the special tokens of
 * the older file beside it. NULL: there is none. */
enum hone_status vocabulary_read_config(const struct folder *f, json_t **out, struct hone_error *err);

/* vocabulary_class.c: what transformers reads the folder's tokenizer as, the class that the folder names or the model type's
 * own, without "Fast"; "TokenizersBackend" where it takes tokenizer.json as it is. Returns class. */
const char *vocabulary_read_class(const struct folder *f, const json_t *config, char class[64]);

/* What vocab.json and merges.txt hold, where the folder has both; *found tells. */
enum hone_status vocabulary_read_bpe(const struct folder *f, const json_t *config, struct tokenizer_file *out,
                                     bool *found, struct hone_error *err);

/* Where a SentencePiece model cuts a text up and vocab.json has the ids, as Marian's and M2M100's classes have it; *found
 * tells. And that model's file name, where the folder's class is one of these; else NULL. */
enum hone_status vocabulary_read_pieces(const struct folder *f, const json_t *config,
                                        struct tokenizer_file *out, bool *found, struct hone_error *err);
/* What a Marian's target_vocab.json holds, where the configuration says that vocabularies are separate; *found tells. */
enum hone_status vocabulary_read_target(const struct folder *f, const json_t *config,
                                        struct tokenizer_file *out, bool *found, struct hone_error *err);
const char *vocabulary_read_model(const struct folder *f, const json_t *config);
enum hone_status vocabulary_set_pieces(struct folder *f, const struct tok_vocab *vocab,
                                       struct hone_error *err);
/* languages.c: after the tokens. */
enum hone_status import_languages(struct folder *f, const json_t *config, struct hone_error *err);

/* Scores (n_rows of them), merges and the map of characters, where the vocabulary has them. */
enum hone_status vocabulary_set_model(struct folder *f, const struct tok_vocab *vocab, size_t n_rows,
                                      struct hone_error *err);

/* What other programs ask for: whether the template puts a token before and behind a text. Refuses a tokenizer that
 * cannot be had. Before the special ids, one of which it may set. */
enum hone_status vocabulary_set_template(struct folder *f, const struct tokenizer_file *t,
                                         struct hone_error *err);

/* vocabulary_special.c: where pooling leaves a prompt's tokens out, which tokens are special, as Sentence Transformers asks
 * of the prompt's last one. class: without "Fast". */
enum hone_status vocabulary_set_special(struct folder *f, const char *class, const json_t *config,
                                        const struct tok_vocab *vocab, struct hone_error *err);

/* What other programs ask for of a WordPiece vocabulary: how many segments there are, which ids stand around a text, and
 * what is done to its letters. After the special ids. */
enum hone_status vocabulary_set_words(struct folder *f, const struct tokenizer_file *t,
                                      struct hone_error *err);

#endif
