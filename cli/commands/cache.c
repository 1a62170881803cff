/* hone cache list, clear and limit: the packed weights that are kept between runs. */
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "1.5G": bytes in units of 1000, as disks are sold. */
static const char *shown(uint64_t bytes, char out[16])
{
    static const char units[] = " kMGTPE";
    double x = (double)bytes;
    size_t unit = 0;
    for (; x >= 999.95 && units[unit + 1]; unit++)
        x /= 1000;
    snprintf(out, 16, unit ? "%.1f%c" : "%.0f", x, units[unit]);
    return out;
}

/* ---- list ---- */

struct listing {
    struct output o;
    struct table table;
    bool json;
    size_t n;
};

static void list_json(struct listing *l, const struct hone_pack *p)
{
    output_text(&l->o, l->n++ ? ",\n  {\"path\": " : "\n  {\"path\": ");
    text_write_json(&l->o, text_from(p->path));
    output_text(&l->o, ", \"model\": ");
    text_write_json(&l->o, text_from(p->model));
    output_text(&l->o, ", \"how\": ");
    text_write_json(&l->o, text_from(p->how));
    output_format(&l->o, ", \"size\": %" PRIu64 ", \"last_used\": %" PRId64 "}", p->size, p->last_used);
}

static void on_pack(void *arg, const struct hone_pack *p)
{
    struct listing *l = arg;
    char size[16], used[32] = "";
    time_t t = (time_t)p->last_used;
    struct tm local;
    if (l->json) {
        list_json(l, p);
        return;
    }
    if (l->n++ == 0) {
        static const struct table_column columns[] = {
            {"size", 8, true}, {"last used", 16, false}, {"for", 18, false}, {"model", 0, false}};
        table_begin(&l->table, &l->o, columns, sizeof columns / sizeof *columns, true);
    }
    if (localtime_r(&t, &local))
        strftime(used, sizeof used, "%Y-%m-%d %H:%M", &local);
    table_cell(&l->table, text_from(shown(p->size, size)));
    table_cell(&l->table, text_from(used));
    table_cell(&l->table, text_from(*p->how ? p->how : "?"));
    table_cell(&l->table, text_from(*p->model ? p->model : "(of another version of hone)"));
}

static void end_list(struct listing *l, const struct hone_packs *all)
{
    char size[16], limit[16];
    if (l->json) {
        output_text(&l->o, l->n ? "\n], \"folder\": " : "], \"folder\": ");
        text_write_json(&l->o, text_from(all->folder));
        output_format(&l->o, ", \"size\": %" PRIu64 ", \"limit\": %" PRIu64 ", \"default_limit\": %s}\n",
                      all->size, all->limit, all->is_default ? "true" : "false");
        return;
    }
    output_format(&l->o, "%zu, %s in ", all->n, shown(all->size, size));
    output_text(&l->o, all->folder);
    output_format(&l->o, "; at most %s%s\n", shown(all->limit, limit),
                  all->is_default ? ", a quarter of the free disk" : "");
}

enum hone_status cache_list_run(const struct options *options)
{
    static struct listing l;
    static struct hone_packs all;
    struct hone_error err = {0};
    enum hone_status status = output_open(&l.o, NULL, false);
    if (status != HONE_OK)
        return status;
    l.json = options->json;
    if (l.json)
        output_text(&l.o, "{\"packs\": [");
    status = hone_packs_list(on_pack, &l, &all, &err);
    if (status == HONE_OK)
        end_list(&l, &all);
    else
        report_failure(&err);
    enum hone_status closed = output_close(&l.o, true);
    return status == HONE_OK ? closed : status;
}

/* ---- clear, limit ---- */

enum hone_status cache_clear_run(const struct options *options)
{
    (void)options;
    static struct hone_packs removed;
    struct hone_error err = {0};
    char size[16];
    enum hone_status status = hone_packs_clear(&removed, &err);
    if (status != HONE_OK)
        return report_failure(&err);
    report_note("%zu removed, %s", removed.n, shown(removed.size, size));
    return HONE_OK;
}

/* "20G", "500M", "1000000": bytes. 0: it is none. */
static uint64_t read_size(const char *text)
{
    static const char units[] = "kMGT";
    char *end;
    double x = strtod(text, &end);
    if (end == text || !isfinite(x) || x < 0)
        return 0;
    const char *unit = *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
    if (unit) {
        x *= pow(1000, (double)(unit - units) + 1);
        end++;
    }
    if (*end == 'B')
        end++;
    return *end || x < 1 || x > 1e18 ? 0 : (uint64_t)x;
}

enum hone_status cache_limit_run(const struct options *options)
{
    struct hone_error err = {0};
    const char *text = options->operand;
    bool usual = strcmp(text, "default") == 0;
    uint64_t bytes = usual ? 0 : read_size(text);
    if (!usual && bytes == 0)
        return report_error(HONE_USAGE,
                            "the limit is '%s', expected a size such as 20G or 500M, or 'default'", text);
    enum hone_status status = hone_packs_limit(bytes, &err);
    return status == HONE_OK ? HONE_OK : report_failure(&err);
}
