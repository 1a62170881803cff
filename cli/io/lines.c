#include "cli/io/lines.h"
#include "cli/io/detect.h"
#include "cli/io/report.h"
#include "cli/io/table_row.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A quarter of a window: few calls, and a slow writer's lines wait for little. */
#define READ_SIZE (256u << 10)

static const char *path_at(const struct lines *l, size_t i)
{
    return i < l->n_paths ? l->paths[i] : NULL;
}

/* The bytes of all files, 0 where one of them does not tell. */
static uint64_t total_size(const struct lines *l)
{
    uint64_t sum = 0;
    struct stat info;
    for (size_t i = 0; i < l->n_paths; i++) {
        if (stat(l->paths[i], &info) != 0 || !S_ISREG(info.st_mode))
            return 0;
        sum += (uint64_t)info.st_size;
    }
    return sum;
}

static enum hone_status open_file(struct lines *l)
{
    enum hone_status status = stream_open(&l->stream, path_at(l, l->path));
    l->open = status == HONE_OK;
    l->name = l->stream.name;
    l->start = l->end = l->line = 0;
    l->n_handed = l->n_taken = 0;
    l->begun = l->at_end = false;
    json_decref(l->header);
    l->header = NULL;
    return status;
}

static void release_window(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        json_decref(l->rows[i]);
        free(l->why[i]);
    }
    l->n = 0;
}

void lines_close(struct lines *l)
{
    release_window(l);
    if (l->open)
        stream_close(&l->stream);
    json_decref(l->header);
    free(l->buffer);
}

/* ---- reading ---- */

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

/* Reads what is there: false at the end of the file and on failure. */
static bool read_more(struct lines *l)
{
    ssize_t n = make_room(l) ? stream_read(&l->stream, l->buffer + l->end, l->capacity - l->end) : -1;
    l->failed = n < 0;
    l->at_end = n == 0;
    l->end += n > 0 ? (size_t)n : 0;
    l->n_taken += n > 0 ? (uint64_t)n : 0;
    return n > 0;
}

static char between(const struct lines *l)
{
    return l->format == INPUT_TSV ? '\t' : ',';
}

/* Behind the first record of data [n], or NULL where its end is not there. Its own bytes: *size. */
static const char *find_end(const struct lines *l, struct row_scan *scan, const char *data, size_t n,
                            size_t *size)
{
    const char *stop;
    if (l->format == INPUT_CSV || l->format == INPUT_TSV) {
        stop = table_row_end(scan, data, n, between(l));
    } else {
        stop = n > scan->at ? memchr(data + scan->at, '\n', n - scan->at) : NULL;
        scan->at = n;
    }
    *size = stop ? (size_t)(stop - data) : n;
    return stop ? stop + 1 : NULL;
}

static size_t count_lines(const char *data, size_t n)
{
    size_t lines = 0;
    for (const char *p = data; (p = memchr(p, '\n', n - (size_t)(p - data))); p++)
        lines++;
    return lines;
}

static void hand_out(struct lines *l, size_t n)
{
    l->line += count_lines(l->buffer + l->start, n);
    l->start += n;
    l->n_handed += n;
}

/* Throws away the rest of a line that is too long. */
static void skip_line(struct lines *l)
{
    for (;;) {
        char *stop = memchr(l->buffer + l->start, '\n', l->end - l->start);
        hand_out(l, stop ? (size_t)(stop + 1 - (l->buffer + l->start)) : l->end - l->start);
        if (stop || !read_more(l))
            return;
    }
}

/* Fills the buffer: to a window's worth, or with as many whole records as are to be had without waiting. Returns when a
 * record is there, or more than one may have. */
static void fill(struct lines *l)
{
    struct row_scan scan = {0};
    bool whole = false;
    size_t size;
    while (!l->at_end && !l->failed) {
        size_t n = l->end - l->start;
        whole = whole || find_end(l, &scan, l->buffer + l->start, n, &size);
        if (whole && (n >= LINES_MAX_SIZE || stream_must_wait(&l->stream)))
            return;
        if (n > LINES_MAX_LINE + 2 || !read_more(l))
            return;
    }
}

/* ---- the beginning of a file ---- */

static bool misunderstood(struct lines *l, const char *why)
{
    l->failed = l->misunderstood = true;
    report_error(HONE_USAGE, "%s: %s", l->name, why);
    return false;
}

/* Says what it is, and takes off what is not its content. */
static bool begin_file(struct lines *l)
{
    char why[512];
    l->begun = true;
    bool clear = l->is_known
                     ? detect_encoding(l->buffer, l->end, why, sizeof why)
                     : detect_format(&l->format, path_at(l, l->path), l->buffer, l->end, why, sizeof why);
    if (!clear)
        return misunderstood(l, why);
    if (l->end >= 3 && memcmp(l->buffer, "\xef\xbb\xbf", 3) == 0)
        hand_out(l, 3);
    return !l->failed;
}

/* What `data` [n] begins with tells the format only where a line of it is there. */
static bool begin_with_a_line(struct lines *l)
{
    while (!l->at_end && !l->failed && l->end < DETECT_SIZE &&
           !(l->end > 0 && memchr(l->buffer, '\n', l->end)))
        (void)read_more(l);
    return !l->failed && begin_file(l);
}

/* Whether no name comes twice. */
static bool are_different(const json_t *names)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < json_array_size(names); i++)
        json_object_set_new(seen, json_string_value(json_array_get(names, i)), json_true());
    bool different = json_object_size(seen) == json_array_size(names);
    json_decref(seen);
    return different;
}

