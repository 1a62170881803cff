#include "cli/commands/inspect.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/io/report.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

size_t inspect_types(const struct hone_file *file, struct type_count counts[MAX_TYPES])
{
    size_t n = 0;
    for (size_t i = 0; i < hone_file_n_tensors(file); i++) {
        struct hone_file_tensor t = hone_file_tensor(file, i);
        size_t k = 0;
        while (k < n && strcmp(counts[k].name, t.type) != 0)
            k++;
        if (k == n && n == MAX_TYPES)
            continue;
        if (k == n)
            counts[n++] = (struct type_count){.name = t.type};
        counts[k].n++;
        counts[k].size += t.size;
    }
    return n;
}

uint64_t inspect_size(const struct hone_file *file)
{
    uint64_t size = 0;
    for (size_t i = 0; i < hone_file_n_tensors(file); i++)
        size += hone_file_tensor(file, i).size;
    return size;
}

enum hone_status inspect_run(const struct options *options)
{
    static struct output o;
    struct hone_error err = {0};
    struct subject s = {.options = options, .o = &o};
    if (run_open_model(&s.model, options->operand, options, RUN_HEADER, &s.why) == HONE_OK)
        s.info = hone_model_info(s.model);
    char *path;
    enum hone_status status = hub_find(options->operand, &path, &err);
    if (status == HONE_OK)
        status = hone_file_open(&s.file, path, &err);
    free(path);
    if (status != HONE_OK)
        status = report_failure(s.model ? &err : &s.why);
    else
        status = output_open(&o, NULL, false);
    if (status == HONE_OK) {
        (options->json ? inspect_show_json : inspect_show_tables)(&s);
        status = output_close(&o, true);
    }
    if (status == HONE_OK && hone_file_damage(s.file))
        status = report_error(HONE_BAD_MODEL, "%s", hone_file_damage(s.file));
    hone_model_close(&s.model);
    hone_file_close(&s.file);
    return status;
}
