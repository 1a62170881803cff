/* Compressed data: gzip (zlib), zstd and xz (liblzma), each where hone was built with its library. */
#ifndef CLI_IO_CODEC_H
#define CLI_IO_CODEC_H

#include <stdbool.h>
#include <stddef.h>

enum codec_kind { CODEC_NONE, CODEC_GZIP, CODEC_ZSTD, CODEC_XZ };

#define CODEC_HEAD 6 /* bytes of a file that tell its kind */
enum codec_kind codec_of_content(const void *head, size_t n);
/* Whether more bytes could still tell that it is compressed. */
bool codec_could_be(const void *head, size_t n);
/* By ".gz", ".zst" and ".xz"; *stem (may be NULL): the bytes of the name before that. */
enum codec_kind codec_of_name(const char *name, size_t *stem);
const char *codec_name(enum codec_kind kind);

/* Of the library that does it; NULL: it is not there. */
const char *codec_version(enum codec_kind kind);

struct codec;

/* NULL: there is no memory, or this hone was built without the library: *why says so. */
struct codec *codec_open(enum codec_kind kind, bool compress, const char **why);
void codec_close(struct codec *codec); /* NULL is allowed */

/* Takes what it can of *in [*n_in] and gives what it can to *out [*n_out], moving all four on. With `last`, no more comes.
 * *ended: all that was compressed is complete here (of several streams behind each other: the last one so far). False: the
 * data are damaged. */
bool codec_run(struct codec *codec, const char **in, size_t *n_in, char **out, size_t *n_out, bool last,
               bool *ended);

#endif
