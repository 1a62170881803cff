/* The parts of opening a model: what its file says, and what is told of it then. */
#ifndef RUNTIME_INFER_MODEL_LOAD_H
#define RUNTIME_INFER_MODEL_LOAD_H

#include "runtime/infer/model.h"

/* Fills in the net, the tokenizer and all that the file says, by model->options, and packs the weights where these are wanted. */
enum hone_status model_load(struct hone_model *model, const char *path, struct hone_error *err);
/* What model_load filled in, of a half-built model too. */
void model_unload(struct hone_model *model);

/* model->info, of one whose other fields are filled in. */
void model_fill_info(struct hone_model *model);

#endif
