#include "server/http/keys.h"
#include "server/file.h"
#include "server/http/fail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum hone_status add(struct keys *k, const char *key, struct hone_error *err)
{
    char **items = realloc(k->items, (k->n + 1) * sizeof *items);
    char *copy = strdup(key);
    k->items = items ? items : k->items;
    if (!items || !copy) {
        free(copy);
        return fail(err, HONE_FAILED, "out of memory for keys");
    }
    k->items[k->n++] = copy;
    return HONE_OK;
}

/* Keys with any of `separators` between them. */
static enum hone_status add_all(struct keys *k, char *list, const char *separators, struct hone_error *err)
{
    char *rest;
    enum hone_status status = HONE_OK;
    for (char *key = strtok_r(list, separators, &rest); key && status == HONE_OK;
         key = strtok_r(NULL, separators, &rest))
        status = add(k, key, err);
    return status;
}

enum hone_status keys_read(struct keys *out, const struct settings *s, struct hone_error *err)
{
    char *file = NULL, *list = s->api_key ? strdup(s->api_key) : NULL;
    enum hone_status status = HONE_OK;
    *out = (struct keys){0};
    if (s->api_key && !list)
        status = fail(err, HONE_FAILED, "out of memory for keys");
    else if (list)
        status = add_all(out, list, ", ", err);
    if (status == HONE_OK && s->api_keys_file)
        status = file_read(&file, s->api_keys_file, err);
    if (status == HONE_OK && file)
        status = add_all(out, file, "\r\n\t ", err);
    if (status == HONE_OK && out->n == 0 && (s->api_key || s->api_keys_file))
        status = fail(err, HONE_USAGE, "there is no key in %s",
                      s->api_keys_file ? s->api_keys_file : "the setting api-key");
    free(list);
    free(file);
    if (status != HONE_OK)
        keys_release(out);
    return status;
}

void keys_release(struct keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->items[i]);
    free(k->items);
    *k = (struct keys){0};
}

static bool equal(const char *key, const char *given)
{
    size_t n = strlen(key), m = strlen(given);
    volatile unsigned char difference = n != m;
    for (size_t i = 0; i < m; i++)
        difference |= (unsigned char)(key[n > 0 ? i % n : 0] ^ given[i]);
    return difference == 0;
}

bool keys_allow(const struct keys *k, const char *authorization, const char *x_api_key)
{
    const char *given = x_api_key ? x_api_key : "";
    bool found = false;
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        given = authorization + 7 + strspn(authorization + 7, " ");
    for (size_t i = 0; i < k->n; i++)
        found |= equal(k->items[i], given);
    return found || k->n == 0;
}
