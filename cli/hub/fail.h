/* Failures of this folder, as those of the library: a status and a sentence. */
#ifndef CLI_HUB_FAIL_H
#define CLI_HUB_FAIL_H

#include <hone/hone.h>

/* Fills *err and returns `status`. */
enum hone_status hub_fail(struct hone_error *err, enum hone_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum hone_status hub_no_memory(struct hone_error *err);

/* A path as printf would write it. Whether it fits. */
#define HUB_PATH 4096
bool hub_format(char path[HUB_PATH], const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
