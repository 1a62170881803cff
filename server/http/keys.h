/* API keys, of which only SHA-256 is kept. */
#ifndef SERVER_HTTP_KEYS_H
#define SERVER_HTTP_KEYS_H

#include "server/settings.h"

struct key {
    uint8_t digest[32];
};

struct api_keys {
    struct key *items;
    size_t n; /* 0: anybody may come in */
};

/* What the settings name: keys, or "sha256:" and 64 hexadecimal digits. */
enum hone_status api_keys_read(struct api_keys *out, const struct settings *s, struct hone_error *err);
/* The one of the setting admin-key, or none. */
enum hone_status admin_key_read(struct api_keys *out, const struct settings *s, struct hone_error *err);
void api_keys_release(struct api_keys *k);
/* Whether a key is in both. */
bool api_keys_meet(const struct api_keys *a, const struct api_keys *b);

/* Whether the value of a header "Authorization: Bearer KEY", or of "X-API-Key: KEY", has one of them (either may be
 * NULL). How long it takes tells nothing about the keys. *partition: a number that is the key's, in all processes; 0 where
 * none is needed. */
bool api_keys_allow(const struct api_keys *k, const char *authorization, const char *x_api_key,
                    uint64_t *partition);

#endif
