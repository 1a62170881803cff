/* Files for tests, which run in the repository's folder. Each function fails the test where it cannot do its part. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stddef.h>
#include <stdint.h>

/* The whole file, NUL-terminated; the caller frees it. */
void *load_file(const char *path, size_t *size);
void store_file(const char *path, const void *data, size_t size);

/* Of what the file holds; 0: there is none. */
uint64_t file_digest(const char *path);

/* The path of `name` in a folder of this process's own that is removed at its end with what is left in it. The string
 * lives until the 16th next call. */
const char *temp_path(const char *name);

/* How many entries that folder has. */
size_t count_temp_files(void);

#endif
