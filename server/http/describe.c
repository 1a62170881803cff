#include "server/http/describe.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* larger bounds are none: JSON's numbers have 53 bits in most programs */

json_t *describe_body(struct service *service, const struct route *route)
{
    struct http_request r = {.route = route, .dialect = route->dialect, .service = service};
    r.describing = json_pack("{s:s, s:{}}", "type", "object", "properties");
    r.json = json_object();
    if (r.json && r.describing)
        route->handle(&r);
    if (r.release && r.state)
        r.release(r.state);
    free(r.state);
    reply_buffer_release(&r.out);
    json_decref(r.json);
    json_decref(r.asked);
    return r.describing;
}

void describe_field(json_t *object, const char *name, json_t *schema)
{
    json_t *properties = json_object_get(object, "properties");
    if (schema)
        json_object_set_new(properties, name, schema);
    else if (properties && !json_object_get(properties, name))
        json_object_set_new(properties, name, json_object());
}

void describe_required(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, "required");
    if (!object)
        return;
    if (!list) {
        list = json_array();
        json_object_set_new(object, "required", list);
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), name) == 0)
            return;
    json_array_append_new(list, json_string(name));
}

json_t *describe_number(const char *type, double min, double max)
{
    bool whole = strcmp(type, "integer") == 0;
    json_t *schema = json_pack("{s:s}", "type", type);
    if (schema && min > -EXACT)
        json_object_set_new(schema, "minimum", whole ? json_integer((json_int_t)min) : json_real(min));
    if (schema && max < EXACT)
        json_object_set_new(schema, "maximum", whole ? json_integer((json_int_t)max) : json_real(max));
    return schema;
}

json_t *describe_choice(const char *choices)
{
    json_t *words = json_array();
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        json_array_append_new(words, json_stringn(c, strcspn(c, "|")));
    return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

json_t *describe_texts(void)
{
    return json_pack("{s:[{s:s}, {s:s, s:{s:s}, s:i}]}", "anyOf", "type", "string", "type", "array", "items",
                     "type", "string", "minItems", 1);
}
