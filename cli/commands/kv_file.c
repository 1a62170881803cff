#include "cli/commands/kv_file.h"

#include "cli/io/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum hone_status kv_file_check(const char *path)
{
    char *folder = path ? strdup(path) : NULL, *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = '\0';
    bool ok = !path || access(slash ? folder : ".", W_OK | X_OK) == 0;
    free(folder);
    return ok ? HONE_OK : report_error(HONE_FAILED, "%s cannot be written there: %s", path, strerror(errno));
}

enum hone_status kv_file_load(struct hone_model *model, const char *path)
{
    struct hone_error err = {0};
    if (!path || access(path, F_OK) != 0)
        return HONE_OK;
    return hone_kv_load(model, path, NULL, &err) == HONE_OK ? HONE_OK : report_failure(&err);
}

static enum hone_status save(struct hone_model *model, const char *path, const int32_t *ids, size_t n,
                             const struct hone_generation *g, struct hone_error *err)
{
    int32_t *all = malloc((n + g->n_out + 1) * sizeof *all);
    if (!all)
        return report_error(HONE_FAILED, "out of memory");
    memcpy(all, ids, n * sizeof *all);
    memcpy(all + n, g->out_ids, g->n_out * sizeof *all);
    enum hone_status status = hone_kv_save(model, all, n + g->n_out, path, NULL, err);
    free(all);
    return status == HONE_OK ? HONE_OK : report_failure(err);
}

enum hone_status kv_file_save(struct hone_model *model, const char *path, const struct hone_generation *g)
{
    struct hone_error err = {0};
    int32_t *ids;
    size_t *starts;
    if (!path)
        return HONE_OK;
    if (g->ids)
        return save(model, path, g->ids, g->n_ids, g, &err);
    if (hone_tokenize(model, &g->prompt, NULL, 1, !g->no_special, &ids, &starts, NULL, &err) != HONE_OK)
        return report_failure(&err);
    enum hone_status status = save(model, path, ids, starts[1], g, &err);
    hone_free(ids);
    hone_free(starts);
    return status;
}
