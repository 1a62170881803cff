/* The entries of a zip archive that are stored as they are: what torch.save writes. */
#ifndef RUNTIME_LOAD_IMPORT_ZIP_H
#define RUNTIME_LOAD_IMPORT_ZIP_H

#include "runtime/base/error.h"

struct zip {
    const char *data;
    size_t size;
    const char **entries; /* [n] of the list, in the order of their names read backwards */
    size_t n;
};

/* Whether it begins as such an archive does. */
bool zip_is(const void *data, size_t size);

/* path: for sentences. The data must outlive *out, which is to be released after HONE_OK. */
enum hone_status zip_read(struct zip *out, const void *data, size_t size, const char *path,
                          struct hone_error *err);
void zip_release(struct zip *zip);

/* The entry whose name ends with "/" and `name`; *found is NULL where there is none. One that is compressed, encrypted or
 * leaves the file is HONE_BAD_MODEL. */
enum hone_status zip_find(const struct zip *zip, const char *name, const char **found, size_t *size,
                          const char *path, struct hone_error *err);

#endif
