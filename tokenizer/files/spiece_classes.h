/* SentencePiece models of classes whose ids are not those of the pieces: mBART's and Pegasus' (transformers 5). What stands
 * before and behind the pieces, and how a text is normalised, is the class's to say. */
#ifndef TOKENIZER_FILES_SPIECE_CLASSES_H
#define TOKENIZER_FILES_SPIECE_CLASSES_H

#include "tokenizer/files/amend.h"

/* Whether folder->class is one of them. */
bool tok_spiece_has_class(const char *class);

/* As tok_spiece_read_in. */
bool tok_spiece_read_class(struct hone_text model, const struct tokenizer_folder *folder,
                           struct tokenizer_file *out, struct hone_error *err);

#endif
