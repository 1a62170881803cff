/* Data on its way out: a buffer in front of standard output, or of a file that appears under its name only when it
 * is complete. A failed write is remembered: the functions go on taking data and drop it, and output_flush and
 * output_close tell. They report it too, in a sentence, but for a closed pipe, which is nobody's mistake. */
#ifndef CLI_IO_OUTPUT_H
#define CLI_IO_OUTPUT_H

#include <hone.h>

#include <sys/types.h>

#define OUTPUT_BUFFER (256u << 10) /* bytes */

struct codec;

struct output {
    int fd;
    const char *name; /* for sentences */
    char *path;       /* where the file will appear; NULL where fd is the place itself */
    char *temporary;  /* where it is now; NULL: it has no name yet */
    bool kept;        /* `temporary` stays where the file is not completed: another run goes on with it */
    bool spooled;     /* fd is a nameless file, to be copied to standard output at the end */
    bool failed;
    struct codec *codec; /* compresses, by the name's end (".gz"); NULL: as it is */
    uint64_t size;       /* bytes before the buffer, not compressed, those of an earlier run among them */
    size_t used;
    char buffer[OUTPUT_BUFFER];
};

/* Opens `path` for writing, compressed where its name ends in .gz, .zst or .xz; NULL or "-" is standard output, and things that are not regular files are written to in
 * place. With `patched`, output_patch may be used; what cannot seek is spooled to a temporary file then. On failure
 * there is nothing to close. */
enum hone_status output_open(struct output *o, const char *path, bool patched);

/* A nameless file in TMPDIR for what must wait, named `name` in sentences. To be closed as not complete: it is gone then. */
enum hone_status output_open_spool(struct output *o, const char *name);

/* Room for n <= OUTPUT_BUFFER bytes; what is put there counts from output_advance on. */
char *output_reserve(struct output *o, size_t n);
void output_advance(struct output *o, size_t n);
void output_write(struct output *o, const void *data, size_t size);
void output_text(struct output *o, const char *text);
void output_format(struct output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes over the bytes at `offset`, which were written before. */
void output_patch(struct output *o, off_t offset, const void *data, size_t size);

/* HONE_FAILED once a write has failed. */
enum hone_status output_flush(struct output *o);

/* The end. With `complete`, the file gets its name; otherwise it is removed, if not kept. Nothing is open afterwards. */
enum hone_status output_close(struct output *o, bool complete);

#endif
