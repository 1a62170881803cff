#include "cli/commands/background.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- its folder ---- */

/* Makes the folder and those above it, which only their owner may look into. */
static bool make_folders(char *path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = '/';
        if (!made)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

enum hone_status background_find(struct background *d, const char *folder)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    size_t size = sizeof d->folder;
    int n;
    if (folder)
        n = snprintf(d->folder, size, "%s", folder);
    else if (state && *state == '/')
        n = snprintf(d->folder, size, "%s/hone", state);
    else
        n = snprintf(d->folder, size, "%s/.local/state/hone", home ? home : "");
    if (n <= 0 || (size_t)n >= size)
        return report_error(HONE_USAGE, "the folder's path must have 1 to %zu bytes", size - 1);
    if (!make_folders(d->folder))
        return report_error(HONE_FAILED, "%s: %s", d->folder, strerror(errno));
    snprintf(d->pid_path, sizeof d->pid_path, "%s/hone.pid", d->folder);
    snprintf(d->log_path, sizeof d->log_path, "%s/hone.log", d->folder);
    return HONE_OK;
}

/* ---- the lock ---- */

pid_t background_pid(const struct background *d)
{
    char text[32] = "";
    int fd = open(d->pid_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool free = flock(fd, LOCK_SH | LOCK_NB) == 0;
    ssize_t n = free ? 0 : pread(fd, text, sizeof text - 1, 0);
    close(fd);
    return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* A locked file, which a child inherits with its lock; -1: another process holds it, or that has been reported. */
static int take_lock(const struct background *d)
{
    int fd = open(d->pid_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        report_error(HONE_FAILED, "%s: %s", d->pid_path, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        report_error(HONE_FAILED, "it runs already, as process %d", (int)background_pid(d));
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool write_pid(int fd)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

/* ---- start ---- */

/* A socket that READY=1 comes to, named after this process. */
static int open_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *name = address.sun_path + 1; /* behind a NUL: a name without a file */
    int n = snprintf(name, sizeof address.sun_path - 1, "hone-service-%d", (int)getpid());
    char variable[sizeof address.sun_path + 1];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) != 0) {
        close(fd);
        return -1;
    }
    snprintf(variable, sizeof variable, "@%s", name);
    setenv("NOTIFY_SOCKET", variable, 1);
    return fd;
}

/* In the child, whose descriptors these become. */
static bool leave_terminal(int log)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    return setsid() >= 0 && nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(nothing, 1) >= 0 &&
           dup2(log, 2) >= 0;
}

/* Whether the child says that it is ready before it ends. */
static bool wait_until_ready(int fd, pid_t child)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (waitpid(child, NULL, WNOHANG) == 0) {
        char text[64];
        if (poll(&ready, 1, 100) <= 0)
            continue;
        ssize_t n = recv(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        if (strstr(text, "READY=1"))
            return true;
    }
    return false;
}

static void show_log(const struct background *d, off_t from)
{
    char block[4096];
    ssize_t n;
    int fd = open(d->log_path, O_RDONLY | O_CLOEXEC);
    for (off_t at = from; fd >= 0 && (n = pread(fd, block, sizeof block, at)) > 0; at += n)
        if (write(2, block, (size_t)n) < 0)
            break;
    if (fd >= 0)
        close(fd);
}

enum hone_status background_start(const struct background *d, enum hone_status (*run)(const void *arg),
                                  const void *arg, pid_t *pid)
{
    enum hone_status status = HONE_FAILED;
    int log = -1, ready = -1, lock = take_lock(d);
    if (lock < 0)
        return HONE_FAILED;
    log = open(d->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    off_t end = log >= 0 ? lseek(log, 0, SEEK_END) : 0;
    ready = open_socket();
    *pid = log >= 0 && ready >= 0 ? fork() : -1;
    if (*pid == 0) {
        close(ready);
        _exit(leave_terminal(log) && write_pid(lock) ? (int)run(arg) : HONE_FAILED);
    }
    if (*pid < 0)
        report_error(HONE_FAILED, "%s: %s", d->log_path, strerror(errno));
    else if (wait_until_ready(ready, *pid))
        status = HONE_OK;
    else {
        show_log(d, end);
        report_error(HONE_FAILED, "it has ended before it was ready");
    }
    if (ready >= 0)
        close(ready);
    if (log >= 0)
        close(log);
    close(lock);
    return status;
}

/* ---- stop ---- */

bool background_stop(const struct background *d, pid_t pid, double seconds)
{
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return false;
    for (int i = 0; i < (int)(seconds * 20); i++) {
        if (background_pid(d) != pid)
            return true;
        poll(NULL, 0, 50);
    }
    return background_pid(d) != pid;
}
