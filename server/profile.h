/* Settings that go together: --profile throughput, say. Each stands behind what anybody says of the setting himself. */
#ifndef SERVER_PROFILE_H
#define SERVER_PROFILE_H

#include "server/settings.h"

/* What that profile says of a setting; NULL: nothing, or there is no profile. */
const char *profile_value(const char *profile, enum setting setting);

/* "batching adaptive, window 0": what of it counts. Empty without a profile. */
void profile_describe(const struct settings *s, char *out, size_t size);

#endif
