/* How a model comes into memory and out of it, where the manager says when. */
#ifndef SERVER_MODEL_WEIGHTS_H
#define SERVER_MODEL_WEIGHTS_H

#include "server/models.h"

extern const struct manager_ops model_weights_ops;

/* Bytes of keys and values that there must be room for, or it is of no use. */
size_t model_weights_kv_least(const struct served_model *m);

#endif
