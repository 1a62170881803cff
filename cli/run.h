/* What the commands that read texts have in common: lines from a file go through a model, window by window. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/io/paths.h"
#include "cli/io/records.h"
#include "cli/io/table.h"
#include "cli/jobs/checkpoint.h"
#include "cli/options.h"

struct run;

/* Computes what there is to know of the window's texts, run->lines.texts. An empty err->message: it has been reported. */
typedef enum hone_status (*run_compute)(struct run *run, struct hone_error *err);

enum run_input {
    RUN_TEXTS,    /* texts: lines, or columns of jsonl, csv and tsv */
    RUN_REQUESTS, /* lines of JSON, each as it is */
    RUN_LINES,    /* lines, each as it is */
};

struct run {
    const struct options *options;
    struct hone_model *model;
    const struct hone_model_info *info;
    struct hone_run_options how;
    run_compute compute;
    size_t width;  /* values a text */
    float *values; /* [LINES_MAX_TEXTS, width], for `compute` to fill */
    struct paths paths;
    struct lines lines;
    struct records records;
    enum run_input input;
    struct hone_stats stats;
    struct checkpoint checkpoint; /* with --resume */
    size_t n_done;                /* texts of earlier windows */
    enum hone_status status;      /* of the whole run; once it is not HONE_OK, run_next reads no more */
};

enum run_part { RUN_WHOLE, RUN_VOCABULARY, RUN_HEADER };

/* hone_model_open as the options say, of a path or a name (cli/hub/hub.h): all of it, its tokenizer alone, or all but its
 * weights. A model that is not there is HONE_BAD_MODEL. */
enum hone_status run_open_model(struct hone_model **model, const char *name, const struct options *options,
                                enum run_part part, struct hone_error *err);

/* How texts are taken, as the options say. */
struct hone_run_options run_how(const struct options *options);

/* Opens model and input. Afterwards the caller checks that the model suits, and calls run_start. On failure, which is
 * reported and kept in run->status, there is nothing to close. */
enum hone_status run_open(struct run *run, const struct options *options, enum run_input input,
                          bool vocab_only);
enum hone_status run_start(struct run *run, size_t width, run_compute compute);

/* Opens --output, with --resume behind what an earlier run has left there. head: bytes at its beginning that are written last
 * (output_patch), if any. What fails is reported and kept in run->status. */
enum hone_status run_open_output(struct run *run, struct output *o, size_t head);

/* Reads a window that has no results yet, and computes it; what was written of those before is flushed. A text that is refused is reported and marked in run->lines.refused. False at the
 * end and after a failure. */
bool run_next(struct run *run);

/* What a command writes of the window's text i: rows of a table, or a line of JSON. */
struct run_form {
    const struct table_column *columns;
    size_t n_columns;
    void (*write_rows)(struct table *t, const struct run *run, size_t i);
    void (*write_json)(struct output *o, const struct run *run, size_t i);
};

/* Computes all windows and writes them to --output: as JSON where --format says jsonl, or says nothing and the output is a
 * file; else as a table. What fails is reported and kept in run->status. */
void run_write(struct run *run, const struct run_form *form);

/* Tells what happened to the texts, and closes. Returns what the program should: run->status, or HONE_REFUSED if all
 * went well but some texts were refused. */
enum hone_status run_close(struct run *run);

#endif
