#include "cli/jobs/score_stream.h"
#include "cli/io/lines.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/jobs/score_line.h"
#include "cli/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ACTIVE 1000 /* lines that are being computed; more are not read */

/* A line whose answer is to come. */
struct active {
    struct score_line line;
    size_t index;
    uint64_t id; /* the scheduler's */
    struct active *next, *before;
};

static struct talk {
    struct hone_model *model;
    const struct hone_model_info *info; /* of the one that reads texts */
    struct hone_scheduler *scheduler;
    struct hone_run_options how;
    struct output o;
    pthread_mutex_t lock; /* of all that follows, and of the output */
    pthread_cond_t ended;
    struct active *first;
    size_t n_active;
    bool has_failed;
} talk = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

/* ---- answers, from the scheduler's thread ---- */

static void write_delta(const struct active *a, const struct hone_token *token)
{
    pthread_mutex_lock(&talk.lock);
    score_line_write_begin(&a->line, &talk.o, a->index);
    output_text(&talk.o, ", \"delta\": ");
    text_write_json(&talk.o, token->text);
    output_text(&talk.o, "}\n");
    (void)output_flush(&talk.o); /* it is remembered, and told at the end */
    pthread_mutex_unlock(&talk.lock);
}

static bool on_token(void *arg, const struct hone_token *token)
{
    if (token->text.size > 0)
        write_delta(arg, token);
    return true;
}

/* The lock is held. */
static void answer(struct active *a, enum hone_status status, const char *why)
{
    if (status == HONE_OK)
        score_line_write(&a->line, &talk.o, a->index, talk.model);
    else
        score_line_write_error(&a->line, &talk.o, a->index, why);
    if (output_flush(&talk.o) != HONE_OK || status == HONE_FAILED)
        talk.has_failed = true;
}

static void forget(struct active *a)
{
    *(a->before ? &a->before->next : &talk.first) = a->next;
    if (a->next)
        a->next->before = a->before;
    score_line_release(&a->line);
    free(a);
    talk.n_active--;
    pthread_cond_signal(&talk.ended);
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    pthread_mutex_lock(&talk.lock);
    answer(arg, reply->status, reply->status == HONE_CANCELLED ? "cancelled" : reply->message);
    forget(arg);
    pthread_mutex_unlock(&talk.lock);
}

/* ---- lines ---- */

/* {"cancel": ID}: whatever has that id. False: the line says something else. */
static bool cancel(const json_t *line)
{
    const json_t *id = json_object_get(line, "cancel");
    uint64_t ids[MAX_ACTIVE];
    size_t n = 0;
    if (!id || json_object_size(line) != 1)
        return false;
    pthread_mutex_lock(&talk.lock);
    for (struct active *a = talk.first; a && n < MAX_ACTIVE; a = a->next)
        if (json_equal(json_object_get(a->line.json, "id"), id))
            ids[n++] = a->id;
    pthread_mutex_unlock(&talk.lock);
    for (size_t i = 0; i < n; i++) /* replies come from in here, and want the lock */
        hone_cancel(talk.scheduler, ids[i]);
    return true;
}

/* Takes what the line asks for; the lock is held, so that it stands in the list before its reply comes. */
static void submit(struct active *a, bool is_read)
{
    struct hone_error err = {0};
    struct hone_request *r = &a->line.request;
    a->next = talk.first;
    if (a->next)
        a->next->before = a;
    talk.first = a;
    talk.n_active++;
    if (is_read) {
        r->priority = HONE_PRIORITY_INTERACTIVE;
        score_line_finish(&a->line, &talk.how, on_reply, a);
        if (a->line.prompt.streams) {
            a->line.prompt.g.on_token = on_token;
            a->line.prompt.g.arg = a;
        }
        enum hone_status status = hone_submit(talk.scheduler, r, &a->id, NULL, &err);
        if (status == HONE_OK)
            return;
        a->line.status = status;
        snprintf(a->line.why, sizeof a->line.why, "%.255s", err.message);
    }
    answer(a, a->line.status, a->line.why);
    forget(a);
}

static bool take_line(size_t index, struct hone_text text)
{
    struct active *a = calloc(1, sizeof *a);
    if (!a) {
        report_error(HONE_FAILED, "line %zu: out of memory", index + 1);
        return false;
    }
    a->index = index;
    bool is_read = score_line_read(&a->line, text, talk.model, talk.info);
    if (!is_read && cancel(a->line.json)) {
        score_line_release(&a->line);
        free(a);
        return true;
    }
    pthread_mutex_lock(&talk.lock);
    while (talk.n_active == MAX_ACTIVE)
        pthread_cond_wait(&talk.ended, &talk.lock);
    submit(a, is_read);
    bool goes_on = !talk.has_failed;
    pthread_mutex_unlock(&talk.lock);
    return goes_on;
}

static enum hone_status read_lines(FILE *in, const char *name)
{
    char *line = NULL;
    size_t room = 0, index = 0;
    ssize_t n = 0;
    bool goes_on = true;
    enum hone_status status = HONE_OK;
    while (goes_on && (n = getline(&line, &room, in)) >= 0) {
        struct hone_text text = {line, (size_t)n};
        while (text.size && strchr("\r\n", text.data[text.size - 1]))
            text.size--;
        if (text.size > LINES_MAX_LINE)
            status = report_error(HONE_REFUSED, "%s: line %zu is longer than %u bytes", name, index + 1,
                                  LINES_MAX_LINE);
        else if (!text_is_blank(text))
            goes_on = take_line(index, text);
        index++;
    }
    if (ferror(in))
        status = report_error(HONE_FAILED, "%s: %s", name, strerror(errno));
    free(line);
    return status;
}

/* ---- all of it ---- */

static enum hone_status work(const char *path)
{
    bool is_file = path && strcmp(path, "-") != 0;
    const char *name = is_file ? path : "standard input";
    FILE *in = is_file ? fopen(path, "re") : stdin;
    if (!in)
        return report_error(HONE_USAGE, "%s: %s", name, strerror(errno));
    enum hone_status status = output_open(&talk.o, NULL, false);
    if (status == HONE_OK) {
        status = read_lines(in, name);
        hone_scheduler_drain(talk.scheduler);
        enum hone_status closed = output_close(&talk.o, true);
        status = talk.has_failed ? HONE_FAILED : status == HONE_OK ? closed : status;
    }
    if (is_file)
        fclose(in);
    return status;
}

enum hone_status score_stream(const struct options *options)
{
    struct hone_error err;
    struct hone_scheduler_options how = HONE_SCHEDULER_DEFAULTS;
    how.max_queue = MAX_ACTIVE;
    if (options->output || options->n_operands > 1)
        return report_error(HONE_USAGE,
                            "--stream reads one file or standard input, and writes to standard output");
    talk.how = run_how(options);
    if (run_open_model(&talk.model, options->model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    struct hone_model *reader = hone_model_route(talk.model, talk.how.as);
    talk.info = hone_model_info(reader ? reader : talk.model);
    enum hone_status status = hone_scheduler_open(&talk.scheduler, talk.model, &how, &err);
    status = status == HONE_OK ? work(options->operand) : report_failure(&err);
    hone_scheduler_close(&talk.scheduler);
    hone_model_close(&talk.model);
    return status;
}
