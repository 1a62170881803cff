/* hone bench model, for models that generate: tokens a second of prompts, and of what follows. */
#ifndef CLI_BENCH_GENERATE_H
#define CLI_BENCH_GENERATE_H

#include "cli/options.h"

enum hone_status bench_generate(struct hone_model *model, const struct options *options, double open_seconds);

#endif
