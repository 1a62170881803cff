/* The tasks that a model has adapters for, by name, and which of them a text is for. */
#ifndef RUNTIME_INFER_ADAPTATIONS_H
#define RUNTIME_INFER_ADAPTATIONS_H

#include "runtime/infer/engine.h"

enum hone_status adaptations_load(struct hone_model *model, struct hone_error *err);
void adaptations_free(struct hone_model *model);

/* *name becomes the task that texts are for, *number its number from 1 on: what run->adaptation says, or the task of run->as, or
 * the model's default; NULL and 0 where that is none. HONE_USAGE: the model has no such task. */
enum hone_status adaptations_choose(const struct hone_model *model, const struct hone_run_options *run,
                                    const char **name, uint32_t *number, struct hone_error *err);

#endif
