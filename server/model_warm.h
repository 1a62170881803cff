/* Requests that a model answers before it is ready, so that the first one of a client takes no longer than the later ones. */
#ifndef SERVER_MODEL_WARM_H
#define SERVER_MODEL_WARM_H

#include "server/models.h"

/* Whose weights are in memory, and which nobody asks yet. Nothing of it is counted; a failure shows again with the first
 * request. */
void model_warm(struct served_model *m);

#endif
