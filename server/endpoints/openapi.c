/* GET /openapi.json: what the server understands, as OpenAPI 3.1 describes it (spec.openapis.org). What is said of
 * endpoints in words, and of their answers, is a file; fields of requests that it has not are told by the handlers. */
#include "server/endpoints/endpoints.h"
#include "server/http/describe.h"
#include "server/routes.h"

#include <stdlib.h>
#include <string.h>

/* The build finds it in the source folder. */
__asm__(".section .rodata\n"
        "openapi_description:\n"
        ".incbin \"server/openapi.json\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char openapi_description[] __attribute__((visibility("hidden")));

/* The schema that {"$ref": "#/components/schemas/NAME"} stands for, or the schema itself. */
static const json_t *resolve(const json_t *all, const json_t *schema)
{
    static const char place[] = "#/components/schemas/";
    const char *name = json_string_value(json_object_get(schema, "$ref"));
    if (!name || strncmp(name, place, strlen(place)) != 0)
        return schema;
    return json_object_get(json_object_get(json_object_get(all, "components"), "schemas"),
                           name + strlen(place));
}

static bool has_field(const json_t *all, const json_t *schema, const char *name)
{
    static const char *const several[] = {"allOf", "oneOf", "anyOf"};
    schema = resolve(all, schema);
    if (json_object_get(json_object_get(schema, "properties"), name))
        return true;
    for (size_t k = 0; k < 3; k++) {
        const json_t *list = json_object_get(schema, several[k]);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (has_field(all, json_array_get(list, i), name))
                return true;
    }
    return false;
}

/* The schema of route's requests gets the fields that its handler reads beside those that it has. */
static void add_fields(struct service *service, json_t *all, const struct route *route)
{
    json_t *post = json_object_get(json_object_get(json_object_get(all, "paths"), route->path), "post");
    json_t *content = json_object_get(json_object_get(post, "requestBody"), "content");
    json_t *body = json_object_get(content, "application/json"), *schema = json_object_get(body, "schema");
    json_t *read = describe_body(service, route), *fields = json_object_get(read, "properties");
    const char *name;
    void *next;
    json_t *field;
    json_object_foreach_safe(fields, next, name, field)
    {
        if (has_field(all, schema, name))
            json_object_del(fields, name);
    }
    json_object_del(read, "required");
    if (schema && json_object_size(fields) > 0)
        json_object_set_new(body, "schema", json_pack("{s:[O, O]}", "allOf", schema, read));
    json_decref(read);
}

void openapi_handle(struct http_request *r)
{
    json_t *all = json_loads(openapi_description, 0, NULL);
    for (const struct route *route = routes; all && route->path; route++)
        if (route->flags & ROUTE_JSON)
            add_fields(r->service, all, route);
    char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    json_decref(all);
    if (!text) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for the description");
        return;
    }
    reply_buffer_text(&r->out, text);
    free(text);
    http_reply(r, 200);
}
