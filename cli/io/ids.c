#include "cli/io/ids.h"

#include "cli/io/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN " ,\t\n[]"

enum hone_status ids_read(const char *text, int32_t **ids, size_t *n)
{
    *n = 0;
    *ids = malloc((strlen(text) / 2 + 1) * sizeof **ids);
    if (!*ids)
        return report_error(HONE_FAILED, "out of memory");
    for (text += strspn(text, BETWEEN); *text; text += strspn(text, BETWEEN)) {
        char *end;
        errno = 0;
        long id = strtol(text, &end, 10);
        if (end == text || errno || id < 0 || id > INT32_MAX || !strchr(BETWEEN, *end)) {
            free(*ids);
            *ids = NULL;
            return report_error(HONE_USAGE, "--ids should be numbers with spaces between them, not '%.20s'",
                                text);
        }
        (*ids)[(*n)++] = (int32_t)id;
        text = end;
    }
    return HONE_OK;
}
