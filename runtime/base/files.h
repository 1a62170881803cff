/* Files: whole ones, mapped for reading, and new ones, which appear under their name only when they are complete. */
#ifndef RUNTIME_BASE_FILES_H
#define RUNTIME_BASE_FILES_H

#include "runtime/base/error.h"

#include <stdio.h>
#include <time.h>

/* ---- mapped files ---- A whole file, mapped for reading.
 *
 * A file that another program shortens, or whose disk fails, raises SIGBUS where the lost part is read. The first
 * map_file therefore installs a handler for that signal: reads in a mapping of this file give zeros from there on, the
 * mapping is marked, and who computed with it asks map_file_is_whole before anything of it leaves. A fault anywhere else
 * goes to the handler that was there before, or ends the process as ever. */

/* Which file it was that was mapped, and in what state: any write to it, and any new name, changes ctime. */
struct file_identity {
    uint64_t device, inode, size;
    int64_t changed_s, changed_ns;
};

/* Maps the regular file `path`. On success *data holds *size bytes that are the caller's to give back with
 * unmap_file; an empty file is NULL and 0. HONE_FAILED with a sentence otherwise. */
enum hone_status map_file(const char *path, void **data, size_t *size, struct hone_error *err);

/* The same, and which file it is; no_follow: a symbolic link, a file of another user or one that others may write is
 * refused. identity may be NULL. */
enum hone_status map_file_as(const char *path, bool no_follow, void **data, size_t *size,
                             struct file_identity *identity, struct hone_error *err);

/* NULL is allowed. */
void unmap_file(void *data, size_t size);

/* Whether no part of what map_file returned was lost. NULL is whole. Thread-safe; a system call. */
bool map_file_is_whole(const void *data);

/* What was read of it is not what it should be: as if a part were lost. Thread-safe. */
void map_file_mark_lost(const void *data);

/* Whether reads of any mapping met a lost page since the process began: cheaper than the question above, and most often
 * its answer. */
bool map_file_any_lost(void);

/* ---- new files ---- A file that appears under its name only when it is complete.
 *
 * Until then it has no name at all where the file system can do that (O_TMPFILE), so whatever ends the process, SIGKILL
 * too, leaves nothing behind. Elsewhere it is a file beside it, NAME.PID-N.tmp, locked while it is written. So it is, for a
 * moment, where it takes the place of another file: a link cannot do that, only a rename can. Those whose writer is gone
 * are removed when the same name is written again. */

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

/* Gives the file without a name behind fd (O_TMPFILE) the name `path`, in the place of what has it. Signals wait for it, so
 * that none ends the thread between the two steps that this takes. fd is locked by the caller (flock), or another writer of
 * `path` could take it for stale. 0 or an errno. */
int new_file_name(int fd, const char *path);

/* Removes the files beside `path` that a process began to write as `path` and was ended. */
void new_file_remove_stale(const char *path);

#endif
