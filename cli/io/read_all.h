/* A file in memory. */
#ifndef CLI_IO_READ_ALL_H
#define CLI_IO_READ_ALL_H

#include <hone.h>

/* A whole file, or standard input where path is NULL or "-": *data is NUL-terminated, and to be freed. What is wrong has
 * been reported. */
enum hone_status read_all(const char *path, char **data, size_t *size);

#endif
