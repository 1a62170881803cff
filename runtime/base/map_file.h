/* A whole file, mapped for reading. */
#ifndef RUNTIME_BASE_MAP_FILE_H
#define RUNTIME_BASE_MAP_FILE_H

#include "runtime/base/error.h"

/* Maps the regular file `path`. On success *data holds *size bytes that are the caller's to give back with
 * unmap_file; an empty file is NULL and 0. HONE_FAILED with a sentence otherwise. A file that another program
 * shortens while it is mapped raises SIGBUS when the lost part is read. */
enum hone_status map_file(const char *path, void **data, size_t *size, struct hone_error *err);

/* NULL is allowed. */
void unmap_file(void *data, size_t size);

#endif
