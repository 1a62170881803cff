/* What the shortest request takes of a model, and whether the settings leave it that. */
#ifndef SERVER_MODEL_LEAST_H
#define SERVER_MODEL_LEAST_H

#include "server/models.h"

/* HONE_USAGE: max-length or kv-tokens, of the model itself (which `where` names, as its options o say) or of all, is less than
 * what any request takes, as the sentence says. */
enum hone_status model_least_check(const struct served_model *m, const struct model_options *o,
                                   const char *where, const struct settings *s, struct hone_error *err);

#endif
