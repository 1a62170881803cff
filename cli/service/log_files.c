#include "cli/service/log_files.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK            65536 /* what a pipe holds */
#define MOST_DESCRIPTORS 256   /* of a program that has just begun */

/* ---- writing ---- */

static void name_of(char *out, size_t size, const char *path, size_t i)
{
    if (i)
        snprintf(out, size, "%s.%zu", path, i);
    else
        snprintf(out, size, "%s", path);
}

bool log_files_turn(const struct log_files *f)
{
    char from[1200], to[1200];
    bool well = true;
    if (f->n_old == 0)
        return truncate(f->path, 0) == 0;
    for (size_t i = f->n_old; i-- > 0;) {
        name_of(from, sizeof from, f->path, i);
        name_of(to, sizeof to, f->path, i + 1);
        well &= rename(from, to) == 0 || errno == ENOENT;
    }
    return well;
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* Puts whole lines into the file, and begins another one before it is too large. A disk that is full loses lines: the
 * service must not wait for it. */
static void write_lines(const struct log_files *f, int *fd, const char *lines, size_t n)
{
    struct stat file;
    if (*fd >= 0 && fstat(*fd, &file) == 0 && file.st_size > 0 && (uint64_t)file.st_size + n > f->size &&
        log_files_turn(f)) {
        close(*fd);
        *fd = open_log(f->path);
    }
    while (*fd >= 0 && n) {
        ssize_t done = write(*fd, lines, n);
        if (done < 0 && errno != EINTR)
            return;
        lines += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
}

static void keep(const struct log_files *f, int from)
{
    static char block[BLOCK];
    size_t used = 0;
    ssize_t n;
    int fd = open_log(f->path);
    while ((n = read(from, block + used, sizeof block - used)) > 0 || (n < 0 && errno == EINTR)) {
        used += n > 0 ? (size_t)n : 0;
        const char *end = memrchr(block, '\n', used);
        size_t whole = end ? (size_t)(end - block) + 1 : used == sizeof block ? used : 0;
        for (size_t at = 0, n_line; at < whole; at += n_line) {
            const char *stop = memchr(block + at, '\n', whole - at);
            n_line = stop ? (size_t)(stop - block) + 1 - at : whole - at;
            write_lines(f, &fd, block + at, n_line);
        }
        memmove(block, block + whole, used - whole);
        used -= whole;
    }
    write_lines(f, &fd, block, used);
    if (f->ended)
        f->ended(f->arg);
}

int log_files_keep(const struct log_files *f, int from)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (int fd = STDERR_FILENO + 1; fd < MOST_DESCRIPTORS; fd++)
        if (fd !=
            from) /* the pipe's other end, by which it would wait for itself, and whatever else is open */
            close(fd);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* It ends when all that write to it have ended, and not before: what they say last is what one wants to know. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (setsid() >= 0 && nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(nothing, 1) >= 0 &&
        dup2(nothing, 2) >= 0)
        keep(f, from);
    _exit(0);
}

/* ---- reading ---- */

static enum hone_status failed(const char *what)
{
    return report_error(HONE_FAILED, "%s: %s", what, strerror(errno));
}

/* How many files there are: PATH, PATH.1, ... */
static size_t count_files(const char *path)
{
    char name[1200];
    size_t n = 0;
    do
        name_of(name, sizeof name, path, n);
    while (access(name, F_OK) == 0 && ++n <= LOG_FILES_MAX);
    return n;
}

/* Where the last *n lines of the file begin; *n becomes what is missing of them. */
static off_t find_lines(int fd, off_t size, size_t *n)
{
    char block[BLOCK];
    for (off_t at = size; at > 0 && *n > 0;) {
        size_t part = at < BLOCK ? (size_t)at : BLOCK;
        at -= (off_t)part;
        if (pread(fd, block, part, at) != (ssize_t)part)
            return 0;
        for (size_t i = part; i-- > 0;)
            if (block[i] == '\n' && at + (off_t)i + 1 < size && --*n == 0)
                return at + (off_t)i + 1;
    }
    if (size > 0 && *n > 0) /* the line that the file begins with */
        --*n;
    return 0;
}

/* Copies what is there behind `at`. False: reported in *status. */
static bool copy_rest(int fd, off_t *at, const char *name, enum hone_status *status)
{
    char block[BLOCK];
    ssize_t n;
    while ((n = pread(fd, block, sizeof block, *at)) > 0) {
        if (fwrite(block, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0) {
            *status = failed("standard output");
            return false;
        }
        *at += n;
    }
    if (n < 0)
        *status = failed(name);
    return n == 0;
}

/* Whether PATH is another file by now than the one that is open. */
static bool is_another(const char *path, int fd)
{
    struct stat here, there;
    return stat(path, &there) == 0 && fstat(fd, &here) == 0 &&
           (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

static enum hone_status follow_log(const char *path, int fd, off_t at)
{
    enum hone_status status = HONE_OK;
    struct stat file;
    struct pollfd out = {.fd = STDOUT_FILENO};
    while (fd >= 0 && copy_rest(fd, &at, path, &status)) {
        if (is_another(path, fd)) {
            copy_rest(fd, &at, path, &status); /* what came between the last look and the turn */
            close(fd);
            fd = open(path, O_RDONLY | O_CLOEXEC);
            at = 0;
            continue;
        }
        if (fstat(fd, &file) == 0 && file.st_size < at) /* emptied */
            at = 0;
        if (poll(&out, 1, 250) > 0 && out.revents & (POLLERR | POLLHUP)) /* nobody reads */
            break;
    }
    if (fd >= 0)
        close(fd);
    return status;
}

enum hone_status log_files_show(const char *path, size_t n, bool follow)
{
    char name[1200];
    enum hone_status status = HONE_OK;
    size_t n_files = count_files(path), first = n_files, missing = n;
    off_t begin = 0;
    struct stat file;
    if (n_files == 0)
        return failed(path);
    for (size_t i = 0; i < n_files && missing > 0; i++) { /* the newest first */
        name_of(name, sizeof name, path, i);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        begin =
            fd >= 0 && fstat(fd, &file) == 0 && n != SIZE_MAX ? find_lines(fd, file.st_size, &missing) : 0;
        if (fd >= 0)
            close(fd);
        first = i + 1;
    }
    for (size_t i = first; i-- > 0 && status == HONE_OK; begin = 0) {
        name_of(name, sizeof name, path, i);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        off_t at = begin;
        if (fd < 0)
            return failed(name);
        bool well = copy_rest(fd, &at, name, &status);
        if (i == 0 && follow && well)
            return follow_log(path, fd, at);
        close(fd);
    }
    return status;
}
