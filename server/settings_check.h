/* Settings that make no sense together. */
#ifndef SERVER_SETTINGS_CHECK_H
#define SERVER_SETTINGS_CHECK_H

#include "server/settings.h"

/* HONE_USAGE: they contradict each other; the sentence begins with the line of the file that said the later one. */
enum hone_status settings_check(const struct settings *s, struct hone_error *err);

#endif
