#include "cli/commands.h"
#include "cli/io/detect.h"
#include "cli/io/ids.h"
#include "cli/io/npy.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
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
    npy_end(&o, width);
    return output_close(&o, true);
}

/* What --ids and --decoder-ids say. */
struct logits_inputs {
    int32_t *ids, *decoder_ids;
    size_t n, n_decoder;
};

static enum hone_status read_inputs(const struct options *options, struct logits_inputs *in)
{
    static const char *const ends[] = {".npz", "npz", NULL};
    if (detect_by_name(options->output, ends))
        return report_error(HONE_USAGE, "%s: logits are written as npy, one array", options->output);
    enum hone_status status = ids_read(options->ids, &in->ids, &in->n);
    if (status == HONE_OK && options->decoder_ids)
        status = ids_read(options->decoder_ids, &in->decoder_ids, &in->n_decoder);
    if (status == HONE_OK && (in->n == 0 || (options->decoder_ids && in->n_decoder == 0)))
        status = report_error(HONE_USAGE, "%s is empty", in->n == 0 ? "--ids" : "--decoder-ids");
    return status;
}

static enum hone_status predict(struct hone_model *model, const struct logits_inputs *in,
                                const struct options *options)
{
    struct hone_error err = {0};
    const struct hone_model_info *info = hone_model_info(model);
    bool decodes = info->has_decoder || in->n_decoder > 0;
    size_t n_rows = !decodes ? in->n : in->n_decoder > 0 ? in->n_decoder : 1;
    float *rows = calloc(n_rows, info->n_vocab * sizeof *rows);
    if (!rows)
        return report_error(HONE_FAILED, "out of memory");
    enum hone_status status =
        decodes ? hone_decoder_logits(model, in->ids, in->n, in->decoder_ids, in->n_decoder, rows, &err)
                : hone_logits(model, in->ids, in->n, rows, &err);
    status =
        status == HONE_OK ? write_rows(options->output, rows, n_rows, info->n_vocab) : report_failure(&err);
    free(rows);
    return status;
}

enum hone_status logits_run(const struct options *options)
{
    struct hone_error err = {0};
    struct hone_model *model = NULL;
    struct logits_inputs in = {0};
    enum hone_status status = read_inputs(options, &in);
    if (status == HONE_OK) {
        status = run_open_model(&model, options->model, options, RUN_WHOLE, &err);
        status = status == HONE_OK ? predict(model, &in, options) : report_failure(&err);
    }
    free(in.ids);
    free(in.decoder_ids);
    hone_model_close(&model);
    return status;
}
