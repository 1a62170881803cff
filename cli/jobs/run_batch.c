/* hone run-batch: a file of requests in OpenAI's batch form to one of answers. A server of its own, on a socket that nobody
 * else knows, answers them: so each body means what it means over HTTP, whatever the endpoint. */
#include "cli/commands.h"
#include "cli/io/paths.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/jobs/batch_client.h"
#include "cli/jobs/resume.h"
#include "cli/service/background.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_CLIENTS 64 /* requests at once: enough that batches are full */

struct batch_line {
    json_t *json;
    const char *url; /* NULL: it was refused */
    char *body;
    size_t size;
    struct batch_answer answer;
    const char *why; /* it was refused */
};

static struct batch_job {
    const struct options *options;
    struct lines lines;
    struct resume resume;
    char folder[256], socket[300];
    struct background server;
    pid_t pid;
    struct batch_line window[LINES_MAX_TEXTS];
    pthread_mutex_t lock;
    size_t next, n_answered; /* of the window */
    size_t n_failed;
} batch = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the server ---- */

static enum hone_status serve(const void *options)
{
    return serve_run(options);
}

static enum hone_status start_server(struct options *serving)
{
    const char *place = getenv("TMPDIR");
    snprintf(batch.folder, sizeof batch.folder, "%s/hone-batch-XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(batch.folder))
        return report_error(HONE_FAILED, "%s: no folder can be made there", batch.folder);
    snprintf(batch.socket, sizeof batch.socket, "%s/socket", batch.folder);
    const char **values = serving->serving.values;
    values[SETTING_SOCKET] = batch.socket;
    values[SETTING_MAX_BODY] = "80"; /* MB: more than a line may have */
    values[SETTING_MAX_BATCH] = "1000000";
    values[SETTING_QUEUE_TIMEOUT] = values[SETTING_REQUEST_TIMEOUT] = "0";
    values[SETTING_LOG_LEVEL] = "error";
    enum hone_status status = background_find(&batch.server, batch.folder);
    return status == HONE_OK ? background_start_own(&batch.server, serve, serving, &batch.pid) : status;
}

static void stop_server(void)
{
    if (batch.pid > 0)
        (void)background_stop(&batch.server, batch.pid, 30);
    background_remove(&batch.server);
}

/* ---- requests ---- */

static const char *read_request(struct batch_line *line, struct hone_text text)
{
    json_error_t error;
    line->json = json_loadb(text.data, text.size, JSON_ALLOW_NUL, &error);
    const char *method = json_string_value(json_object_get(line->json, "method"));
    const char *url = json_string_value(json_object_get(line->json, "url"));
    const json_t *body = json_object_get(line->json, "body");
    if (!line->json)
        return "this is not JSON";
    if (!json_is_string(json_object_get(line->json, "custom_id")))
        return "there is no string 'custom_id'";
    if (method && strcmp(method, "POST") != 0)
        return "the method is not POST";
    if (!url || url[0] != '/' || strpbrk(url, " \r\n\t"))
        return "there is no 'url' that is a path, as /v1/embeddings";
    if (!json_is_object(body))
        return "there is no object 'body'";
    if (json_is_true(json_object_get(body, "stream")))
        return "an answer in a file cannot be a stream";
    line->body = json_dumps(body, JSON_COMPACT);
    line->size = line->body ? strlen(line->body) : 0;
    line->url = url;
    return line->body ? NULL : "out of memory";
}

static void *answer_some(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_mutex_lock(&batch.lock);
        while (batch.next < batch.lines.n && !batch.window[batch.next].url)
            batch.next++;
        struct batch_line *line = batch.next < batch.lines.n ? &batch.window[batch.next++] : NULL;
        pthread_mutex_unlock(&batch.lock);
        if (!line)
            return NULL;
        batch_ask(batch.socket, line->url, (struct hone_text){line->body, line->size}, &line->answer);
        pthread_mutex_lock(&batch.lock);
        batch.n_answered++;
        progress_show(batch.lines.first + batch.n_answered, lines_part(&batch.lines, batch.n_answered));
        pthread_mutex_unlock(&batch.lock);
    }
}

