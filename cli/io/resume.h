/* An output of jsonl that a later run goes on with where an earlier one was ended. */
#ifndef CLI_IO_RESUME_H
#define CLI_IO_RESUME_H

#include "cli/io/output.h"

/* Opens `path` behind its last complete line; what is behind that is cut off. *n_done: the lines of the input that need
 * not be computed again, which is one more than the last line's "index". Lines appear in the file as they are flushed.
 * On failure, which is reported, there is nothing to close. */
enum hone_status resume_open(struct output *o, const char *path, size_t *n_done);

#endif
