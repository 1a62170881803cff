/* The bytes of a file or of standard input, decompressed where they are compressed, which their first bytes tell. */
#ifndef CLI_IO_STREAM_H
#define CLI_IO_STREAM_H

#include <hone/hone.h>

#include <sys/types.h>

struct codec;

struct stream {
    int fd;
    const char *name; /* for sentences */
    uint64_t size;    /* of the file, compressed; 0: not known */
    uint64_t n_raw;   /* bytes of these that were read */
    struct codec *codec;
    char *raw; /* what the codec has not taken yet: from `at` to `end` */
    size_t at, end;
    bool started, raw_end, complete;
};

/* path: NULL or "-" is standard input. On failure, which is reported, there is nothing to close. */
enum hone_status stream_open(struct stream *s, const char *path);
void stream_close(struct stream *s);

/* Up to n bytes; 0 at the end; -1 after a failure, which is reported. */
ssize_t stream_read(struct stream *s, char *out, size_t n);
/* Whether nothing is there to be read just now. */
bool stream_must_wait(const struct stream *s);

#endif
