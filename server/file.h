/* Small files, read as a whole: settings, keys, certificates. */
#ifndef SERVER_FILE_H
#define SERVER_FILE_H

#include <hone.h>

/* *out: the file's bytes and a NUL, to be freed. A file of more than a megabyte, or with a NUL in it, is refused. */
enum hone_status file_read(char **out, const char *path, struct hone_error *err);

#endif
