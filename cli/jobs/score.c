#include "cli/commands.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/jobs/resume.h"
#include "cli/jobs/score_line.h"
#include "cli/jobs/score_stream.h"
#include "cli/run.h"

#include <pthread.h>
#include <stdio.h>

static struct score_job {
    struct hone_scheduler *scheduler;
    struct score_line lines[LINES_MAX_TEXTS]; /* of the window */
    struct resume resume;                     /* of an earlier run */
    const struct output *output;
    pthread_mutex_t lock;
    pthread_cond_t replied;
    size_t n_waiting; /* for their replies */
} score = {.lock = PTHREAD_MUTEX_INITIALIZER, .replied = PTHREAD_COND_INITIALIZER};

/* Whether nothing is to be done with it: it is there already, or empty. */
static bool is_skipped(const struct run *run, size_t i)
{
    return resume_has(&score.resume, &run->lines, i) || run->lines.refused[i];
}

/* An empty line asks for nothing. */
static void skip_blank_lines(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->refused[i] && text_is_blank(l->texts[i]))
            lines_skip(l, i);
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct score_line *line = arg;
    line->status = reply->status;
    snprintf(line->why, sizeof line->why, "%.255s", reply->message);
    pthread_mutex_lock(&score.lock);
    score.n_waiting--;
    pthread_cond_signal(&score.replied);
    pthread_mutex_unlock(&score.lock);
}

static void submit(const struct run *run, struct score_line *line, struct hone_text text)
{
    struct hone_error err;
    if (!score_line_read(line, text, run->model, run->info))
        return;
    if (line->form == SCORE_PROMPT && line->prompt.streams) {
        line->status = HONE_REFUSED;
        snprintf(line->why, sizeof line->why, "'stream' is for hone score --stream");
        return;
    }
    score_line_finish(line, &run->how, on_reply, line);
    pthread_mutex_lock(&score.lock);
    score.n_waiting++;
    pthread_mutex_unlock(&score.lock);
    enum hone_status status = hone_submit(score.scheduler, &line->request, NULL, NULL, &err);
    if (status != HONE_OK)
        on_reply(line, &(struct hone_reply){.status = status, .message = err.message});
}

static void wait_for_replies(const struct run *run)
{
    pthread_mutex_lock(&score.lock);
    while (score.n_waiting > 0) {
        size_t n = run->lines.n - score.n_waiting;
        progress_show(run->n_done + n, lines_part(&run->lines, n));
        pthread_cond_wait(&score.replied, &score.lock);
    }
    pthread_mutex_unlock(&score.lock);
}

/* A line that asks for what cannot be is refused; a failure of the program ends it. */
static enum hone_status judge(struct run *run, size_t i, struct hone_error *err)
{
    const struct score_line *line = &score.lines[i];
    if (line->status == HONE_FAILED) {
        err->status = HONE_FAILED;
        snprintf(err->message, sizeof err->message, "%s", line->why);
        return HONE_FAILED;
    }
    if (line->status != HONE_OK)
        lines_refuse(&run->lines, i, line->why);
    return HONE_OK;
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct lines *l = &run->lines;
    enum hone_status status = resume_check(&score.resume, score.output, l);
    if (status != HONE_OK) {
        run->status = status;
        err->message[0] = '\0'; /* it has been reported */
        return status;
    }
    skip_blank_lines(l);
    for (size_t i = 0; i < l->n; i++)
        if (!is_skipped(run, i))
            submit(run, &score.lines[i], l->texts[i]);
    wait_for_replies(run);
    for (size_t i = 0; i < l->n && status == HONE_OK; i++)
        if (!is_skipped(run, i))
            status = judge(run, i, err);
    return status;
}

static void write_line(const struct run *run, struct output *o, size_t i)
{
    const struct lines *l = &run->lines;
    if (resume_has(&score.resume, l, i))
        return;
    if (!l->refused[i])
        score_line_write(&score.lines[i], o, l->index[i], run->model);
    else if (run->records.rows && l->why[i])
        score_line_write_error(&score.lines[i], o, l->index[i], l->why[i]);
}

static void write_lines(struct run *run, struct output *o)
{
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++)
            write_line(run, o, i);
        run->status = output_flush(o);
        resume_mark(&score.resume);
        for (size_t i = 0; i < run->lines.n; i++)
            score_line_release(&score.lines[i]);
    }
    size_t n_done = score.resume.n_done;
    if (run->status == HONE_OK && run->lines.n_records < n_done)
        run->status = report_error(HONE_USAGE, "%s has results of line %zu, but there are %zu lines", o->name,
                                   n_done, run->lines.n_records);
    else if (n_done > 0)
        run->lines.n_refused += resume_n_refused(&score.resume);
}

static void score_lines(struct run *run)
{
    static struct output o;
    score.output = &o;
    run->status = resume_open(&score.resume, &o, run->options, RESUME_INDEX);
    if (run->status != HONE_OK)
        return;
    if (score.resume.n_done > 0)
        report_note("going on behind line %zu", score.resume.n_done);
    write_lines(run, &o);
    resume_close(&score.resume);
    enum hone_status closed = output_close(&o, true);
    if (run->status == HONE_OK)
        run->status = closed;
}

static enum hone_status start(struct run *run)
{
    struct hone_error err;
    struct hone_scheduler_options how = HONE_SCHEDULER_DEFAULTS;
    how.max_queue = LINES_MAX_TEXTS;
    if (run_start(run, 0, compute) != HONE_OK)
        return run->status;
    run->status = hone_scheduler_open(&score.scheduler, run->model, &how, &err);
    return run->status == HONE_OK ? HONE_OK : report_failure(&err);
}

enum hone_status score_run(const struct options *options)
{
    struct run run;
    struct hone_scheduler_stats stats = {0};
    if (options->stream)
        return score_stream(options);
    if (run_open(&run, options, RUN_REQUESTS, false) != HONE_OK)
        return run.status;
    if (run.info->task == HONE_TASK_NONE)
        run.status = report_error(HONE_USAGE, "%s makes no vectors and no scores", options->model);
    else if (start(&run) == HONE_OK)
        score_lines(&run);
    if (score.scheduler)
        hone_scheduler_stats(score.scheduler, &stats);
    hone_scheduler_close(&score.scheduler);
    for (size_t i = 0; i < LINES_MAX_TEXTS; i++)
        score_line_release(&score.lines[i]);
    run.stats = stats.texts;
    return run_close(&run);
}
