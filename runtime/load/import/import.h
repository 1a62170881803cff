/* A Hugging Face folder as a model file in memory: config.json, safetensors, tokenizer.json or vocab.txt, and the
 * files of Sentence-Transformers, under the keys and names of GGUF (docs/formats.md). */
#ifndef RUNTIME_LOAD_IMPORT_IMPORT_H
#define RUNTIME_LOAD_IMPORT_IMPORT_H

#include "runtime/gguf/gguf.h"

/* Tensor data stays mapped from the folder's files. On success *out is to be closed with gguf_close. With `force` keys that
 * nobody knows are passed over, and told under hone.ignored_keys. */
enum hone_status import_folder(struct gguf **out, const char *dir, bool force, struct hone_error *err);

#endif
