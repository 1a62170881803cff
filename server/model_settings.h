/* What settings say of a model, as the library takes it: its options and those of its scheduler. */
#ifndef SERVER_MODEL_SETTINGS_H
#define SERVER_MODEL_SETTINGS_H

#include "server/manager/model_options.h"

struct hone_options model_settings_options(const struct settings *s, const struct model_options *o);
struct hone_scheduler_options model_settings_schedule(const struct settings *s,
                                                      const struct model_options *o);

/* Whether a model that was opened by one could go on under the other. */
bool model_settings_same(const struct hone_options *a, const struct hone_options *b);
bool model_settings_same_schedule(const struct hone_scheduler_options *a,
                                  const struct hone_scheduler_options *b);

/* "NAME=PATH", or a path whose last part, without .gguf, is the name. Both are to be freed, after a failure too; false: out of
 * memory. */
bool model_settings_split(const char *spec, char **name, char **path);

#endif
