/* What the checks of hone_verify have in common. */
#ifndef RUNTIME_TOOLS_VERIFY_H
#define RUNTIME_TOOLS_VERIFY_H

#include "runtime/infer/model.h"

#include <hone/files.h>

struct verifier {
    struct hone_model *model;
    hone_on_check on_check;
    void *arg;
    size_t n_checks, n_failed;
    size_t n_models; /* that are checked: 1, or a router's routes */
};

/* Tells of one check and counts it. */
void verify_tell(struct verifier *v, const char *name, bool passed, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* golden.c: compares with a golden file. A failure is one of reading or running it. */
enum hone_status verify_golden(struct verifier *v, const char *path, struct hone_error *err);

#endif
