/* What the endpoints of text-embeddings-inference have in common. */
#ifndef SERVER_ENDPOINTS_TEI_H
#define SERVER_ENDPOINTS_TEI_H

#include "server/endpoints/work.h"

/* Reads "truncate" and "truncation_direction". */
void tei_truncation(struct fields *f, struct work *w);

/* Reads these and "prompt_name", and chooses the model: the first one for the task, unless "model", which is not
 * TEI's, names another. how: the fields but the model, which may stand in an object of their own. False: it has been
 * answered. */
bool tei_begin(struct fields *f, struct fields *how, struct work *w, enum hone_task task);

#endif
