/* A picture of kernels beside the machine's limits (Williams, Waterman, Patterson: Roofline, 2009), as SVG. */
#ifndef CLI_CHART_ROOFLINE_H
#define CLI_CHART_ROOFLINE_H

#include "cli/io/output.h"

void roofline_write(struct output *o, const struct hone_bench_result *results, size_t n, int n_threads);

#endif
