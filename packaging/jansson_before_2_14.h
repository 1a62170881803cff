/* Functions that jansson has from 2.14 on, for systems with an older one (Debian 11), whose objects have no keys with a NUL
 * byte: a length then tells nothing that the bytes do not. Included before every file there, by the Makefile. */
#ifndef PACKAGING_JANSSON_BEFORE_2_14_H
#define PACKAGING_JANSSON_BEFORE_2_14_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *json_object_getn(const json_t *object, const char *key, size_t size)
{
    char *copy = memchr(key, 0, size) ? NULL : strndup(key, size);
    json_t *value = copy ? json_object_get(object, copy) : NULL;
    free(copy);
    return value;
}

/* The reference to `value` is taken in every case, as by the original. */
static inline int json_object_setn_new(json_t *object, const char *key, size_t size, json_t *value)
{
    char *copy = memchr(key, 0, size) ? NULL : strndup(key, size);
    int status = -1;
    if (copy)
        status = json_object_set_new(object, copy, value);
    else
        json_decref(value);
    free(copy);
    return status;
}

static inline size_t json_object_iter_key_len(void *iter)
{
    const char *key = json_object_iter_key(iter);
    return key ? strlen(key) : 0;
}

#define json_object_keylen_foreach(object, key, size, value)                                                 \
    for (key = json_object_iter_key(json_object_iter(object));                                               \
         key && (size = strlen(key), value = json_object_iter_value(json_object_key_to_iter(key)));          \
         key = json_object_iter_key(json_object_iter_next(object, json_object_key_to_iter(key))))

#endif
