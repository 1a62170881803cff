/* What an output is made from, as JSON. */
#ifndef CLI_JOBS_JOB_H
#define CLI_JOBS_JOB_H

#include "cli/options.h"

#include <jansson.h>

/* The command, the options that results depend on, and the model's content. NULL: out of memory. */
json_t *job_describe(const struct options *options, const char *command);

/* What differs, in words; false: nothing does. */
bool job_differs(const json_t *was, const json_t *is, char *words, size_t size);

#endif
