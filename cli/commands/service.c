/* hone service start, stop, status and log: a server in the background, where there is no systemd. */
#include "cli/commands.h"
#include "cli/commands/background.h"
#include "cli/io/report.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STOP_SECONDS 120 /* more than a server takes to drain, if nobody has told it to take longer */

static enum hone_status serve(const void *options)
{
    return serve_run(options);
}

enum hone_status service_start_run(const struct options *options)
{
    struct background d;
    pid_t pid;
    enum hone_status status = background_find(&d, options->state);
    if (status == HONE_OK)
        status = background_start(&d, serve, options, &pid);
    if (status == HONE_OK)
        report_note("it is ready, as process %d; 'hone service log' shows what it says (%s)", (int)pid,
                    d.log_path);
    return status;
}

enum hone_status service_stop_run(const struct options *options)
{
    struct background d;
    enum hone_status status = background_find(&d, options->state);
    pid_t pid = status == HONE_OK ? background_pid(&d) : 0;
    if (status != HONE_OK)
        return status;
    if (pid == 0)
        report_note("it does not run");
    else if (background_stop(&d, pid, STOP_SECONDS))
        report_note("process %d has ended", (int)pid);
    else
        return report_error(HONE_FAILED, "process %d has been told to end, and still runs", (int)pid);
    return HONE_OK;
}

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

/* What is there, and with --follow what comes, too. */
enum hone_status service_log_run(const struct options *options)
{
    struct background d;
    char block[65536];
    ssize_t n = 0;
    enum hone_status status = background_find(&d, options->state);
    if (status != HONE_OK)
        return status;
    int fd = open(d.log_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_error(HONE_FAILED, "%s: %s", d.log_path, strerror(errno));
    while ((n = read(fd, block, sizeof block)) > 0 || (n == 0 && options->follow)) {
        if (n > 0 && (fwrite(block, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0))
            break;
        if (n == 0)
            poll(NULL, 0, 250);
    }
    if (n != 0)
        status = report_error(HONE_FAILED, "%s: %s", n < 0 ? d.log_path : "standard output", strerror(errno));
    close(fd);
    return status;
}
