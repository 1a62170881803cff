/* What tells whether a model's files are still those that were read. */
#ifndef SERVER_MODEL_FILES_H
#define SERVER_MODEL_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct model_files {
    uint64_t print;  /* another one once a file is written, added or removed; never 0 */
    uint64_t bytes;  /* all together */
    time_t modified; /* the latest */
};

/* Of the file at path, with its other parts where it is one of several; or of those in the folder at path and one floor below it,
 * where sentence-transformers keeps a model's modules, and in the folder of the model that an adapter there names. Only asks what
 * the system knows of them. False, and errno: there is nothing. Thread-safe. */
bool model_files_look(struct model_files *out, const char *path);

#endif
