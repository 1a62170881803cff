/* Strings of a JSON Schema: any, by length, by pattern, by format. */
#include "runtime/generate/grammar/schema_impl.h"

#include <string.h>

#define D   "[0-9]"
#define HEX "[0-9a-fA-F]"
/* Days that the month has in every year. */
#define DAY                                                                                                  \
    "((\"0\" [1-9] | \"1\" [0-2]) \"-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8])"                           \
    " | (\"0\" [13-9] | \"1\" [0-2]) \"-\" (\"29\" | \"30\")"                                                \
    " | (\"0\" [13578] | \"1\" [02]) \"-31\")"
#define DATE   "[1-9] " D "{3} \"-\" " DAY
#define HOUR   "([01] " D " | \"2\" [0-3])"
#define MINUTE "[0-5] " D
#define TIME                                                                                                 \
    HOUR " \":\" " MINUTE " \":\" " MINUTE " (\".\" " D "{1,6})? (\"Z\" | [+-] " HOUR " \":\" " MINUTE ")"
#define OCTET "(\"25\" [0-5] | \"2\" [0-4] " D " | \"1\" " D "{2} | [1-9] " D " | " D ")"

static const struct {
    const char *name, *gbnf;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE " \"T\" " TIME},
    {"uuid", HEX "{8} \"-\" " HEX "{4} \"-\" " HEX "{4} \"-\" " HEX "{4} \"-\" " HEX "{12}"},
    {"ipv4", OCTET " (\".\" " OCTET "){3}"},
};

static bool put_format(struct schema *s, FILE *f, const char *name)
{
    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0) {
            fprintf(f, "(\"\\\"\" %s \"\\\"\")", formats[i].gbnf);
            return true;
        }
    return schema_fail(s, "the format %s is not supported", name ? name : "");
}

bool schema_put_string(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *pattern = json_object_get(schema, "pattern"), *format = json_object_get(schema, "format");
    bool has_length = json_object_get(schema, "minLength") || json_object_get(schema, "maxLength");
    uint32_t min, max;
    if (!schema_get_count(s, schema, "minLength", 0, &min) ||
        !schema_get_count(s, schema, "maxLength", REPEAT_UNLIMITED, &max))
        return false;
    if (min > max)
        return schema_fail(s, "minLength is more than maxLength");
    if ((pattern != NULL) + (format != NULL) + has_length > 1)
        return schema_fail(s, "pattern, format and lengths of one string together are not supported");
    if (format)
        return put_format(s, f, json_string_value(format));
    if (pattern) {
        if (!json_is_string(pattern))
            return schema_fail(s, "a pattern is no string");
        fputs("(\"\\\"\" ", f);
        bool ok = schema_put_pattern(s, f, json_string_value(pattern));
        fputs(" \"\\\"\")", f);
        return ok;
    }
    if (!has_length)
        return fputs("string", f) >= 0;
    if (max == REPEAT_UNLIMITED)
        fprintf(f, "(\"\\\"\" char{%u,} \"\\\"\")", min);
    else
        fprintf(f, "(\"\\\"\" char{%u,%u} \"\\\"\")", min, max);
    return true;
}
