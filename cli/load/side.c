#include "cli/load/side.h"
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/service/background.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

#define MAX_SIDES    2  /* a comparison is of two servers */
#define STOP_SECONDS 30 /* that a server may take to end what it has begun, before it is killed */

/* What was started. */
static struct started {
    struct background place;
    char socket[1100];
    pid_t pid;
} started[MAX_SIDES];
static int n_started;

static enum hone_status make_folder(struct started *s)
{
    const char *parent = getenv("TMPDIR");
    char folder[512];
    int n = snprintf(folder, sizeof folder, "%s/hone-compare-XXXXXX", parent && *parent ? parent : "/tmp");
    if (n >= (int)sizeof folder || !mkdtemp(folder))
        return report_error(HONE_FAILED, "a folder in %s: %s", parent ? parent : "/tmp", strerror(errno));
    enum hone_status status = background_find(&s->place, folder);
    snprintf(s->socket, sizeof s->socket, "%s/socket", folder);
    n_started++;
    return status;
}

static enum hone_status serve(const void *options)
{
    return serve_run(options);
}

/* hone serve -m MODEL OPTIONS... --socket PATH */
static enum hone_status start(struct load_side *side, struct started *s, const wordexp_t *words)
{
    static char command_name[] = "serve", model[] = "-m", socket[] = "--socket";
    struct options options;
    size_t n = words->we_wordc;
    int n_taken;
    char **argv = calloc(n + 5, sizeof *argv);
    if (!argv)
        return report_error(HONE_FAILED, "out of memory");
    argv[0] = command_name;
    argv[1] = model;
    memcpy(argv + 2, words->we_wordv, n * sizeof *argv);
    argv[n + 2] = socket;
    argv[n + 3] = s->socket;
    const struct command *command = command_find(argv, 1, &n_taken);
    enum hone_status status = options_parse(command, (int)n + 4, argv, &options);
    if (status == HONE_OK)
        status = background_start_own(&s->place, serve, &options, &s->pid);
    side->pid = status == HONE_OK ? s->pid : 0;
    s->pid = side->pid;
    free(argv);
    return status;
}

enum hone_status load_side_start(struct load_side *side, const char *given)
{
    char url[1200];
    wordexp_t words;
    *side = (struct load_side){.given = given};
    if (strstr(given, "://") || strncmp(given, "unix:", 5) == 0) {
        enum hone_status found = load_address_read(&side->address, given);
        return found == HONE_OK ? load_address_check(&side->address, given) : found;
    }
    if (wordexp(given, &words, WRDE_NOCMD | WRDE_UNDEF) != 0)
        return report_error(HONE_USAGE, "'%s' is neither a URL nor a model and options of hone serve", given);
    enum hone_status status = words.we_wordc && n_started < MAX_SIDES
                                  ? HONE_OK
                                  : report_error(HONE_USAGE, "'%s' names no model", given);
    struct started *s = &started[n_started < MAX_SIDES ? n_started : 0];
    if (status == HONE_OK)
        status = make_folder(s);
    if (status == HONE_OK)
        status = start(side, s, &words);
    wordfree(&words);
    snprintf(url, sizeof url, "unix:%s", s->socket);
    return status == HONE_OK ? load_address_read(&side->address, url) : status;
}

void load_sides_end(void)
{
    for (int i = 0; i < n_started; i++) {
        if (started[i].pid)
            background_stop(&started[i].place, started[i].pid, STOP_SECONDS);
        background_remove(&started[i].place);
    }
    n_started = 0;
}
