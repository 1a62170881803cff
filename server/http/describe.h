/* What an endpoint takes, found out by its own code: the handler is called for a request that has nothing in it and is
 * answered by nobody, and the fields that it reads tell their names, types and bounds. What a handler reads only after it
 * has seen another field stays untold. */
#ifndef SERVER_HTTP_DESCRIBE_H
#define SERVER_HTTP_DESCRIBE_H

#include "server/http/http.h"

/* A JSON Schema of the body of route's requests. NULL: out of memory. */
json_t *describe_body(struct service *service, const struct route *route);

/* For fields.h: a field of that name is read, whose values have that schema, which is taken over. What was said of it
 * before is replaced, unless the new schema is NULL: any value. */
void describe_field(json_t *object, const char *name, json_t *schema);
void describe_required(json_t *object, const char *name);

/* Schemas, or NULL for lack of memory. */
json_t *describe_number(const char *type, double min, double max);
json_t *describe_choice(const char *choices);
json_t *describe_texts(void);

#endif
