#include "cli/commands.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <string.h>

struct checks {
    struct output *o;
    bool json;
};

static void on_check(void *arg, const char *name, bool passed, const char *found)
{
    const struct checks *c = arg;
    if (!c->json) {
        output_format(c->o, "%-7s %-15s %s\n", passed ? "ok" : "FAILED", name, found);
        return;
    }
    output_text(c->o, "{\"check\": ");
    text_write_json(c->o, (struct hone_text){name, strlen(name)});
    output_format(c->o, ", \"passed\": %s, \"found\": ", passed ? "true" : "false");
    text_write_json(c->o, (struct hone_text){found, strlen(found)});
    output_text(c->o, "}\n");
}

enum hone_status verify_run(const struct options *options)
{
    static struct output o;
    struct hone_error err = {0};
    struct hone_model *model;
    struct checks checks = {&o, options->json};
    struct options how = *options;
    how.force = true; /* what nothing reads is told, with the rest */
    how.compute = options->compute ? options->compute : "f32";
    enum hone_status status = run_open_model(&model, options->model, &how, RUN_WHOLE, &err);
    if (status != HONE_OK)
        return report_failure(&err);
    status = output_open(&o, NULL, false);
    if (status == HONE_OK) {
        status = hone_verify(model, options->operand, on_check, &checks, &err);
        enum hone_status closed = output_close(&o, true);
        if (status != HONE_OK)
            report_failure(&err);
        status = status == HONE_OK ? closed : status;
    }
    hone_model_close(&model);
    return status;
}
