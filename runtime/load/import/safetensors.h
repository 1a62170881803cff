/* The tensors of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names; where there
 * is neither, pytorch_model.bin in one or several parts, of which nothing is executed (torch_file.h).
 *
 * The form is https://huggingface.co/docs/safetensors: a length, a JSON header, the data. The files stay mapped and
 * are checked completely at opening. Not thread-safe while it is opened or given away; any number of readers between.
 */
#ifndef RUNTIME_LOAD_IMPORT_SAFETENSORS_H
#define RUNTIME_LOAD_IMPORT_SAFETENSORS_H

#include "runtime/gguf/gguf.h"

#define SAFETENSORS_MAX_DIMS                                                                                 \
    8 /* twice what GGUF has, for what is stored in more dimensions than it is used in */

struct safetensor {
    const char *name;
    const char *dtype;             /* as the file says it: "F16" */
    const struct quant_type *type; /* F32, F16, BF16; NULL: a dtype that hone does not read */
    unsigned n_dims;
    uint64_t
        dims[SAFETENSORS_MAX_DIMS]; /* slowest first, as PyTorch has them: {n_out, n_in}; unused ones are 1 */
    uint64_t size;                  /* bytes; 0 where a dimension is 0 */
    const void *data;               /* in the mapping, at any alignment */
    bool is_part;                   /* another was made of it, and nothing else needs it */
};

struct safetensors;

/* On success *out is to be closed with safetensors_close; on failure it is NULL. A file that is not well-formed is
 * HONE_BAD_MODEL, and so are tensors that overlap or are there twice, and shards that do not hold what the index says.
 * A dtype that hone does not read is no error until somebody needs the tensor. */
enum hone_status safetensors_open(struct safetensors **out, const char *dir, struct hone_error *err);
/* One file of the folder alone; name NULL: none, tensors are put there. */
enum hone_status safetensors_open_file(struct safetensors **out, const char *dir, const char *name,
                                       struct hone_error *err);
/* NULL and a pointer to NULL are allowed. */
void safetensors_close(struct safetensors **s);

/* All tensors, in the order of the files. */
size_t safetensors_n(const struct safetensors *s);
const struct safetensor *safetensors_at(const struct safetensors *s, size_t i);
size_t safetensors_index(const struct safetensors *s, const struct safetensor *tensor);
const struct safetensor *safetensors_find(const struct safetensors *s,
                                          const char *name); /* NULL: not there */

/* By its shape; for dtypes that hone reads its bytes are as many. */
uint64_t safetensor_n_elements(const struct safetensor *t);

/* The tensor of that name, which becomes a part of another one. NULL: there is none. */
const struct safetensor *safetensors_take_part(struct safetensors *s, const char *name);
/* Adds a tensor, whose data somebody else keeps, or puts it in the place of the one of its name. */
enum hone_status safetensors_put(struct safetensors *s, const struct safetensor *made,
                                 struct hone_error *err);

/* Hands the mappings over to g: the tensors' data then lives until gguf_close, and s is left to be closed. false: out
 * of memory, and what was not handed over stays with s. */
bool safetensors_give_mappings(struct safetensors *s, struct gguf *g);

#endif
