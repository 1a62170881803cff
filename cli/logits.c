#include "cli/commands.h"
#include "cli/ids.h"
#include "cli/npy.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/run.h"

#include <stdlib.h>

static enum hone_status write_rows(const char *path, const float *rows, size_t n_rows, size_t width)
{
    static struct output o;
    enum hone_status status = output_open(&o, path, true);
    if (status != HONE_OK)
        return status;
    npy_begin(&o);
    for (size_t i = 0; i < n_rows; i++)
        output_write(&o, rows + i * width, width * sizeof *rows);
    npy_end(&o, n_rows, width);
    return output_close(&o, true);
}

enum hone_status logits_run(const struct options *options)
{
    struct hone_error err;
    struct hone_model *model;
    float *rows = NULL;
    int32_t *ids;
    size_t n;
    enum hone_status status = ids_read(options->ids, &ids, &n);
    if (status != HONE_OK)
        return status;
    status = run_open_model(&model, options->model, options, false, &err);
    if (status != HONE_OK) {
        free(ids);
        return report_failure(&err);
    }
    size_t width = hone_model_info(model)->n_vocab;
    rows = n > 0 ? calloc(n, width * sizeof *rows) : NULL;
    if (!rows)
        status =
            report_error(n > 0 ? HONE_FAILED : HONE_USAGE, "%s", n > 0 ? "out of memory" : "--ids is empty");
    else if ((status = hone_logits(model, ids, n, rows, &err)) != HONE_OK)
        report_failure(&err);
    else
        status = write_rows(options->output, rows, n, width);
    free(rows);
    free(ids);
    hone_model_close(&model);
    return status;
}