static void answer_window(void)
{
    pthread_t threads[N_CLIENTS];
    size_t n = 0;
    batch.next = batch.n_answered = 0;
    while (n < N_CLIENTS && n < batch.lines.n && pthread_create(&threads[n], NULL, answer_some, NULL) == 0)
        n++;
    if (n == 0)
        answer_some(NULL);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* ---- rows ---- */

static void write_body(struct output *o, const struct batch_answer *answer)
{
    json_t *json = json_loadb(answer->body, answer->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        output_text(o, text);
    else
        text_write_json(o, (struct hone_text){answer->body, answer->size});
    free(text);
    json_decref(json);
}

static void write_row(struct output *o, const struct batch_line *line, size_t index)
{
    const char *id = json_string_value(json_object_get(line->json, "custom_id"));
    const char *why = line->why ? line->why : line->answer.status == 0 ? line->answer.body : NULL;
    output_format(o, "{\"id\": \"batch_req_%zu\", \"custom_id\": ", index);
    if (id)
        text_write_json(o, text_from(id));
    else
        output_text(o, "null");
    if (why) {
        output_text(o, ", \"response\": null, \"error\": {\"code\": \"invalid_request\", \"message\": ");
        text_write_json(o, text_from(why));
        output_text(o, "}}\n");
        return;
    }
    output_format(o, ", \"response\": {\"status_code\": %d, \"request_id\": \"req_%zu\", \"body\": ",
                  line->answer.status, index);
    write_body(o, &line->answer);
    output_text(o, "}, \"error\": null}\n");
}

static void release_line(struct batch_line *line)
{
    json_decref(line->json);
    free(line->body);
    free(line->answer.body);
    memset(line, 0, sizeof *line);
}

/* Lines that are done already, or empty, have no row. */
static bool is_left_out(size_t i)
{
    return resume_has(&batch.resume, &batch.lines, i) || text_is_blank(batch.lines.texts[i]);
}

static enum hone_status run_window(struct output *o)
{
    struct lines *l = &batch.lines;
    enum hone_status status = resume_check(&batch.resume, o, l);
    for (size_t i = 0; i < l->n && status == HONE_OK; i++)
        if (!is_left_out(i))
            batch.window[i].why = l->refused[i] ? l->why[i] : read_request(&batch.window[i], l->texts[i]);
    if (status == HONE_OK)
        answer_window();
    for (size_t i = 0; i < l->n && status == HONE_OK; i++) {
        const struct batch_line *line = &batch.window[i];
        if (is_left_out(i))
            continue;
        /* A server that is gone answers nothing more: the next run asks it again. */
        if (line->url && line->answer.status == 0)
            status = report_error(HONE_FAILED, "line %zu: %s", l->numbers[i], line->answer.body);
        else
            write_row(o, line, l->index[i]);
        batch.n_failed += line->why || line->answer.status >= 400;
    }
    if (output_flush(o) != HONE_OK && status == HONE_OK)
        status = HONE_FAILED;
    if (status == HONE_OK)
        resume_mark(&batch.resume);
    for (size_t i = 0; i < l->n; i++)
        release_line(&batch.window[i]);
    return status;
}

/* Of the rows that an earlier run has left: those that write_row writes of what was refused. */
static size_t count_failed(const char *path)
{
    static const char begin[] = ", \"response\": ", code[] = "{\"status_code\": ";
    char *row = NULL;
    size_t room = 0, n = 0;
    FILE *f = fopen(path, "re");
    while (f && getline(&row, &room, f) > 0) {
        const char *response =
            strstr(row, begin); /* the first: quotes in an id have a backslash before them */
        response = response ? response + strlen(begin) : "";
        n += strncmp(response, "null", 4) == 0 ||
             (strncmp(response, code, strlen(code)) == 0 && atoi(response + strlen(code)) >= 400);
    }
    if (f)
        (void)fclose(f);
    free(row);
    return n;
}

/* ---- the command ---- */

static enum hone_status run_lines(struct output *o)
{
    enum hone_status status = HONE_OK;
    progress_start("requests", batch.options->json_errors);
    while (status == HONE_OK && lines_next(&batch.lines))
        status = run_window(o);
    progress_hide();
    if (status == HONE_OK && batch.lines.failed)
        status = batch.lines.misunderstood ? HONE_USAGE : HONE_FAILED;
    if (status == HONE_OK && batch.lines.n_records < batch.resume.n_done)
        status = report_error(HONE_USAGE, "%s has answers to line %zu, but there are %zu lines", o->name,
                              batch.resume.n_done, batch.lines.n_records);
    return status;
}

static enum hone_status run(struct options *serving)
{
    static struct output o;
    enum hone_status status = resume_open(&batch.resume, &o, batch.options, RESUME_BATCH);
    if (status != HONE_OK)
        return status;
    if (batch.resume.n_done > 0) {
        report_note("going on behind line %zu", batch.resume.n_done);
        batch.n_failed = count_failed(o.name);
    }
    status = start_server(serving);
    if (status == HONE_OK)
        status = run_lines(&o);
    stop_server();
    enum hone_status closed = output_close(&o, status == HONE_OK);
    resume_close(&batch.resume);
    return status == HONE_OK ? closed : status;
}

enum hone_status run_batch_run(const struct options *options)
{
    static const enum input_format jsonl = INPUT_JSONL;
    struct options serving = *options;
    char *const *paths = options->input ? (char *const *)&options->input : options->operands;
    if (options->serving.n_models == 0)
        return report_error(HONE_USAGE, "missing: -m MODEL");
    if (options->input && options->n_operands > 0)
        return report_error(HONE_USAGE, "-i %s and %s: files are named once", options->input,
                            options->operand);
    batch.options = options;
    struct paths files;
    enum hone_status status = paths_expand(&files, paths, options->input ? 1 : (size_t)options->n_operands);
    if (status != HONE_OK)
        return status;
    status = lines_open(&batch.lines, files.items, files.n, &jsonl);
    if (status != HONE_OK) {
        paths_release(&files);
        return status;
    }
    batch.lines.quiet = true;
    status = lines_take_share(&batch.lines, options->shard);
    if (status == HONE_OK)
        status = run(&serving);
    lines_close(&batch.lines);
    paths_release(&files);
    bool rows = options->errors && strcmp(options->errors, "rows") == 0;
    if (batch.n_failed > 0)
        report_note("%zu request%s refused", batch.n_failed, batch.n_failed == 1 ? "" : "s");
    return status == HONE_OK && batch.n_failed > 0 && !rows ? HONE_REFUSED : status;
}
