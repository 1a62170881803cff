#include "cli/io/output.h"
#include "cli/io/codec.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "runtime/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file to remove when a signal ends the program. */
static char *volatile unfinished;

static void remove_unfinished(int number)
{
    if (unfinished)
        unlink(unfinished);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            signal(numbers[i], remove_unfinished);
    }
}

static void fail(struct output *o)
{
    bool first = !o->failed;
    o->failed = true;
    if (first && errno != EPIPE)
        report_error(HONE_FAILED, "cannot write to %s: %s", o->name, strerror(errno));
}

static void write_all(struct output *o, int fd, const char *data, size_t size)
{
    if (size > 0 && isatty(fd))
        progress_hide();
    while (size > 0 && !o->failed) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fail(o);
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

enum hone_status output_open_spool(struct output *o, const char *name)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    memset(o, 0, offsetof(struct output, buffer));
    o->name = name;
    if (!folder || !*folder)
        folder = "/tmp";
    snprintf(path, sizeof path, "%s/hone-XXXXXX", folder);
    o->fd = mkstemp(path);
    if (o->fd < 0)
        return report_error(HONE_FAILED, "cannot make a temporary file in %s: %s", folder, strerror(errno));
    unlink(path);
    o->spooled = true;
    return HONE_OK;
}

/* The permissions that the file has, or that a new one would get. */
static mode_t wanted_mode(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return info.st_mode & 07777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Without a name, where the file system knows such files: then nothing is left, however the program ends. */
static int open_nameless(const char *path)
{
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash)
        slash[slash == copy] = '\0';
    int fd = copy ? open(slash ? copy : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    free(copy);
    return fd;
}

static int open_named(struct output *o)
{
    if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
        o->temporary = NULL;
        return -1;
    }
    unfinished = o->temporary; /* before it is there, so that no moment is missed */
    watch_signals();
    int fd = mkstemp(o->temporary);
    if (fd < 0) {
        unfinished = NULL;
        free(o->temporary);
        o->temporary = NULL;
    }
    return fd;
}

static enum hone_status open_temporary(struct output *o, const char *path)
{
    /* Through a symbolic link, so that the link stays one. */
    char *real = realpath(path, NULL);
    o->path = real ? real : strdup(path);
    if (!o->path)
        return report_error(HONE_FAILED, "out of memory for the name of %s", path);
    new_file_remove_stale(o->path);
    o->fd = open_nameless(o->path);
    if (o->fd >= 0)
        flock(o->fd, LOCK_EX | LOCK_NB);
    else
        o->fd = open_named(o);
    if (o->fd < 0) {
        enum hone_status status = report_error(HONE_FAILED, "cannot write to %s: %s", path, strerror(errno));
        free(o->path);
        o->path = NULL;
        return status;
    }
    fchmod(o->fd, wanted_mode(path));
    return HONE_OK;
}

static enum hone_status open_file(struct output *o, const char *path, bool patched)
{
    struct stat info;
    memset(o, 0, offsetof(struct output, buffer));
    o->fd = STDOUT_FILENO;
    o->name = "standard output";
    if (!path || strcmp(path, "-") == 0)
        return patched ? output_open_spool(o, o->name)
                       : HONE_OK; /* it must be patched before it goes down a pipe */
    o->name = path;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
        return open_temporary(o, path);
    o->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (o->fd < 0)
        return report_error(HONE_FAILED, "cannot write to %s: %s", path, strerror(errno));
    return HONE_OK;
}

enum hone_status output_open(struct output *o, const char *path, bool patched)
{
    const char *why;
    enum codec_kind kind = path ? codec_of_name(path, NULL) : CODEC_NONE;
    if (kind != CODEC_NONE && patched)
        return report_error(HONE_USAGE, "%s: what is written to NumPy files cannot be compressed", path);
    enum hone_status status = open_file(o, path, patched);
    if (status != HONE_OK || kind == CODEC_NONE)
        return status;
    o->codec = codec_open(kind, true, &why);
    if (o->codec)
        return HONE_OK;
    output_close(o, false);
    return report_error(HONE_FAILED, "%s cannot be compressed (%s): %s", path, codec_name(kind), why);
}

/* On its way to the file, compressed or not. */
static void pass_on(struct output *o, const char *data, size_t size, bool last)
{
    static char zipped[1 << 16];
    bool ended = !o->codec;
    o->size += size;
    if (!o->codec)
        write_all(o, o->fd, data, size);
    while (!ended && !o->failed && (size > 0 || last)) {
        char *out = zipped;
        size_t room = sizeof zipped;
        if (!codec_run(o->codec, &data, &size, &out, &room, last, &ended)) {
            errno = ENOMEM;
            fail(o);
        }
        ended = ended && last;
        write_all(o, o->fd, zipped, sizeof zipped - room);
    }
}

char *output_reserve(struct output *o, size_t n)
{
    if (o->used + n > OUTPUT_BUFFER)
        output_flush(o);
    return o->buffer + o->used;
}

void output_advance(struct output *o, size_t n)
{
    o->used += n;
}

void output_write(struct output *o, const void *data, size_t size)
{
    if (size > OUTPUT_BUFFER / 2) {
        output_flush(o);
        pass_on(o, data, size, false);
    } else {
        memcpy(output_reserve(o, size), data, size);
        output_advance(o, size);
    }
}

void output_text(struct output *o, const char *text)
{
    output_write(o, text, strlen(text));
}

void output_format(struct output *o, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        output_write(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void output_patch(struct output *o, off_t offset, const void *data, size_t size)
{
    if (output_flush(o) == HONE_OK && pwrite(o->fd, data, size, offset) != (ssize_t)size)
        fail(o);
}

enum hone_status output_flush(struct output *o)
{
    pass_on(o, o->buffer, o->used, false);
    o->used = 0;
    return o->failed ? HONE_FAILED : HONE_OK;
}

/* Sends the nameless file where it was meant to go. */
static void copy_spool(struct output *o)
{
    off_t offset = 0;
    ssize_t n;
    while (!o->failed && (n = pread(o->fd, o->buffer, OUTPUT_BUFFER, offset)) != 0) {
        if (n < 0) {
            fail(o);
            return;
        }
        write_all(o, STDOUT_FILENO, o->buffer, (size_t)n);
        offset += n;
    }
}

enum hone_status output_close(struct output *o, bool complete)
{
    output_flush(o);
    if (o->codec && complete)
        pass_on(o, NULL, 0, true);
    codec_close(o->codec);
    o->codec = NULL;
    if (o->spooled && complete)
        copy_spool(o);
    if (o->path && complete && !o->failed && !o->temporary && (errno = new_file_name(o->fd, o->path)) != 0)
        fail(o);
    if (close(o->fd) != 0)
        fail(o);
    if (o->path) {
        if (!o->failed && complete && o->temporary && rename(o->temporary, o->path) != 0)
            fail(o);
        if (o->temporary && (o->failed || !complete) && !o->kept)
            unlink(o->temporary);
        unfinished = NULL;
        free(o->path);
        free(o->temporary);
    }
    return o->failed ? HONE_FAILED : HONE_OK;
}
