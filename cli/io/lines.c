#include "cli/io/lines.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (256u << 10)

enum hone_status lines_open(struct lines *l, const char *path)
{
    struct stat info;
    memset(l, 0, sizeof *l);
    l->name = "standard input";
    if (path && strcmp(path, "-") != 0) {
        l->name = path;
        l->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (l->fd < 0 || fstat(l->fd, &info) != 0)
        return report_error(HONE_FAILED, "cannot open %s: %s", l->name, strerror(errno));
    if (S_ISREG(info.st_mode) && info.st_size > 0)
        l->size = (uint64_t)info.st_size;
    return HONE_OK;
}

void lines_close(struct lines *l)
{
    if (l->fd > STDERR_FILENO)
        close(l->fd);
    free(l->buffer);
}

/* Makes room for READ_SIZE more bytes behind `end`. What the window points to may move, so it is empty by now. */
static bool make_room(struct lines *l)
{
    if (l->start > 0) {
        memmove(l->buffer, l->buffer + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->capacity - l->end >= READ_SIZE)
        return true;
    size_t capacity = l->capacity ? 2 * l->capacity : LINES_MAX_SIZE + READ_SIZE;
    char *buffer = realloc(l->buffer, capacity);
    if (!buffer) {
        report_error(HONE_FAILED, "out of memory: a line of %s needs %zu bytes", l->name, capacity);
        return false;
    }
    l->buffer = buffer;
    l->capacity = capacity;
    return true;
}

/* Reads what is there: false at the end of the input and on failure. */
static bool read_more(struct lines *l)
{
    if (!make_room(l)) {
        l->failed = true;
        return false;
    }
    ssize_t n;
    do
        n = read(l->fd, l->buffer + l->end, l->capacity - l->end);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        l->failed = true;
        report_error(HONE_FAILED, "cannot read %s: %s", l->name, strerror(errno));
    }
    l->at_end = n == 0;
    l->end += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool must_wait(const struct lines *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

/* Throws away the rest of a line that is too long. */
static void skip_line(struct lines *l)
{
    for (;;) {
        char *stop = memchr(l->buffer + l->start, '\n', l->end - l->start);
        l->n_bytes += stop ? (size_t)(stop + 1 - (l->buffer + l->start)) : l->end - l->start;
        l->start = stop ? (size_t)(stop + 1 - l->buffer) : l->end;
        if (stop || !read_more(l))
            return;
    }
}

/* Fills the buffer: to a window's worth, or with as many whole lines as are to be had without waiting. Returns how
 * much of what lies there has been searched for the end of the first line, which is at least one line's worth. */
static void fill(struct lines *l)
{
    size_t searched = 0;
    bool whole = false; /* there is a line's end */
    while (!l->at_end && !l->failed) {
        size_t n = l->end - l->start;
        whole = whole || (n > searched && memchr(l->buffer + l->start + searched, '\n', n - searched));
        searched = n;
        if (whole && (n >= LINES_MAX_SIZE || must_wait(l)))
            return;
        if (n > LINES_MAX_LINE + 2 || !read_more(l))
            return;
    }
}

/* Adds the line of n bytes at `start`, which `taken` >= n bytes of the buffer stand for. */
static void add_line(struct lines *l, size_t n, size_t taken)
{
    const char *data = l->buffer + l->start;
    if (n > 0 && data[n - 1] == '\r')
        n--;
    l->texts[l->n] = (struct hone_text){data, n};
    l->refused[l->n++] = false;
    l->start += taken;
    l->n_bytes += taken;
    if (n > LINES_MAX_LINE)
        lines_refuse(l, l->n - 1, "the line is longer than 64 MiB");
}

bool lines_next(struct lines *l)
{
    l->first += l->n;
    l->n = 0;
    fill(l);
    if (l->failed)
        return false;
    while (l->n < LINES_MAX_TEXTS && l->start < l->end) {
        const char *data = l->buffer + l->start;
        size_t left = l->end - l->start;
        const char *stop = memchr(data, '\n', left);
        if (stop) {
            add_line(l, (size_t)(stop - data), (size_t)(stop - data) + 1);
        } else if (l->at_end) {
            add_line(l, left, left);
        } else {
            if (l->n == 0) {
                add_line(l, left, left);
                skip_line(l);
            }
            break;
        }
    }
    return l->n > 0 && !l->failed;
}

void lines_split_pairs(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct hone_text *text = &l->texts[i], *pair = &l->pairs[i];
        const char *tab = text->size ? memchr(text->data, '\t', text->size) : NULL;
        *pair = (struct hone_text){"", 0};
        if (l->refused[i])
            continue;
        if (!tab) {
            lines_refuse(l, i, "there is no tab between the two texts of a pair");
            continue;
        }
        *pair = (struct hone_text){tab + 1, text->size - (size_t)(tab + 1 - text->data)};
        text->size = (size_t)(tab - text->data);
    }
}

void lines_refuse(struct lines *l, size_t i, const char *why)
{
    report_refused(l->first + i + 1, why);
    l->texts[i] = l->pairs[i] = (struct hone_text){"", 0};
    l->refused[i] = true;
    l->n_refused++;
}

double lines_part(const struct lines *l, size_t n_done)
{
    if (l->size == 0)
        return -1;
    const char *window = l->buffer + l->start;
    uint64_t rest = 0; /* bytes of the window from text n_done on */
    if (n_done < l->n && !l->refused[n_done])
        rest = (uint64_t)(window - l->texts[n_done].data);
    return (double)(l->n_bytes - rest) / (double)l->size;
}
