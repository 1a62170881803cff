#include "cli/commands/generate_file.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One prompt of the window. */
struct file_prompt {
    struct hone_generation g;
    char *chat; /* what a conversation looks like to the model */
    enum hone_status status;
    char why[256];
};

static struct prompts {
    const struct hone_generation *how;
    struct hone_scheduler *scheduler;
    struct file_prompt window[LINES_MAX_TEXTS];
    pthread_mutex_t lock;
    pthread_cond_t replied;
    size_t n_waiting;
} prompts = {.lock = PTHREAD_MUTEX_INITIALIZER, .replied = PTHREAD_COND_INITIALIZER};

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct file_prompt *p = arg;
    p->status = reply->status;
    snprintf(p->why, sizeof p->why, "%.255s", reply->message);
    pthread_mutex_lock(&prompts.lock);
    prompts.n_waiting--;
    pthread_cond_signal(&prompts.replied);
    pthread_mutex_unlock(&prompts.lock);
}

/* Of a row with "messages", the chat in the model's own form. */
static bool read_chat(const struct run *run, struct file_prompt *p, size_t i)
{
    struct hone_error err = {0};
    const json_t *messages = json_object_get(run->lines.rows[i], "messages");
    size_t size;
    char *json = messages ? json_dumps(messages, JSON_COMPACT) : NULL;
    if (!json)
        return true;
    struct hone_chat chat = {.json_messages = json, .answer = true};
    p->status = hone_chat_prompt(run->model, &chat, &p->chat, &size, &err);
    free(json);
    if (p->status != HONE_OK) {
        snprintf(p->why, sizeof p->why, "%.255s", err.message);
        return false;
    }
    p->g.prompt = (struct hone_text){p->chat, size};
    p->g.no_special = true;
    return true;
}

static void submit(const struct run *run, size_t i)
{
    struct file_prompt *p = &prompts.window[i];
    struct hone_error err = {0};
    p->g = *prompts.how;
    p->g.prompt = run->lines.texts[i];
    if (!read_chat(run, p, i))
        return;
    struct hone_request request = {.kind = HONE_REQUEST_GENERATE,
                                   .priority = HONE_PRIORITY_BULK,
                                   .generation = &p->g,
                                   .on_reply = on_reply,
                                   .arg = p};
    pthread_mutex_lock(&prompts.lock);
    prompts.n_waiting++;
    pthread_mutex_unlock(&prompts.lock);
    enum hone_status status = hone_submit(prompts.scheduler, &request, NULL, NULL, &err);
    if (status != HONE_OK)
        on_reply(p, &(struct hone_reply){.status = status, .message = err.message});
}

static void wait_for_replies(const struct run *run)
{
    pthread_mutex_lock(&prompts.lock);
    while (prompts.n_waiting > 0) {
        progress_show(run->n_done + run->lines.n - prompts.n_waiting, -1);
        pthread_cond_wait(&prompts.replied, &prompts.lock);
    }
    pthread_mutex_unlock(&prompts.lock);
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct lines *l = &run->lines;
    enum hone_status status = HONE_OK;
    memset(prompts.window, 0, l->n * sizeof *prompts.window);
    for (size_t i = 0; i < l->n; i++)
        if (!l->refused[i])
            submit(run, i);
    wait_for_replies(run);
    for (size_t i = 0; i < l->n; i++) {
        const struct file_prompt *p = &prompts.window[i];
        if (l->refused[i] || p->status == HONE_OK)
            continue;
        if (p->status != HONE_FAILED) {
            lines_refuse(l, i, p->why);
        } else if (status == HONE_OK) {
            err->status = status = HONE_FAILED;
            snprintf(err->message, sizeof err->message, "%s", p->why);
        }
    }
    return status;
}

static void release_window(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hone_generation_release(&prompts.window[i].g);
        hone_free(prompts.window[i].chat);
    }
    memset(prompts.window, 0, n * sizeof *prompts.window);
}

static void write_all(struct run *run, struct output *o,
                      void (*write_one)(struct output *, const struct hone_generation *,
                                        const struct hone_generated *))
{
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++) {
            const struct hone_generation *g = &prompts.window[i].g;
            if (records_write_refused(&run->records, o, &run->lines, i))
                continue;
            for (size_t k = 0; k < g->n_results; k++) {
                records_write_begin(&run->records, o, &run->lines, i);
                output_text(o, ", ");
                write_one(o, g, &g->results[k]);
            }
        }
        run->status = output_flush(o);
        release_window(run->lines.n);
    }
    release_window(LINES_MAX_TEXTS);
}

enum hone_status generate_file(const struct options *options, struct cli_generation *how,
                               void (*write_one)(struct output *, const struct hone_generation *,
                                                 const struct hone_generated *))
{
    static struct output o;
    struct run run;
    struct hone_error err = {0};
    struct hone_scheduler_options scheduling = HONE_SCHEDULER_DEFAULTS;
    scheduling.max_queue = LINES_MAX_TEXTS;
    if (run_open(&run, options, RUN_TEXTS, false) != HONE_OK)
        return run.status;
    prompts.how = &how->g;
    if (options->columns.n == 0)
        run.records.columns[0] = "prompt";
    run.records.chats = true;
    if (run_start(&run, 0, compute) == HONE_OK) {
        generation_search(how, options, run.model);
        run.status = hone_scheduler_open(&prompts.scheduler, run.model, &scheduling, &err);
        if (run.status != HONE_OK)
            report_failure(&err);
    }
    if (run.status == HONE_OK && run_open_output(&run, &o, 0) == HONE_OK) {
        write_all(&run, &o, write_one);
        enum hone_status closed = output_close(&o, run.status == HONE_OK);
        run.status = run.status == HONE_OK ? closed : run.status;
    }
    hone_scheduler_close(&prompts.scheduler);
    return run_close(&run);
}
