/* Values as models write them, be it in JSON, in Python or with marks of their own: one reader for all, since models mix
 * these. What comes out is JSON. */
#include "server/chat/tool_reader.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NESTED 256 /* lists and objects within each other: the reader calls itself */

/* ---- texts -------------------------------------------------------------------------------------------------------- */

static void put_utf8(struct reply_buffer *out, unsigned long c)
{
    unsigned char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        c = 0xfffd;
        n = 3;
    }
    for (size_t i = n; i-- > 1; c >>= 6)
        bytes[i] = (unsigned char)(0x80 | (c & 0x3f));
    bytes[0] = (unsigned char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    reply_buffer_write(out, bytes, n);
}

/* So many hexadecimal digits at i. */
static bool read_hex(const struct tool_reader *r, size_t i, size_t n, unsigned long *out)
{
    char digits[9] = "";
    if (n > r->size - i)
        return false;
    memcpy(digits, r->text + i, n);
    *out = strtoul(digits, NULL, 16);
    return strspn(digits, "0123456789abcdefABCDEF") == n;
}

/* What a backslash at i stands for, of JSON's and Python's escapes; its end. One that neither has is a backslash. */
static size_t read_escape(const struct tool_reader *r, size_t i, struct reply_buffer *said)
{
    static const char names[] = "ntrbfav0", values[] = "\n\t\r\b\f\a\v";
    static const char plain[] = "\\'\"/\n";
    unsigned long c, low;
    char letter = r->text[i + 1];
    size_t n = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    const char *name = letter ? strchr(names, letter) : NULL;
    if (n && read_hex(r, i + 2, n, &c)) {
        i += 2 + n;
        if (c >> 10 == 0x36 && tool_is_at(r, i, "\\u") && read_hex(r, i + 2, 4, &low) && low >> 10 == 0x37) {
            c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
            i += 6;
        }
        put_utf8(said, c);
        return i;
    }
    if (name)
        reply_buffer_write(said, values + (name - names), 1);
    else if (letter && strchr(plain, letter))
        reply_buffer_write(said, &letter, letter != '\n'); /* a line that goes on in the next one */
    else
        reply_buffer_write(said, r->text + i, 2);
    return i + 2;
}

/* A text between the quotes at i; its end, or 0. */
static size_t read_quoted(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    struct reply_buffer said = {0};
    char quote[4] = {r->text[i], r->text[i], r->text[i], '\0'};
    bool three = tool_is_at(r, i, quote);
    if (!three)
        quote[1] = '\0';
    for (i += strlen(quote); i < r->size && !tool_is_at(r, i, quote);) {
        if (r->text[i] == '\\' && i + 1 < r->size)
            i = read_escape(r, i, &said);
        else
            reply_buffer_write(&said, r->text + i++, 1);
    }
    reply_buffer_json_text(out, (struct hone_text){said.data ? said.data : "", said.size});
    out->failed = out->failed || said.failed;
    reply_buffer_release(&said);
    return i < r->size ? i + strlen(quote) : 0;
}

/* The form's own mark around texts. */
static bool is_marked(const struct tool_reader *r, size_t i)
{
    return r->form && r->form->syntax == TOOL_BARE && tool_is_at(r, i, r->form->value_close);
}

