#include "server/file.h"
#include "server/http/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE (1u << 20) /* of keys, certificates and settings */

enum hone_status file_read(char **out, const char *path, struct hone_error *err)
{
    FILE *file = fopen(path, "rbe");
    char *data = malloc(MAX_SIZE + 1);
    enum hone_status status = HONE_OK;
    *out = NULL;
    size_t n = file && data ? fread(data, 1, MAX_SIZE + 1, file) : 0;
    if (!data)
        status = fail(err, HONE_FAILED, "out of memory for %s", path);
    else if (!file || ferror(file))
        status = fail_errno(err, HONE_USAGE, "%s", path);
    else if (n > MAX_SIZE || memchr(data, '\0', n))
        status = fail(err, HONE_USAGE, "%s is no text of at most a megabyte", path);
    if (file)
        fclose(file);
    if (status != HONE_OK) {
        free(data);
        return status;
    }
    data[n] = '\0';
    *out = data;
    return HONE_OK;
}
