/* Settings that make no sense together. */
#ifndef SERVER_SETTINGS_CHECK_H
#define SERVER_SETTINGS_CHECK_H

#include "server/settings.h"

/* HONE_USAGE: they contradict each other; the sentence begins with the line of the file that said the later one. */
enum hone_status settings_check(const struct settings *s, struct hone_error *err);

/* HONE_USAGE: what the server takes beside models, base bytes, is more than there is for all. */
enum hone_status settings_check_memory(const struct settings *s, size_t base, size_t budget,
                                       struct hone_error *err);

#endif
