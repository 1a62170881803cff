/* Texts, a line each, from a file or standard input, in windows of bounded size. Bytes are kept as they are but for
 * the line break, "\n" or "\r\n". An empty line is an empty text. */
#ifndef CLI_IO_LINES_H
#define CLI_IO_LINES_H

#include <hone.h>

#define LINES_MAX_TEXTS 1024u       /* a window */
#define LINES_MAX_SIZE  (1u << 20)  /* bytes a window, but for one long line alone */
#define LINES_MAX_LINE  (64u << 20) /* bytes; a longer line is refused */

struct lines {
    int fd;
    const char *name; /* for sentences */
    char *buffer;     /* [capacity]; what was read but not yet handed out lies from `start` to `end` */
    size_t capacity, start, end;
    size_t n_lines;   /* handed out so far */
    uint64_t n_bytes; /* the same in bytes */
    uint64_t size;    /* of the whole file, 0 where that is not known */
    bool at_end;
    bool failed;

    /* The window. It stays until the next one is read. */
    size_t first; /* index of texts[0] among all lines, from 0 */
    size_t n;     /* texts in it */
    struct hone_text texts[LINES_MAX_TEXTS];
    struct hone_text pairs[LINES_MAX_TEXTS]; /* with lines_split_pairs: the second text of each */
    bool refused[LINES_MAX_TEXTS];           /* the text is then empty, and so is its pair */
    size_t n_refused;                        /* in all windows so far */
};

/* path: NULL or "-" for standard input. On failure, which is reported, there is nothing to close. */
enum hone_status lines_open(struct lines *l, const char *path);
void lines_close(struct lines *l);

/* Reads the next window: false at the end, and after a failure, which is reported and remembered in l->failed. Does
 * not wait for more lines while it has some, so that a slow writer's lines are answered as they come. */
bool lines_next(struct lines *l);

/* Splits each text of the window at its first tab; lines without one are refused. */
void lines_split_pairs(struct lines *l);

/* Refuses text i of the window: reports why and leaves the text empty. */
void lines_refuse(struct lines *l, size_t i, const char *why);

/* How much of the input the texts before number n_done of this window are: 0 to 1, -1 where the size is not known. */
double lines_part(const struct lines *l, size_t n_done);

#endif
