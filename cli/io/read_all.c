#include "cli/io/read_all.h"

#include "cli/io/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 30)

enum hone_status read_all(const char *path, char **data, size_t *size)
{
    bool standard = !path || strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    size_t capacity = 1 << 16, got;
    *size = 0;
    *data = f ? malloc(capacity) : NULL;
    if (!f)
        return report_error(HONE_FAILED, "%s: cannot be opened", path);
    while (*data && *size < MAX_FILE && (got = fread(*data + *size, 1, capacity - *size, f)) > 0) {
        *size += got;
        char *grown = *size == capacity ? realloc(*data, capacity *= 2) : *data;
        if (!grown)
            free(*data);
        *data = grown;
    }
    bool failed = ferror(f);
    if (!standard)
        (void)fclose(f);
    if (*data && !failed) {
        (*data)[*size] = '\0';
        return HONE_OK;
    }
    free(*data);
    *data = NULL;
    return report_error(HONE_FAILED, "%s: %s", standard ? "standard input" : path,
                        failed ? "cannot be read" : "out of memory");
}
