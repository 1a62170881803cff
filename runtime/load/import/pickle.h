/* The tensors that a pickle of torch.save names. Nothing is executed: of a pickle's machine only what a dictionary of
 * tensors needs is here, a global is a name, and a name that is not one of a tensor's is refused, as is any other
 * instruction. */
#ifndef RUNTIME_LOAD_IMPORT_PICKLE_H
#define RUNTIME_LOAD_IMPORT_PICKLE_H

#include "runtime/base/error.h"

#define PICKLE_MAX_DIMS 8 /* as in safetensors */

struct pickle_tensor {
    struct hone_text name;
    struct hone_text storage; /* by which its numbers are found: "0" */
    const char *dtype;        /* as safetensors calls it: "F32" */
    size_t item_size;
    uint64_t offset; /* elements into the storage */
    unsigned n_dims;
    uint64_t dims[PICKLE_MAX_DIMS], strides[PICKLE_MAX_DIMS];
};

struct pickle {
    struct pickle_tensor *tensors; /* [n]; texts point into the data */
    size_t n;
    struct hone_text *texts; /* [n_texts]: of a list, which older files have; no data: an item is no text */
    size_t n_texts;
    size_t size; /* bytes that the pickle took */
};

/* data must outlive *out, which is to be released after HONE_OK. path: for sentences. */
enum hone_status pickle_read(struct pickle *out, const void *data, size_t size, const char *path,
                             struct hone_error *err);
void pickle_release(struct pickle *p);

#endif