/* The first record of csv and tsv names the columns. */
static bool read_header(struct lines *l)
{
    size_t size;
    struct row_scan scan = {0};
    const char *why = "there is no line with the names of its columns";
    fill(l);
    if (l->failed)
        return false;
    const char *data = l->buffer + l->start, *next = find_end(l, &scan, data, l->end - l->start, &size);
    if (size > 0)
        l->header = table_row_read(data, size, between(l), NULL, &why);
    if (l->header && !are_different(l->header)) {
        json_decref(l->header);
        l->header = NULL;
        why = "two of its columns have one name";
    }
    if (!l->header)
        return misunderstood(l, why);
    hand_out(l, next ? (size_t)(next - data) : size);
    return true;
}

static bool begin(struct lines *l)
{
    if (!begin_with_a_line(l))
        return false;
    bool columns = l->format == INPUT_CSV || l->format == INPUT_TSV;
    return !columns || (l->at_end && l->start == l->end) || read_header(l);
}

enum hone_status lines_open(struct lines *l, char *const *paths, size_t n, const enum input_format *format)
{
    memset(l, 0, sizeof *l);
    l->paths = paths;
    l->n_paths = n;
    l->is_known = format != NULL;
    if (format)
        l->format = *format;
    l->size = total_size(l);
    enum hone_status status = open_file(l);
    if (status != HONE_OK)
        return status;
    if (n == 0)
        l->size = l->stream.size;
    /* What cannot be read is told at once, and not after a model was opened, where nothing has to be waited for. */
    if (l->stream.size > 0 && !begin(l)) {
        status = l->misunderstood ? HONE_USAGE : HONE_FAILED;
        lines_close(l);
    }
    return status;
}

enum hone_status lines_take_share(struct lines *l, const char *share)
{
    unsigned i = 0, n = 0;
    int used = 0;
    if (!share)
        return HONE_OK;
    if (!isdigit((unsigned char)*share) || sscanf(share, "%9u/%9u%n", &i, &n, &used) != 2 || share[used] ||
        i < 1 || i > n)
        return report_error(HONE_USAGE, "--shard must be I/N with I from 1 to N, as 2/4, not '%s'", share);
    l->shard = i - 1;
    l->n_shards = n;
    return HONE_OK;
}

/* ---- windows ---- */

/* Adds the record of n bytes at `start`, which `taken` >= n bytes of the buffer stand for, if it is ours. */
static void add_line(struct lines *l, size_t n, size_t taken)
{
    const char *data = l->buffer + l->start;
    size_t index = l->n_records++;
    if (l->n_shards && index % l->n_shards != l->shard) {
        hand_out(l, taken);
        return;
    }
    l->index[l->n] = index;
    if (n > 0 && data[n - 1] == '\r')
        n--;
    l->texts[l->n] = (struct hone_text){data, n};
    l->pairs[l->n] = (struct hone_text){"", 0};
    l->rows[l->n] = NULL;
    l->why[l->n] = NULL;
    l->numbers[l->n] = l->line + 1;
    l->refused[l->n++] = false;
    hand_out(l, taken);
    if (n > LINES_MAX_LINE)
        lines_refuse(l, l->n - 1, "the line is longer than 64 MiB");
}

/* Hands out what is there of this file. */
static void take_window(struct lines *l)
{
    while (l->n < LINES_MAX_TEXTS && l->start < l->end &&
           !(l->until && l->n && l->first + l->n == l->until)) {
        struct row_scan scan = {0};
        size_t size, left = l->end - l->start;
        const char *data = l->buffer + l->start, *next = find_end(l, &scan, data, left, &size);
        if (next) {
            add_line(l, size, (size_t)(next - data));
        } else if (l->at_end) {
            add_line(l, left, left);
        } else {
            if (l->n == 0 && left > LINES_MAX_LINE) {
                add_line(l, left, left);
                skip_line(l);
            }
            break;
        }
    }
}

static bool next_file(struct lines *l)
{
    if (l->path + 1 >= l->n_paths)
        return false;
    l->n_before += l->stream.size;
    stream_close(&l->stream);
    l->path++;
    l->failed = open_file(l) != HONE_OK;
    return !l->failed;
}

bool lines_next(struct lines *l)
{
    l->first += l->n;
    release_window(l);
    do {
        if (!l->begun && !begin(l))
            return false;
        fill(l);
        if (l->failed)
            return false;
        take_window(l);
        if (l->failed)
            return false;
    } while (l->n == 0 && (!l->at_end || next_file(l))); /* of a shard, a buffer may hold others' alone */
    return l->n > 0;
}

/* ---- what becomes of them ---- */

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

void lines_skip(struct lines *l, size_t i)
{
    l->texts[i] = l->pairs[i] = (struct hone_text){"", 0};
    l->refused[i] = true;
}

void lines_refuse(struct lines *l, size_t i, const char *why)
{
    if (!l->quiet)
        report_refused(l->n_paths > 1 ? l->name : NULL, l->numbers[i], why);
    lines_skip(l, i);
    free(l->why[i]);
    l->why[i] = strdup(why);
    l->n_refused++;
}

double lines_part(const struct lines *l, size_t n_done)
{
    if (l->size == 0 || l->n_taken == 0)
        return -1;
    const char *window = l->buffer + l->start;
    uint64_t rest = 0; /* bytes of the window from text n_done on */
    if (n_done < l->n && !l->refused[n_done] && !l->rows[n_done])
        rest = (uint64_t)(window - l->texts[n_done].data);
    /* Of a compressed file, as much as was decompressed of what was read. */
    double here = (double)(l->n_handed - rest) / (double)l->n_taken * (double)l->stream.n_raw;
    return ((double)l->n_before + here) / (double)l->size;
}
