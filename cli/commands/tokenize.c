#include "cli/commands.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/number.h"
#include "cli/run.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What one window became. */
struct token_window {
    int32_t *ids; /* those of text i: from starts[i] up to starts[i + 1] */
    size_t *starts;
};
static struct token_window window;

static void release_window(void)
{
    hone_free(window.ids);
    hone_free(window.starts);
    window.ids = NULL;
    window.starts = NULL;
}

/* ---- text to ids ---- */

static enum hone_status compute_ids(struct run *run, struct hone_error *err)
{
    struct lines *l = &run->lines;
    const struct options *o = run->options;
    /* Each line in has a line out: an empty one cannot go without saying. */
    for (size_t i = 0; i < l->n; i++)
        if (l->refused[i] && !l->why[i])
            lines_refuse(l, i, "an empty line is no JSON");
    struct hone_model *model = hone_model_route(run->model, run->how.as);
    if (!model)
        return report_error(HONE_USAGE,
                            "%s reads queries and documents each in their own way: say which with "
                            "--as",
                            o->model);
    return hone_tokenize(model, l->texts, o->pair ? l->pairs : NULL, l->n, !o->no_special, &window.ids,
                         &window.starts, &run->stats, err);
}

static void write_ids(struct output *o, const int32_t *ids, size_t n)
{
    output_text(o, "[");
    for (size_t i = 0; i < n; i++) {
        char *p = output_reserve(o, NUMBER_MAX + 1);
        size_t comma = i ? 1 : 0;
        *p = ',';
        output_advance(o, comma + number_write_int(p + comma, ids[i]));
    }
    output_text(o, "]\n");
}

static void encode_lines(struct run *run, struct output *o)
{
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++)
            if (run->lines.refused[i])
                output_text(o, "null\n");
            else
                write_ids(o, window.ids + window.starts[i], window.starts[i + 1] - window.starts[i]);
        release_window();
        run->status = output_flush(o);
    }
    release_window();
}

/* ---- ids to text ---- */

#define NO_IDS "this is neither a JSON array of ids nor ids with spaces between them"

struct id_list {
    int32_t *ids;
    size_t n, capacity;
};

static const char *add_id(struct id_list *list, long long id)
{
    if (id < 0 || id > INT32_MAX)
        return "an id is negative or too large";
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        int32_t *ids = reallocarray(list->ids, capacity, sizeof *ids);
        if (!ids)
            return "out of memory for the ids";
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->n++] = (int32_t)id;
    return NULL;
}

static const char *read_json_ids(struct id_list *list, struct hone_text text)
{
    json_t *json = json_loadb(text.data, text.size, 0, NULL), *value;
    const char *why = json_is_array(json) ? NULL : NO_IDS;
    size_t i;
    json_array_foreach (json, i, value) {
        if (!why)
            why = json_is_integer(value) ? add_id(list, json_integer_value(value)) : NO_IDS;
    }
    json_decref(json);
    return why;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Returns NULL, or why it cannot be done. */
static const char *read_ids(struct id_list *list, struct hone_text text)
{
    const char *s = text.data, *end = s + text.size, *why = NULL;
    list->n = 0;
    while (s < end && is_space(*s))
        s++;
    if (s < end && *s == '[')
        return read_json_ids(list, text);
    while (s < end && !why) {
        const char *start = s;
        long long id = 0;
        for (; s < end && *s >= '0' && *s <= '9' && s - start < 18; s++)
            id = 10 * id + (*s - '0');
        why = s == start || (s < end && !is_space(*s)) ? NO_IDS : add_id(list, id);
        while (s < end && is_space(*s))
            s++;
    }
    return why;
}

static void decode_line(struct run *run, size_t i, struct id_list *list, struct output *o)
{
    struct hone_error err = {0};
    char *text = NULL;
    size_t size = 0;
    const char *why = run->lines.refused[i] ? NULL : read_ids(list, run->lines.texts[i]);
    if (!why && hone_detokenize(run->model, list->ids, list->n, run->options->no_special, &text, &size,
                                &err) != HONE_OK)
        why = err.message;
    if (why)
        lines_refuse(&run->lines, i, why);
    if (text && run->options->jsonl)
        text_write_json(o, (struct hone_text){text, size});
    else if (text)
        output_write(o, text, size);
    else if (run->options->jsonl)
        output_text(o, "null");
    output_text(o, "\n");
    hone_free(text);
}

static enum hone_status compute_nothing(struct run *run, struct hone_error *err)
{
    (void)run;
    (void)err;
    return HONE_OK;
}

static void decode_lines(struct run *run, struct output *o)
{
    struct id_list list = {0};
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++)
            decode_line(run, i, &list, o);
        run->status = output_flush(o);
    }
    free(list.ids);
}

static void tokenize_lines(struct run *run)
{
    static struct output o;
    run->status = output_open(&o, NULL, false);
    if (run->status != HONE_OK)
        return;
    (run->options->decode ? decode_lines : encode_lines)(run, &o);
    enum hone_status closed = output_close(&o, true);
    if (run->status == HONE_OK)
        run->status = closed;
}

enum hone_status tokenize_run(const struct options *options)
{
    struct run run;
    if (options->decode && options->pair)
        return report_error(HONE_USAGE, "--decode and --pair exclude each other");
    if (run_open(&run, options, options->decode ? RUN_LINES : RUN_TEXTS, true) != HONE_OK)
        return run.status;
    if (run_start(&run, 0, options->decode ? compute_nothing : compute_ids) == HONE_OK)
        tokenize_lines(&run);
    return run_close(&run);
}
