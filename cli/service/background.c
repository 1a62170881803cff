#include "cli/service/background.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
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
    char whole[PATH_MAX];
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
    if (!make_folders(d->folder) || !realpath(d->folder, whole))
        return report_error(HONE_FAILED, "%s: %s", d->folder, strerror(errno));
    if (strlen(whole) >= size)
        return report_error(HONE_USAGE, "the folder's path must have 1 to %zu bytes", size - 1);
    memcpy(d->folder, whole, strlen(whole) + 1);
    snprintf(d->pid_path, sizeof d->pid_path, "%s/hone.pid", d->folder);
    snprintf(d->log_path, sizeof d->log_path, "%s/hone.log", d->folder);
    snprintf(d->words_path, sizeof d->words_path, "%s/hone.command", d->folder);
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

/* The log's end, which new lines come behind. */
static off_t end_of(int log)
{
    struct stat file;
    return fstat(log, &file) == 0 ? file.st_size : 0;
}

/* What came behind `end`. old: the log as it was opened before, for one that has been taken away since. */
static void show_log(const struct background *d, int old, off_t end)
{
    char block[4096];
    ssize_t n;
    int now = open(d->log_path, O_RDONLY | O_CLOEXEC), fd = now >= 0 ? now : old;
    for (off_t at = end_of(fd) < end ? 0 : end; (n = pread(fd, block, sizeof block, at)) > 0; at += n)
        if (write(2, block, (size_t)n) < 0)
            break;
    if (now >= 0)
        close(now);
}

/* What is started, by which process; own: for that one alone. */
struct start {
    enum hone_status (*run)(const void *arg);
    const void *arg;
    pid_t by;
    bool own;
};

/* In the child. A process whose parent has ended before it asked for the signal is another one's child by then. */
static enum hone_status run_child(const struct start *s, int log, int lock)
{
    if (s->own && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != s->by))
        return HONE_FAILED;
    return leave_terminal(log) && write_pid(lock) ? s->run(s->arg) : HONE_FAILED;
}

static enum hone_status start(const struct background *d, const struct start *s,
                              const struct log_files *files, pid_t *pid)
{
    enum hone_status status = HONE_FAILED;
    int ready = -1, lock = take_lock(d), ends[2] = {-1, -1};
    pid_t keeper = -1;
    *pid = -1;
    if (lock < 0)
        return HONE_FAILED;
    int log = open(d->log_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t end = end_of(log);
    /* The keeper first: whatever there is of a service, it takes away what that leaves. It keeps no lock. */
    if (pipe2(ends, O_CLOEXEC) == 0 && (ready = open_socket()) >= 0)
        keeper = log_files_keep(files, ends[0]);
    if (keeper > 0)
        *pid = fork();
    if (*pid == 0) {
        close(ready);
        close(ends[0]);
        _exit((int)run_child(s, ends[1], lock));
    }
    close(lock); /* the service alone holds it */
    close(ends[0]);
    close(ends[1]);
    if (*pid < 0) {
        report_error(HONE_FAILED, "%s: %s", d->folder, strerror(errno));
    } else if (wait_until_ready(ready, *pid))
        status = HONE_OK;
    else {
        waitpid(keeper, NULL, 0); /* which has written all that there was to say */
        show_log(d, log, end);
        report_error(HONE_FAILED, "it has ended before it was ready");
    }
    if (ready >= 0)
        close(ready);
    if (log >= 0)
        close(log);
    return status;
}

enum hone_status background_start(const struct background *d, enum hone_status (*run)(const void *arg),
                                  const void *arg, uint64_t size, size_t n_old, pid_t *pid)
{
    const struct log_files files = {.path = d->log_path, .size = size, .n_old = n_old};
    return start(d, &(struct start){.run = run, .arg = arg}, &files, pid);
}

/* ---- one that serves this program alone ---- */

#define OWN_LOG_BYTES (1 << 20) /* of its log, which goes when it ends: somebody reads its end alone */

void background_remove(const struct background *d)
{
    char socket[1100];
    snprintf(socket, sizeof socket, "%s/socket", d->folder);
    unlink(socket);
    unlink(d->pid_path);
    unlink(d->log_path);
    rmdir(d->folder);
}

static void remove_when_ended(const void *background)
{
    background_remove(background);
}

enum hone_status background_start_own(const struct background *d, enum hone_status (*run)(const void *arg),
                                      const void *arg, pid_t *pid)
{
    /* Not the service itself takes its folder away: once it serves it may remove no folders. */
    const struct log_files files = {
        .path = d->log_path, .size = OWN_LOG_BYTES, .ended = remove_when_ended, .arg = d};
    return start(d, &(struct start){.run = run, .arg = arg, .by = getpid(), .own = true}, &files, pid);
}

/* ---- what it was started with ---- */

enum hone_status background_remember(const struct background *d, char *const *words, size_t n)
{
    char *folder = getcwd(NULL, 0);
    int fd = open(d->words_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool well = folder && out && fwrite(folder, strlen(folder) + 1, 1, out) == 1;
    for (size_t i = 0; well && i < n; i++)
        well = fwrite(words[i], strlen(words[i]) + 1, 1, out) == 1;
    free(folder);
    if (out)
        well &= fclose(out) == 0;
    else if (fd >= 0)
        close(fd);
    return well ? HONE_OK : report_error(HONE_FAILED, "%s: %s", d->words_path, strerror(errno));
}

/* Of a command line that was written down; Linux gives a program 2 MB in all. */
#define MAX_WORDS_BYTES (1 << 20)

enum hone_status background_recall(const struct background *d, char ***words, size_t *n)
{
    static const size_t most = MAX_WORDS_BYTES / 2;
    int fd = open(d->words_path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    *words = NULL;
    *n = 0;
    if (fd < 0)
        return report_error(HONE_USAGE, "%s: %s; name a model to start", d->words_path, strerror(errno));
    bool well = fstat(fd, &file) == 0 && file.st_size > 0 && file.st_size <= MAX_WORDS_BYTES;
    size_t size = well ? (size_t)file.st_size : 0;
    char **list = malloc((size + 1) * sizeof *list + size + 1), *text = (char *)(list + size + 1);
    well = well && list && read(fd, text, size) == (ssize_t)size && text[size - 1] == '\0';
    close(fd);
    if (!well) {
        free(list);
        return report_error(HONE_FAILED, "%s: it does not say what was started", d->words_path);
    }
    for (char *at = text + strlen(text) + 1; at < text + size && *n < most; at += strlen(at) + 1)
        list[(*n)++] = at;
    list[*n] = NULL;
    *words = list;
    if (chdir(text) == 0)
        return HONE_OK;
    free(list);
    *words = NULL;
    return report_error(HONE_FAILED, "%s: %s", d->words_path, strerror(errno));
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
