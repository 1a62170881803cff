#include "cli/io/paths.h"
#include "cli/io/report.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool add(struct paths *p, const char *name)
{
    char **items = reallocarray(p->items, p->n + 1, sizeof *items);
    p->items = items ? items : p->items;
    if (!items || !(items[p->n] = strdup(name)))
        return false;
    p->n++;
    return true;
}

static bool add_files(struct paths *p, const char *pattern)
{
    glob_t found;
    int failure = glob(pattern, GLOB_NOCHECK, NULL, &found);
    bool ok = failure == 0;
    for (size_t i = 0; ok && i < found.gl_pathc; i++)
        ok = add(p, found.gl_pathv[i]);
    if (failure == 0)
        globfree(&found);
    return ok;
}

enum hone_status paths_expand(struct paths *p, char *const *names, size_t n)
{
    bool ok = true;
    *p = (struct paths){0};
    for (size_t i = 0; i < n && ok; i++) {
        bool is_pattern = strpbrk(names[i], "*?[") && access(names[i], F_OK) != 0;
        ok = is_pattern ? add_files(p, names[i]) : add(p, names[i]);
        if (!ok)
            report_error(HONE_FAILED, "%s: its files cannot be listed", names[i]);
    }
    if (!ok)
        paths_release(p);
    return ok ? HONE_OK : HONE_FAILED;
}

void paths_release(struct paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->items[i]);
    free(p->items);
    *p = (struct paths){0};
}
