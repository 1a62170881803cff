/* What the parts of the import share: the folder, its configuration, and the file being built from them. */
#ifndef RUNTIME_CONVERT_FOLDER_H
#define RUNTIME_CONVERT_FOLDER_H

#include "runtime/arch.h"
#include "runtime/convert/safetensors.h"

#include <jansson.h>

struct folder {
    const char *dir;
    json_t *config; /* config.json */
    const struct arch *arch;
    struct gguf *g;
    struct safetensors *tensors;
    size_t n_labels; /* 0: an embedding model */
};

/* Reads dir/name as JSON. A file that is not there leaves *out NULL: an error only where it is required. */
enum hone_status folder_json(const struct folder *f, const char *name, bool required, json_t **out,
                             struct hone_error *err);
/* Maps dir/name; NULL and 0 where it is not there (or empty). To be given back with unmap_file. */
enum hone_status folder_map(const struct folder *f, const char *name, void **data, size_t *size,
                            struct hone_error *err);
/* The result of a gguf_set_... call. */
enum hone_status folder_set(bool ok, const char *key, struct hone_error *err);

/* One part of the import each; they fill f->g. */
enum hone_status import_config(struct folder *f, struct hone_error *err); /* numbers, labels, scores */
enum hone_status import_sentence(struct folder *f,
                                 struct hone_error *err); /* pooling, maximum length, prompts */
enum hone_status import_tokenizer(struct folder *f, struct hone_error *err); /* after import_tensors */
enum hone_status import_tensors(struct folder *f, struct hone_error *err);

#endif
