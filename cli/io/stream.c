#include "cli/io/stream.h"
#include "cli/io/codec.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW_SIZE (128u << 10) /* about what zstd recommends for its input */

enum hone_status stream_open(struct stream *s, const char *path)
{
    struct stat info;
    bool standard = !path || strcmp(path, "-") == 0;
    *s = (struct stream){.fd = STDIN_FILENO, .name = standard ? "standard input" : path};
    if (!standard)
        s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return report_error(HONE_FAILED, "cannot open %s: %s", s->name, strerror(errno));
    if (S_ISREG(info.st_mode) && info.st_size > 0)
        s->size = (uint64_t)info.st_size;
    return HONE_OK;
}

void stream_close(struct stream *s)
{
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    codec_close(s->codec);
    free(s->raw);
}

static ssize_t read_raw(struct stream *s, char *out, size_t n)
{
    ssize_t got;
    do
        got = read(s->fd, out, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        report_error(HONE_FAILED, "cannot read %s: %s", s->name, strerror(errno));
    s->n_raw += got > 0 ? (uint64_t)got : 0;
    return got;
}

/* Reads as much as tells whether it is compressed. */
static bool start(struct stream *s)
{
    const char *why;
    s->started = true;
    s->raw = malloc(RAW_SIZE);
    if (!s->raw)
        return report_error(HONE_FAILED, "out of memory"), false;
    while (s->end < CODEC_HEAD) {
        ssize_t n = read_raw(s, s->raw + s->end, RAW_SIZE - s->end);
        if (n < 0)
            return false;
        s->raw_end = n == 0;
        s->end += (size_t)n;
        /* What begins otherwise need not be waited for. */
        if (n == 0 || !codec_could_be(s->raw, s->end))
            break;
    }
    enum codec_kind kind = codec_of_content(s->raw, s->end);
    if (kind == CODEC_NONE)
        return true;
    s->codec = codec_open(kind, false, &why);
    if (!s->codec)
        report_error(HONE_FAILED, "%s is compressed (%s): %s", s->name, codec_name(kind), why);
    return s->codec != NULL;
}

/* What start() has read, then the file itself. */
static ssize_t read_plain(struct stream *s, char *out, size_t n)
{
    size_t left = s->end - s->at;
    if (left == 0)
        return s->raw_end ? 0 : read_raw(s, out, n);
    n = n < left ? n : left;
    memcpy(out, s->raw + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static ssize_t decompress(struct stream *s, char *out, size_t n)
{
    while (!(s->complete && s->raw_end && s->at == s->end)) {
        if (s->at == s->end && !s->raw_end) {
            ssize_t got = read_raw(s, s->raw, RAW_SIZE);
            if (got < 0)
                return -1;
            s->at = 0;
            s->end = (size_t)got;
            s->raw_end = got == 0;
        }
        const char *in = s->raw + s->at;
        char *to = out;
        size_t n_in = s->end - s->at, n_out = n;
        if (!codec_run(s->codec, &in, &n_in, &to, &n_out, s->raw_end, &s->complete)) {
            report_error(HONE_FAILED, "%s: the compressed data are damaged", s->name);
            return -1;
        }
        s->at = s->end - n_in;
        if (n_out < n)
            return (ssize_t)(n - n_out);
        if (s->raw_end && !s->complete) {
            report_error(HONE_FAILED, "%s: the compressed data end in their middle", s->name);
            return -1;
        }
    }
    return 0;
}

ssize_t stream_read(struct stream *s, char *out, size_t n)
{
    if (!s->started && !start(s))
        return -1;
    return s->codec ? decompress(s, out, n) : read_plain(s, out, n);
}

bool stream_must_wait(const struct stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    return s->at == s->end && !s->raw_end && poll(&p, 1, 0) == 0;
}
