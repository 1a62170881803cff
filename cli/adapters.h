/* --lora: adapters that a model is opened or converted with. */
#ifndef CLI_ADAPTERS_H
#define CLI_ADAPTERS_H

#include "cli/options.h"

#include <hone.h>

struct adapters {
    struct hone_lora list[OPTION_LIST_MAX];
    size_t n;
};

/* From FILE[:SCALE], names of the hub being found. To be released in any case. */
enum hone_status adapters_find(struct adapters *a, const struct options *options, struct hone_error *err);
void adapters_release(struct adapters *a);

#endif
