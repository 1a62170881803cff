/* What a run under load came to, as a row of a table, an object of JSON and a point of a chart. */
#ifndef CLI_LOAD_RESULT_H
#define CLI_LOAD_RESULT_H

#include "cli/io/output.h"
#include "cli/load/plan.h"
#include "cli/load/statistics.h"

struct load_figures {
    char name[64]; /* "64 connections" */
    double at;     /* where a chart has it: connections, or requests a second */
    size_t n, n_good, n_connections;
    double seconds, good_s; /* how long it took; good answers a second */
    double tokens_s;        /* of good answers; 0: nobody tells */
    struct statistics ms; /* of good answers, and of those that did not come in time: as long as was waited */
    struct statistics first, a_token; /* ms, of good ones that were streamed */
    size_t outcomes[LOAD_N_OUTCOMES], statuses[LOAD_STATUSES];
};

enum hone_status load_figures_of(struct load_figures *f, const struct load_plan *plan, const char *name,
                                 double at, struct hone_error *err);

/* A table of some, with a title above; what went wrong stands below. */
void load_figures_show(struct output *o, const char *title, const struct load_figures *f, size_t n);
/* {"load": "...", ...} */
void load_figures_write_json(struct output *o, const struct load_figures *f);
/* "3 of status 503, 1 closed"; "": nothing went wrong. */
void load_figures_errors(const struct load_figures *f, char *out, size_t size);

/* A JSON number, or null for what is not finite. */
void load_write_number(struct output *o, double x);
/* "name": {"mean": ..., ...} */
void load_write_statistics(struct output *o, const char *name, const struct statistics *s);

#endif
