/* hone service start, stop, restart, status and log: a server in the background, where there is no systemd. */
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/service/background.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_LOG_SIZE  10 /* MB */
#define USUAL_LOG_COUNT 5
#define STOP_SECONDS    120 /* more than a server takes to drain, if nobody has told it to take longer */

static enum hone_status serve(const void *options)
{
    return serve_run(options);
}

/* ---- start ---- */

static const char *const setting_flags_names[SETTING_N] = {
#define NAME(id, letter, name, ...) "--" name,
    SETTINGS(NAME)
#undef NAME
};

#define MAX_WORDS (2 * (SETTINGS_MAX_MODELS + SETTING_N + 2) + 1)

/* The options as words of a command line again. Numbers are written into `numbers`. */
static size_t words_of(const struct options *o, const char **words, char numbers[2][24])
{
    const char *const names[] = {"--log-size", "--log-count"};
    const size_t values[] = {o->log_size, o->log_count};
    size_t n = 0;
    for (size_t i = 0; i < o->serving.n_models; i++) {
        words[n++] = "-m";
        words[n++] = o->serving.models[i];
    }
    for (size_t i = 0; i < SETTING_N; i++)
        if (o->serving.values[i]) {
            words[n++] = setting_flags_names[i];
            words[n++] = o->serving.values[i];
        }
    for (size_t i = 0; i < 2; i++)
        if (values[i]) {
            snprintf(numbers[i], sizeof numbers[i], "%zu", values[i]);
            words[n++] = names[i];
            words[n++] = numbers[i];
        }
    if (o->no_cache)
        words[n++] = "--no-cache";
    return n;
}

/* Starts it, and keeps what it was started with. */
static enum hone_status start(const struct background *d, const struct options *options)
{
    static const char *words[MAX_WORDS];
    char numbers[2][24];
    size_t n_files = options->log_count ? options->log_count : USUAL_LOG_COUNT;
    size_t size = options->log_size ? options->log_size : USUAL_LOG_SIZE;
    pid_t pid;
    if (n_files > LOG_FILES_MAX)
        return report_error(HONE_USAGE, "--log-count is %d at most", LOG_FILES_MAX);
    enum hone_status status = background_start(d, serve, options, (uint64_t)size << 20, n_files - 1, &pid);
    if (status == HONE_OK)
        status = background_remember(d, (char *const *)words, words_of(options, words, numbers));
    if (status == HONE_OK)
        report_note("it is ready, as process %d; 'hone service log' shows what it says (%s)", (int)pid,
                    d->log_path);
    return status;
}

enum hone_status service_start_run(const struct options *options)
{
    struct background d;
    enum hone_status status = background_find(&d, options->state);
    return status == HONE_OK ? start(&d, options) : status;
}

/* ---- stop ---- */

static enum hone_status stop(const struct background *d)
{
    pid_t pid = background_pid(d);
    if (pid == 0)
        report_note("it does not run");
    else if (background_stop(d, pid, STOP_SECONDS))
        report_note("process %d has ended", (int)pid);
    else
        return report_error(HONE_FAILED, "process %d has been told to end, and still runs", (int)pid);
    return HONE_OK;
}

enum hone_status service_stop_run(const struct options *options)
{
    struct background d;
    enum hone_status status = background_find(&d, options->state);
    return status == HONE_OK ? stop(&d) : status;
}

/* ---- restart ---- */

/* What it was started with, and behind that what this command line says. *words and what they point to is to be freed by
 * the caller: the first piece of memory, since `out` points into it. */
static enum hone_status recall(const struct background *d, const struct options *given, struct options *out,
                               char ***recalled)
{
    static const char *more[MAX_WORDS];
    char numbers[2][24];
    size_t n, n_more = words_of(given, more, numbers);
    int n_taken;
    static char service[] = "service", start[] = "start";
    char *const name[] = {service, start};
    enum hone_status status = background_recall(d, recalled, &n);
    char **argv = status == HONE_OK ? calloc(n + n_more + 2, sizeof *argv) : NULL;
    if (status == HONE_OK && !argv)
        status = report_error(HONE_FAILED, "out of memory");
    if (status == HONE_OK) {
        argv[0] = service;
        memcpy(argv + 1, *recalled, n * sizeof *argv);
        memcpy(argv + 1 + n, more, n_more * sizeof *argv);
        status = options_parse(command_find(name, 2, &n_taken), (int)(n + n_more + 1), argv, out);
        /* Numbers have been read; other words are those of the command line or of *recalled, which live on. */
    }
    free(argv);
    return status;
}

/* Before what runs is ended: settings that the next one would refuse leave it as it is. */
static enum hone_status check_settings(const struct options *options)
{
    static struct settings settings;
    struct hone_error err = {0};
    enum hone_status status = settings_read(&settings, &options->serving, &err);
    settings_release(&settings);
    return status == HONE_OK ? HONE_OK : report_failure(&err);
}

enum hone_status service_restart_run(const struct options *options)
{
    static struct options again;
    struct background d;
    char **recalled = NULL;
    enum hone_status status = background_find(&d, options->state);
    bool is_told = options->serving.n_models > 0 || options->serving.values[SETTING_CONFIG];
    again = *options;
    if (status == HONE_OK && !is_told)
        status = recall(&d, options, &again, &recalled);
    if (status == HONE_OK)
        status = check_settings(&again);
    if (status == HONE_OK)
        status = stop(&d);
    if (status == HONE_OK)
        status = start(&d, &again);
    free(recalled);
    return status;
}

/* ---- looking ---- */

enum hone_status service_status_run(const struct options *options)
{
    struct background d;
    enum hone_status status = background_find(&d, options->state);
    pid_t pid = status == HONE_OK ? background_pid(&d) : 0;
    if (status != HONE_OK)
        return status;
    if (printf(pid ? "it runs, as process %d\n" : "it does not run\n", (int)pid) < 0 || fflush(stdout) != 0)
        return report_error(HONE_FAILED, "standard output: %s", strerror(errno));
    return pid ? HONE_OK : HONE_FAILED;
}

enum hone_status service_log_run(const struct options *options)
{
    struct background d;
    enum hone_status status = background_find(&d, options->state);
    if (status == HONE_OK)
        status = log_files_show(d.log_path, options->n_lines ? options->n_lines : SIZE_MAX, options->follow);
    return status;
}