static size_t read_marked(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t begin = i + strlen(r->form->value_close), end = tool_find(r, begin, r->form->value_close);
    if (end == r->size)
        return 0;
    reply_buffer_json_text(out, (struct hone_text){r->text + begin, end - begin});
    return end + strlen(r->form->value_close);
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

size_t tool_read_key(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t at = i;
    if (i < r->size && is_marked(r, i)) {
        at = read_marked(r, i, out);
    } else if (i < r->size && strchr("'\"", r->text[i])) {
        at = read_quoted(r, i, out);
    } else if (r->form && r->form->syntax == TOOL_BARE) {
        while (at < r->size && !strchr(":,{}[]", r->text[at]))
            at++;
        reply_buffer_json_text(out, (struct hone_text){r->text + i, at - i});
    }
    size_t colon = at > i ? tool_skip_blanks(r, at) : r->size;
    return colon < r->size && r->text[colon] == ':' ? colon + 1 : 0;
}

/* [1, 2] or {'a': 1}, and (1, 2) as a list; its end, or 0. */
static size_t read_nested(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    char open = r->text[i++], close = open == '{' ? '}' : open == '[' ? ']' : ')';
    reply_buffer_text(out, open == '{' ? "{" : "[");
    for (bool first = true;; first = false) {
        i = tool_skip_blanks(r, i);
        if (i < r->size && r->text[i] == close)
            break;
        if (!first && (i == r->size || r->text[i++] != ','))
            return 0;
        i = tool_skip_blanks(r, i);
        if (!first && i < r->size && r->text[i] == close)
            break; /* a comma behind the last one */
        reply_buffer_text(out, first ? "" : ",");
        if (open == '{') {
            i = tool_read_key(r, i, out);
            reply_buffer_text(out, ":");
            if (!i)
                return 0;
        }
        i = tool_read_literal(r, tool_skip_blanks(r, i), out, depth + 1);
        if (!i)
            return 0;
    }
    reply_buffer_text(out, open == '{' ? "}" : "]");
    return i + 1;
}

static size_t read_word(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    static const char *const words[][2] = {{"True", "true"},   {"true", "true"}, {"False", "false"},
                                           {"false", "false"}, {"None", "null"}, {"null", "null"}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (tool_is_at(r, i, words[k][0]) && !tool_goes_on(r, i + strlen(words[k][0]))) {
            reply_buffer_text(out, words[k][1]);
            return i + strlen(words[k][0]);
        }
    return 0;
}

/* As it was written: reals have room for numbers of any size, which are not looked at here. */
static size_t read_number(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    json_error_t error;
    json_t *number = json_loadb(r->text + i, r->size - i,
                                JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    size_t n = json_is_number(number) ? (size_t)error.position : 0;
    json_decref(number);
    reply_buffer_write(out, r->text + i, n);
    return n ? i + n : 0;
}

size_t tool_read_literal(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    if (i >= r->size || depth > MOST_NESTED)
        return 0;
    if (is_marked(r, i))
        return read_marked(r, i, out);
    if (strchr("'\"", r->text[i]))
        return read_quoted(r, i, out);
    if (strchr("[{(", r->text[i]))
        return read_nested(r, i, out, depth);
    size_t word = read_word(r, i, out);
    return word ? word : read_number(r, i, out);
}

/* ---- what stands between tags ------------------------------------------------------------------------------------- */

const json_t *tool_schema_of(const json_t *schema, struct hone_text key)
{
    return json_object_getn(json_object_get(schema, "properties"), key.data, key.size);
}

/* What kinds of values a schema allows: bits. 0: it does not say. */
enum { KIND_TEXT = 1, KIND_NUMBER = 2, KIND_BOOLEAN = 4, KIND_NULL = 8, KIND_OBJECT = 16, KIND_LIST = 32 };

static unsigned kind_named(const char *name)
{
    static const char *const names[] = {"string", "number", "boolean", "null", "object", "array"};
    for (unsigned i = 0; name && i < 6; i++)
        if (strcmp(name, names[i]) == 0)
            return 1u << i;
    return name && strcmp(name, "integer") == 0 ? KIND_NUMBER : 0;
}

static unsigned kind_of(const json_t *value)
{
    return json_is_string(value)    ? KIND_TEXT
           : json_is_number(value)  ? KIND_NUMBER
           : json_is_boolean(value) ? KIND_BOOLEAN
           : json_is_null(value)    ? KIND_NULL
           : json_is_object(value)  ? KIND_OBJECT
           : json_is_array(value)   ? KIND_LIST
                                    : 0;
}

static unsigned kinds_of(const json_t *schema, int depth)
{
    static const char *const several[] = {"anyOf", "oneOf"};
    const json_t *type = json_object_get(schema, "type"), *all = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    unsigned kinds = kind_named(json_string_value(type)) | (only && !type ? kind_of(only) : 0);
    for (size_t i = 0; i < json_array_size(type); i++)
        kinds |= kind_named(json_string_value(json_array_get(type, i)));
    for (size_t i = 0; !type && i < json_array_size(all); i++)
        kinds |= kind_of(json_array_get(all, i));
    for (size_t k = 0; k < 2 && depth < MOST_NESTED; k++) {
        const json_t *parts = json_object_get(schema, several[k]);
        for (size_t i = 0; i < json_array_size(parts); i++)
            kinds |= kinds_of(json_array_get(parts, i), depth + 1);
    }
    return kinds && json_is_true(json_object_get(schema, "nullable")) ? kinds | KIND_NULL : kinds;
}

/* The value as JSON, in `out`, and its kind; 0: it is none. */
static unsigned read_whole(struct hone_text value, struct reply_buffer *out)
{
    struct tool_reader r = {.text = value.data, .size = value.size};
    size_t end = tool_read_literal(&r, tool_skip_blanks(&r, 0), out, 0);
    json_t *json = end && tool_skip_blanks(&r, end) == r.size && !out->failed
                       ? json_loadb(out->data, out->size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL)
                       : NULL;
    unsigned kind = json ? kind_of(json) : 0;
    json_decref(json);
    return kind;
}

void tool_write_value(struct reply_buffer *out, const json_t *schema, struct hone_text value)
{
    struct reply_buffer read = {0};
    unsigned wanted = kinds_of(schema, 0), kind = wanted == KIND_TEXT ? 0 : read_whole(value, &read);
    /* What the schema does not allow is what it looks like, but where a text is allowed. */
    if (kind && (!(wanted & KIND_TEXT) || (wanted & kind & ~(unsigned)KIND_TEXT)))
        reply_buffer_write(out, read.data, read.size);
    else
        reply_buffer_json_text(out, value);
    out->failed = out->failed || read.failed;
    reply_buffer_release(&read);
}
