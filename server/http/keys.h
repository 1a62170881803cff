/* API keys. */
#ifndef SERVER_HTTP_KEYS_H
#define SERVER_HTTP_KEYS_H

#include "server/settings.h"

struct keys {
    char **items;
    size_t n; /* 0: anybody may come in */
};

enum hone_status keys_read(struct keys *out, const struct settings *s, struct hone_error *err);
void keys_release(struct keys *k);

/* Whether the value of a header "Authorization: Bearer KEY", or of "X-API-Key: KEY", has one of them (either may be
 * NULL). How long it takes tells nothing about the keys but their lengths. */
bool keys_allow(const struct keys *k, const char *authorization, const char *x_api_key);

#endif
