#include "cli/adapters.h"
#include "cli/commands.h"
#include "cli/commands/golden.h"
#include "cli/hub/hub.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Tells what is there now: its size and tensors. */
static enum hone_status describe(const char *path, double seconds)
{
    struct hone_error err = {0};
    struct hone_file *file;
    struct stat info;
    enum hone_status status = hone_file_open(&file, path, &err);
    if (status != HONE_OK)
        return report_failure(&err);
    double size = stat(path, &info) == 0 ? (double)info.st_size : 0;
    report_note("wrote %s: %.1f MB, %zu tensors, in %.1f s", path, size / 1e6, hone_file_n_tensors(file),
                seconds);
    hone_file_close(&file);
    return HONE_OK;
}

enum hone_status convert_run(const struct options *options)
{
    struct hone_error err = {0};
    struct adapters adapters = {.n = 0};
    char *folder;
    enum hone_status status = hub_find(options->operand, &folder, &err);
    double start = progress_clock();
    if (status == HONE_OK)
        status = adapters_find(&adapters, options, &err);
    if (status == HONE_OK)
        status = hone_convert_with(folder, options->output, options->type, adapters.list, adapters.n, &err);
    adapters_release(&adapters);
    if (status != HONE_OK) {
        free(folder);
        return report_failure(&err);
    }
    status = describe(options->output, progress_clock() - start);
    if (status == HONE_OK && options->golden)
        status = golden_write(folder, options->golden);
    free(folder);
    return status;
}
