/* A log that does not grow for ever: PATH, and before it PATH.1, PATH.2, ..., each of at most so many bytes. */
#ifndef CLI_SERVICE_LOG_FILES_H
#define CLI_SERVICE_LOG_FILES_H

#include <hone.h>

#define LOG_FILES_MAX 100 /* old ones are each renamed whenever a new one begins */

struct log_files {
    const char *path;
    uint64_t size;                  /* bytes of a file */
    size_t n_old;                   /* files beside PATH */
    void (*ended)(const void *arg); /* what its process does last; NULL: nothing */
    const void *arg;
};

/* A process that writes what comes through `from` into the files, by whole lines, until whoever writes has ended. Not the
 * service itself: it may write no files once it serves. It keeps no other descriptor of this program open. Returns its
 * pid; -1: errno says why. */
int log_files_keep(const struct log_files *f, int from);

/* Makes room for a line in PATH: where it is full, each file gets the next name, and the oldest goes. */
bool log_files_turn(const struct log_files *f);

/* Writes the last n lines of all files to standard output; SIZE_MAX: all. With `follow` then what comes, until nobody
 * reads it. Failures are reported. */
enum hone_status log_files_show(const char *path, size_t n, bool follow);

#endif
