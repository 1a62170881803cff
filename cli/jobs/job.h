/* What an output is made from, as JSON. */
#ifndef CLI_JOBS_JOB_H
#define CLI_JOBS_JOB_H

#include "cli/options.h"

#include <jansson.h>

/* The command, the options that results depend on, and the content of the model and of files that options name. NULL: out of
 * memory. */
json_t *job_describe(const struct options *options);

/* What differs, in words; false: nothing does. */
bool job_differs(const json_t *was, const json_t *is, char *words, size_t size);

#endif
