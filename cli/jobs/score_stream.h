/* hone score --stream: a line is answered as soon as it is computed, while others are read. */
#ifndef CLI_JOBS_SCORE_STREAM_H
#define CLI_JOBS_SCORE_STREAM_H

#include "cli/options.h"

enum hone_status score_stream(const struct options *options);

#endif
