#include "server/http/keys.h"
#include "server/file.h"
#include "server/http/fail.h"
#include "server/manager/words.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct key digest_of(const char *key)
{
    struct sha256_ctx sha;
    struct key out;
    sha256_init(&sha);
    sha256_update(&sha, strlen(key), (const uint8_t *)key);
    sha256_digest(&sha, sizeof out.digest, out.digest);
    return out;
}

static enum hone_status read_digest(struct key *out, const char *digits, struct hone_error *err)
{
    bool good = strlen(digits) == 2 * sizeof out->digest &&
                strspn(digits, "0123456789abcdefABCDEF") == strlen(digits);
    for (size_t i = 0; good && i < sizeof out->digest; i++) {
        const char pair[] = {digits[2 * i], digits[2 * i + 1], '\0'};
        out->digest[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return good ? HONE_OK
                : fail(err, HONE_USAGE,
                       "an API key begins with sha256: and goes on with no 64 hexadecimal digits");
}

static enum hone_status add(struct api_keys *k, const char *text, struct hone_error *err)
{
    struct key key = digest_of(text);
    enum hone_status status = strncmp(text, "sha256:", 7) == 0 ? read_digest(&key, text + 7, err) : HONE_OK;
    struct key *items = status == HONE_OK ? realloc(k->items, (k->n + 1) * sizeof *items) : NULL;
    if (status != HONE_OK || !items)
        return status != HONE_OK ? status : fail(err, HONE_FAILED, "out of memory for keys");
    k->items = items;
    k->items[k->n++] = key;
    return HONE_OK;
}

/* Keys with any of `separators` between them. */
static enum hone_status add_all(struct api_keys *k, char *list, const char *separators,
                                struct hone_error *err)
{
    char *rest;
    enum hone_status status = HONE_OK;
    for (char *key = strtok_r(list, separators, &rest); key && status == HONE_OK;
         key = strtok_r(NULL, separators, &rest))
        status = add(k, key, err);
    return status;
}

/* A key a line; lines that begin with # are remarks. Who names another file, or writes remarks behind keys, would make keys of
 * its words, which anybody can guess. */
static enum hone_status add_lines(struct api_keys *k, char *text, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    int number = 1;
    for (char *line = text, *next; status == HONE_OK && line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line = words_trim(line);
        if (strpbrk(line, " \t") && *line != '#')
            status = fail(err, HONE_USAGE, "line %d has blanks, expected a key a line", number);
        else if (*line && *line != '#')
            status = add(k, line, err);
    }
    return status;
}

/* What held keys is not left lying in memory. */
static void forget(char *text, size_t size)
{
    if (text)
        explicit_bzero(text, size);
    free(text);
}

enum hone_status api_keys_read(struct api_keys *out, const struct settings *s, struct hone_error *err)
{
    char *file = NULL, *list = s->api_key ? strdup(s->api_key) : NULL;
    enum hone_status status = HONE_OK;
    size_t n_list = list ? strlen(list) : 0, n_file = 0;
    *out = (struct api_keys){0};
    if (s->api_key && !list)
        status = fail(err, HONE_FAILED, "out of memory for keys");
    else if (list)
        status = add_all(out, list, ", ", err);
    enum setting whose = status == HONE_OK && s->api_keys_file ? SETTING_API_KEYS_FILE : SETTING_API_KEY;
    if (status == HONE_OK && s->api_keys_file)
        status = file_read(&file, s->api_keys_file, err);
    n_file = file ? strlen(file) : 0;
    if (status == HONE_OK && file)
        status = add_lines(out, file, err);
    if (status == HONE_OK && out->n == 0 && (s->api_key || s->api_keys_file))
        status = fail(err, HONE_USAGE, "there is no key in %s",
                      s->api_keys_file ? s->api_keys_file : "the setting api-key");
    if (status != HONE_OK)
        settings_blame(s, whose, err);
    forget(list, n_list);
    forget(file, n_file);
    if (status != HONE_OK)
        api_keys_release(out);
    return status;
}

enum hone_status admin_key_read(struct api_keys *out, const struct settings *s, struct hone_error *err)
{
    *out = (struct api_keys){0};
    if (!s->admin_key)
        return HONE_OK;
    enum hone_status status = add(out, s->admin_key, err);
    return status == HONE_OK ? status : settings_blame(s, SETTING_ADMIN_KEY, err);
}

bool api_keys_meet(const struct api_keys *a, const struct api_keys *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (memcmp(&a->items[i], &b->items[k], sizeof *a->items) == 0)
                return true;
    return false;
}

void api_keys_release(struct api_keys *k)
{
    free(k->items);
    *k = (struct api_keys){0};
}

bool api_keys_allow(const struct api_keys *k, const char *authorization, const char *x_api_key,
                    uint64_t *partition)
{
    const char *given = x_api_key ? x_api_key : "";
    bool found = false;
    *partition = 0;
    if (k->n == 0)
        return true;
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        given = authorization + 7 + strspn(authorization + 7, " ");
    struct key key = digest_of(given);
    for (size_t i = 0; i < k->n; i++)
        found |= memeql_sec(k->items[i].digest, key.digest, sizeof key.digest) != 0;
    memcpy(partition, key.digest, sizeof *partition);
    return found;
}
