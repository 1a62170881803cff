#include "cli/adapters.h"

#include "cli/hub/hub.h"
#include "cli/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind the last colon, and how much comes before it; all of it where there is no number. */
static size_t cut_scale(const char *text, float *scale)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    const double x = colon ? strtod(colon + 1, &end) : 1;
    const bool number = colon && end > colon + 1 && *end == 0 && isfinite(x);
    *scale = number ? (float)x : 1;
    return number ? (size_t)(colon - text) : strlen(text);
}

enum hone_status adapters_find(struct adapters *a, const struct options *options, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    a->n = 0;
    for (size_t i = 0; i < options->loras.n && status == HONE_OK; i++) {
        const char *text = options->loras.items[i];
        char *path = NULL, *name = strndup(text, cut_scale(text, &a->list[i].scale));
        if (!name) {
            snprintf(err->message, sizeof err->message, "out of memory: an adapter's name");
            return err->status = HONE_FAILED;
        }
        status = hub_find(name, &path, err);
        free(name);
        a->list[i].path = path;
        a->n += status == HONE_OK;
    }
    return status;
}

void adapters_release(struct adapters *a)
{
    for (size_t i = 0; i < a->n; i++)
        free((char *)a->list[i].path);
    a->n = 0;
}
