#include "cli/commands.h"
#include "cli/io/read_all.h"
#include "cli/io/report.h"
#include "cli/run.h"

#include <stdio.h>
#include <stdlib.h>

static enum hone_status measure(struct hone_model *model, struct hone_text text,
                                const struct options *options, struct hone_error *err)
{
    int32_t *ids;
    size_t *starts, n;
    double perplexity;
    enum hone_status status = hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, err);
    if (status != HONE_OK)
        return status;
    n = options->n_tokens && options->n_tokens < starts[1] ? options->n_tokens : starts[1];
    status = hone_perplexity(model, ids, n, options->context, &perplexity, err);
    if (status == HONE_OK && options->json)
        printf("{\"perplexity\": %.6g, \"tokens\": %zu}\n", perplexity, n);
    else if (status == HONE_OK)
        printf("%.4f over %zu tokens\n", perplexity, n);
    hone_free(ids);
    hone_free(starts);
    return status;
}

enum hone_status perplexity_run(const struct options *options)
{
    struct hone_error err = {0};
    struct hone_model *model;
    struct hone_text text;
    char *data;
    enum hone_status status = read_all(options->operand, &data, &text.size);
    if (status != HONE_OK)
        return status;
    text.data = data;
    status = run_open_model(&model, options->model, options, RUN_WHOLE, &err);
    if (status == HONE_OK)
        status = measure(model, text, options, &err);
    if (status != HONE_OK)
        report_failure(&err);
    hone_model_close(&model);
    free(data);
    return status;
}
