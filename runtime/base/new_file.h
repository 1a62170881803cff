/* A file that appears under its name only when it is complete. Until then it has no name at all, where the file system
 * knows such files (O_TMPFILE), so that nothing is left of it however the program ends; elsewhere it has one beside. */
#ifndef RUNTIME_BASE_NEW_FILE_H
#define RUNTIME_BASE_NEW_FILE_H

#include "runtime/base/error.h"

#include <stdio.h>

struct new_file {
    FILE *stream;
    const char *path; /* the caller's, until new_file_close */
    char *temp_path;  /* beside it; NULL: it has no name yet */
};

/* Only regular files are replaced. HONE_FAILED with a sentence otherwise; nothing is to be closed then. */
enum hone_status new_file_open(struct new_file *f, const char *path, struct hone_error *err);

/* error: 0, or the errno of a write that failed. The file gets its name where all went well, and is gone otherwise. */
enum hone_status new_file_close(struct new_file *f, int error, struct hone_error *err);

#endif
