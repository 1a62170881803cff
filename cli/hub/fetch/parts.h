/* Which parts of a file have been fetched, in memory and in a file beside it: a line with its size and that of a part,
 * then the number of each part that is whole. */
#ifndef CLI_HUB_FETCH_PARTS_H
#define CLI_HUB_FETCH_PARTS_H

#include "cli/hub/fail.h"

struct parts {
    int fd; /* of the file itself, as large as it will be */
    int list;
    char *list_path;
    uint64_t size, part_size;
    size_t n, n_done, next; /* next: before it, all are done or on their way */
    bool *done;             /* [n] */
};

/* Opens or makes both files. What a list of other sizes says is forgotten. */
enum hone_status parts_open(struct parts *p, const char *path, uint64_t size, uint64_t part_size,
                            struct hone_error *err);
/* With `remove`, the list is taken away: it is whole, or worth nothing. */
void parts_close(struct parts *p, bool remove);

/* The next part that nobody fetches. False: there is none. */
bool parts_take(struct parts *p, size_t *part);
uint64_t parts_start(const struct parts *p, size_t part);
uint64_t parts_end(const struct parts *p, size_t part);
enum hone_status parts_finish(struct parts *p, size_t part, struct hone_error *err);
/* All from the start, as one part: the server knows no parts. */
enum hone_status parts_join(struct parts *p, struct hone_error *err);
/* Bytes of parts that are whole. */
uint64_t parts_bytes(const struct parts *p);

#endif
