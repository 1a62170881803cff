/* What kernels are measured on. */
#ifndef RUNTIME_TOOLS_BENCH_OPERANDS_H
#define RUNTIME_TOOLS_BENCH_OPERANDS_H

#include "runtime/base/error.h"

struct bench_case;

/* Memory that cases use one after the other. */
struct slot_operands {
    char *
        weights; /* good numbers whether they are read as float32, bfloat16 or bytes; more than the caches hold */
    size_t weights_size;
    float *in, *out, *scratch;
    size_t in_held, out_held, scratch_held; /* bytes */
    size_t scratch_share;                   /* floats a thread */
};

/* Makes what the case needs. After a failure too, operands_free. */
enum hone_status operands_make(struct bench_case *c, struct hone_error *err);
void operands_free(struct slot_operands *o);

/* Numbers that are good as float32, as bfloat16 and as bytes. */
void operands_fill(void *dst, size_t size);

#endif
