/* hone pull, list and rm: models of Hugging Face's hub on this machine. */
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/shelf.h"
#include "cli/hub/store.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdio.h>
#include <string.h>

#define MB 1e6

enum hone_status pull_run(const struct options *options)
{
    static struct output o;
    struct hub_name name;
    struct hub_pulled pulled;
    struct hone_error err = {0};
    double start = progress_clock();
    enum hone_status status = hub_name_read(&name, options->operand, &err);
    if (status == HONE_OK)
        status = hub_pull(&name, options->json_errors, &pulled, &err);
    if (status != HONE_OK)
        return report_failure(&err);
    report_note("%s@%.12s: %zu files, %.1f MB, of which %.1f MB came in %.1f s", name.repo, pulled.commit,
                pulled.n_files, (double)pulled.n_bytes / MB, (double)pulled.n_new / MB,
                progress_clock() - start);
    if (output_open(&o, NULL, false) != HONE_OK)
        return HONE_FAILED;
    output_format(&o, "%s\n", pulled.path);
    return output_close(&o, true);
}

/* ---- list ---- */

struct pull_listing {
    struct output *o;
    struct table table;
    bool json;
    size_t n;
};

static void show(struct pull_listing *l, const char *store, const char *name, const char *commit,
                 uint64_t size, const char *path)
{
    if (l->json) {
        output_text(l->o, l->n++ ? ",\n  {\"name\": " : "{\"models\": [\n  {\"name\": ");
        text_write_json(l->o, text_from(name));
        output_format(l->o, ", \"store\": \"%s\", \"commit\": ", store);
        text_write_json(l->o, text_from(commit));
        output_format(l->o, ", \"size\": %llu, \"path\": ", (unsigned long long)size);
        text_write_json(l->o, text_from(path));
        output_text(l->o, "}");
        return;
    }
    l->n++;
    table_format(&l->table, "%.1f MB", (double)size / MB);
    table_cell(&l->table, text_from(store));
    table_cell(&l->table, text_from(commit));
    table_cell(&l->table, text_from(name));
}

static void on_model(void *arg, const struct shelf_model *m)
{
    char name[2 * HUB_PATH + 32];
    bool usual = strcmp(m->revision, "main") == 0;
    snprintf(name, sizeof name, "hf:%s%s%s%s", m->name, usual ? "" : "@", usual ? "" : m->revision,
             m->whole ? "" : " (in part)");
    show(arg, "hub", name, m->commit, m->size, m->path);
}

static bool on_stored(void *arg, const char *store, const char *name, const char *path, uint64_t size,
                      const char *sha256)
{
    (void)sha256;
    show(arg, store, name, "", size, path);
    return true;
}

enum hone_status list_run(const struct options *options)
{
    static struct output o;
    static const struct table_column columns[] = {
        {"size", 12, true}, {"of", 9, false}, {"commit", 12, false}, {"model (-m)", 0, false}};
    struct pull_listing l = {.o = &o, .json = options->json};
    if (output_open(&o, NULL, false) != HONE_OK)
        return HONE_FAILED;
    if (!l.json)
        table_begin(&l.table, &o, columns, 4, true);
    shelf_each(on_model, &l);
    store_each(on_stored, &l);
    uint64_t size = shelf_size();
    if (l.json)
        output_format(&o, "%s\n], \"hub_size\": %llu}\n", l.n ? "" : "{\"models\": [",
                      (unsigned long long)size);
    enum hone_status status = output_close(&o, true);
    if (!l.json)
        report_note("the hub's models take %.1f MB of the disk", (double)size / MB);
    return status;
}

/* ---- rm ---- */

enum hone_status rm_run(const struct options *options)
{
    struct hub_name name;
    struct hone_error err = {0};
    uint64_t freed;
    for (int i = 0; i < options->n_operands; i++) {
        const char *model = options->operands[i];
        if (store_is_name(model))
            return report_error(HONE_USAGE, "%s is Ollama's: 'ollama rm' takes it away", model);
        enum hone_status status = hub_name_read(&name, model, &err);
        if (status == HONE_OK)
            status = shelf_remove(&name, &freed, &err);
        if (status != HONE_OK)
            return report_failure(&err);
        report_note("%s is gone; %.1f MB are free", model, (double)freed / MB);
    }
    return HONE_OK;
}
