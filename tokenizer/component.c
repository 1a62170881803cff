#include "tokenizer/component.h"

#include "runtime/base/utf8.h"

const char *tok_component_type(const json_t *spec)
{
    const char *type = json_string_value(json_object_get(spec, "type"));
    return type ? type : "";
}

bool tok_component_bool(const json_t *spec, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(spec, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

struct hone_text tok_component_text(const json_t *spec, const char *key)
{
    const json_t *value = json_object_get(spec, key);
    if (!json_is_string(value))
        return (struct hone_text){"", 0};
    return (struct hone_text){json_string_value(value), json_string_length(value)};
}

bool tok_component_char(const json_t *spec, const char *key, struct hone_text *out, struct complaint *c)
{
    *out = tok_component_text(spec, key);
    if (out->size && out->size == utf8_size(out->data[0]))
        return true;
    return tok_fail(c->err, HONE_BAD_MODEL, "%s: \"%s\" must be one character", tok_component_type(spec),
                    key);
}

static int add_steps(const json_t *spec, const char *list, const json_t **steps, int n, int depth)
{
    if (!spec || json_is_null(spec))
        return n;
    if (!json_is_object(spec) || depth > 16)
        return -1;
    if (strcmp(tok_component_type(spec), "Sequence") != 0) {
        if (n == COMPONENT_MAX_STEPS)
            return -1;
        steps[n] = spec;
        return n + 1;
    }
    const json_t *members = json_object_get(spec, list);
    if (!json_is_array(members))
        return -1;
    for (size_t i = 0; i < json_array_size(members) && n >= 0; i++)
        n = add_steps(json_array_get(members, i), list, steps, n, depth + 1);
    return n;
}

int tok_component_steps(const json_t *spec, const char *list, const json_t **steps, struct complaint *c)
{
    int n = add_steps(spec, list, steps, 0, 0);
    if (n < 0)
        tok_fail(c->err, HONE_BAD_MODEL, "the pipeline's %s are malformed or more than %d", list,
                 COMPONENT_MAX_STEPS);
    return n;
}

bool tok_component_refuse(struct complaint *c, const char *what, const json_t *spec)
{
    return tok_fail(c->err, HONE_BAD_MODEL, "the %s \"%.100s\" is not supported", what,
                    tok_component_type(spec));
}
