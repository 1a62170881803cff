/* What a file of texts is, by its name and its first bytes. A doubt is no guess: it is told, with the option that ends it. */
#ifndef CLI_IO_DETECT_H
#define CLI_IO_DETECT_H

#include "cli/io/lines.h"

#define DETECT_SIZE 4096 /* bytes that are enough to tell */

/* name: NULL for standard input. False: it is nothing that hone reads, or could be two things; `why` says which. */
bool detect_format(enum input_format *out, const char *name, const char *data, size_t n, char *why,
                   size_t size);
/* False: it is not UTF-8, but something that is known not to be. */
bool detect_encoding(const char *data, size_t n, char *why, size_t size);

/* The format that a file's name says, "" or ".jsonl.gz"; NULL: none. `ends`: extension, word, ..., NULL. */
const char *detect_by_name(const char *name, const char *const *ends);

#endif
