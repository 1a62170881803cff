/* A file that appears under its name only when it is complete.
 *
 * Until then it has no name at all where the file system can do that (O_TMPFILE), so whatever ends the process, SIGKILL
 * too, leaves nothing behind. Elsewhere it is a file beside it, NAME.PID-N.tmp, locked while it is written; those whose
 * writer is gone are removed when the same name is written again. */
#ifndef RUNTIME_BASE_NEW_FILE_H
#define RUNTIME_BASE_NEW_FILE_H

#include "runtime/base/error.h"

#include <stdio.h>

struct new_file {
    FILE *stream;
    const char *path; /* the caller's, until new_file_close */
    char *temp_path;  /* beside it, or NULL: it has no name yet */
};

/* Only regular files are replaced. HONE_FAILED with a sentence otherwise; nothing is to be closed then. */
enum hone_status new_file_open(struct new_file *f, const char *path, struct hone_error *err);

/* error: 0, or the errno of a write that failed. The file gets its name where all went well and it is on the disk, and is
 * gone otherwise. */
enum hone_status new_file_close(struct new_file *f, int error, struct hone_error *err);

/* Removes the files beside `path` that a process began to write as `path` and was ended. */
void new_file_remove_stale(const char *path);

#endif
