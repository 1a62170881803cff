/* Records of files or of standard input, in windows of bounded size: a text a line; or the rows of jsonl, csv and tsv,
 * whose texts are found by records.h. Bytes are kept as they are but for the line break, "\n" or "\r\n", and a byte order
 * mark. An empty line is an empty text. */
#ifndef CLI_IO_LINES_H
#define CLI_IO_LINES_H

#include "cli/io/stream.h"

#include <jansson.h>

#define LINES_MAX_TEXTS 1024u       /* a window */
#define LINES_MAX_SIZE  (1u << 20)  /* bytes a window, but for one long line alone */
#define LINES_MAX_LINE  (64u << 20) /* bytes; a longer line is refused */

enum input_format { INPUT_TEXT, INPUT_JSONL, INPUT_CSV, INPUT_TSV };

struct lines {
    char *const *paths; /* [n_paths] NULL or "-": standard input */
    size_t n_paths, path;
    struct stream stream;
    bool open;
    bool is_known;            /* the format was told: it is that of all files */
    enum input_format format; /* of the file that is being read */
    bool quiet;               /* refusals are told by rows, and not on standard error */
    const char *name;         /* for sentences */
    char *buffer; /* [capacity]; what was read but not yet handed out lies from `start` to `end` */
    size_t capacity, start, end;
    size_t line;       /* lines before `start`, of this file */
    uint64_t n_before; /* bytes of the files before this one, and */
    uint64_t size;     /* of all of them, as they lie there; 0 where that is not known */
    uint64_t n_handed; /* bytes handed out of this file, decompressed, of */
    uint64_t n_taken;  /* those that were read */
    json_t *header;    /* of csv and tsv: the names of its columns */
    bool begun;        /* of this file, something was read */
    bool at_end;
    bool failed,
        misunderstood; /* misunderstood: it failed since it is nothing that hone reads, or could be two things */

    size_t n_records;       /* so far, of all files, and whosever they are */
    size_t shard, n_shards; /* record r is ours if r % n_shards is `shard`; n_shards 0: all are */
    size_t until;           /* a window ends behind so many of our records, if it comes there; 0: wherever */

    /* The window. It stays until the next one is read, and lies in one file. */
    size_t first;                  /* of our records, those before it */
    size_t n;                      /* texts in it */
    size_t index[LINES_MAX_TEXTS]; /* of each among all records, from 0 */
    struct hone_text texts[LINES_MAX_TEXTS];
    struct hone_text
        pairs[LINES_MAX_TEXTS];      /* with lines_split_pairs and records.h: the second text of each */
    json_t *rows[LINES_MAX_TEXTS];   /* of records: what each is; NULL: a text alone */
    size_t numbers[LINES_MAX_TEXTS]; /* of its line in its file, from 1 */
    bool refused[LINES_MAX_TEXTS];   /* the text is then empty, and so is its pair */
    char
        *why[LINES_MAX_TEXTS]; /* why it was refused; NULL where it was not, and of an empty line of jsonl, */
                               /* which asks for nothing */
    size_t n_refused;          /* in all windows so far */
};

/* path[s]: n of them, which must live as long; none: standard input. A format that is not told is found by each file's
 * name and content. On failure, which is reported, there is nothing to close. */
enum hone_status lines_open(struct lines *l, char *const *paths, size_t n, const enum input_format *format);
void lines_close(struct lines *l);

/* Takes the share of the input that `share` names: "2/4", the second of four; NULL: all. HONE_USAGE, reported: it names none.
 * To be called before the first window is read. */
enum hone_status lines_take_share(struct lines *l, const char *share);

/* Reads the next window: false at the end, and after a failure, which is reported and remembered in l->failed. Does
 * not wait for more lines while it has some, so that a slow writer's lines are answered as they come. */
bool lines_next(struct lines *l);

/* Splits each text of the window at its first tab; lines without one are refused. */
void lines_split_pairs(struct lines *l);

/* Refuses text i of the window: reports why and leaves the text empty. */
void lines_refuse(struct lines *l, size_t i, const char *why);
/* Text i is an empty line that asks for nothing. */
void lines_skip(struct lines *l, size_t i);

/* How much of the input the texts before number n_done of this window are: 0 to 1, -1 where the size is not known. */
double lines_part(const struct lines *l, size_t n_done);

#endif
