#include "runtime/base/json.h"

#include "runtime/base/buffer.h"
#include "runtime/base/hash.h"
#include "runtime/base/utf8.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_input {
    const char *text;
    size_t size, at, flags;
    unsigned depth;
    char *scratch; /* of the string or number that is being read */
    size_t scratch_size;
    json_error_t *error;
    bool failed;
};

/* ---- what is wrong ---- */

/* The first mistake is told. */
static json_t *fail(struct json_input *r, enum json_error_code code, const char *format, ...)
{
    if (r->failed)
        return NULL;
    r->failed = true;
    int line = 1, column = 0;
    for (size_t i = 0; i < r->at && i < r->size; i++) {
        column = r->text[i] == '\n' ? 0 : column + 1;
        line += r->text[i] == '\n';
    }
    *r->error = (json_error_t){.line = line, .column = column, .position = (int)r->at, .source = "<buffer>"};
    va_list args;
    va_start(args, format);
    vsnprintf(r->error->text, sizeof r->error->text - 1, format, args);
    va_end(args);
    r->error->text[sizeof r->error->text - 1] = (char)code; /* where json_error_code looks */
    return NULL;
}

static json_t *no_memory(struct json_input *r)
{
    return fail(r, json_error_out_of_memory, "out of memory");
}

static json_t *unexpected(struct json_input *r, const char *wanted)
{
    if (r->at >= r->size)
        return fail(r, json_error_premature_end_of_input, "%s expected near end of file", wanted);
    unsigned char c = (unsigned char)r->text[r->at];
    if (c > 0x20 && c < 0x7f)
        return fail(r, json_error_invalid_syntax, "%s expected near '%c'", wanted, c);
    return fail(r, json_error_invalid_syntax, "%s expected near byte 0x%02x", wanted, c);
}

/* ---- tokens ---- */

static void skip_space(struct json_input *r)
{
    while (r->at < r->size && memchr(" \t\n\r", r->text[r->at], 4))
        r->at++;
}

static bool take(struct json_input *r, char c)
{
    skip_space(r);
    if (r->at >= r->size || r->text[r->at] != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct json_input *r, const char *word)
{
    size_t n = strlen(word);
    if (r->size - r->at < n || memcmp(r->text + r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool reserve(struct json_input *r, size_t n)
{
    if (n <= r->scratch_size)
        return true;
    char *more = realloc(r->scratch, 2 * n);
    if (!more) {
        no_memory(r);
        return false;
    }
    r->scratch = more;
    r->scratch_size = 2 * n;
    return true;
}

/* ---- strings ---- */

static bool take_hex(struct json_input *r, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->size ? r->text[r->at] : 0;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return unexpected(r, "four hexadecimal digits") != NULL;
        *out = *out << 4 | digit;
    }
    return true;
}

/* Behind "\u": one character, of two halves where the first says so. */
static bool take_character(struct json_input *r, char **out)
{
    unsigned c, low;
    if (!take_hex(r, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take_word(r, "\\u") || !take_hex(r, &low) || low < 0xdc00 || low > 0xdfff)
            return fail(r, json_error_invalid_syntax, "invalid Unicode '\\u%04X'", c) != NULL;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xdc00 && c < 0xe000) {
        return fail(r, json_error_invalid_syntax, "invalid Unicode '\\u%04X'", c) != NULL;
    }
    if (c == 0 && !(r->flags & JSON_ALLOW_NUL))
        return fail(r, json_error_null_character, "\\u0000 is not allowed without JSON_ALLOW_NUL") != NULL;
    *out += utf8_encode(c, *out);
    return true;
}

static bool take_escape(struct json_input *r, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->size ? r->text[r->at++] : 0;
    const char *known = c ? strchr(names, c) : NULL;
    if (c == 'u')
        return take_character(r, out);
    if (!known)
        return fail(r, json_error_invalid_syntax, "invalid escape") != NULL;
    *(*out)++ = values[known - names];
    return true;
}

/* The size of the string behind its opening quote, as it is written; SIZE_MAX: it has no end. */
static size_t written_size(const struct json_input *r)
{
    for (size_t i = r->at; i < r->size; i += r->text[i] == '\\' ? 2 : 1)
        if (r->text[i] == '"')
            return i - r->at;
    return SIZE_MAX;
}

/* Behind the opening quote. *text lives until the next one is read, and ends with NUL. */
static bool take_string(struct json_input *r, const char **text, size_t *size)
{
    size_t most = written_size(r);
    if (most == SIZE_MAX) {
        r->at = r->size;
        return fail(r, json_error_premature_end_of_input, "a string has no end") != NULL;
    }
    if (!reserve(r, most + 1))
        return false;
    char *out = r->scratch;
    for (const char *end = r->text + r->at + most; r->text + r->at < end;) {
        unsigned char c = (unsigned char)r->text[r->at];
        size_t n = 1;
        bool valid = c < 0x80 || utf8_character(r->text + r->at, (size_t)(end - (r->text + r->at)), &n);
        if (c < 0x20)
            return fail(r, json_error_invalid_syntax, "control character 0x%x in a string", c) != NULL;
        if (!valid)
            return fail(r, json_error_invalid_utf8, "invalid UTF-8 in a string") != NULL;
        if (c == '\\') {
            r->at++;
            if (!take_escape(r, &out))
                return false;
            continue;
        }
        memcpy(out, r->text + r->at, n);
        out += n;
        r->at += n;
    }
    r->at++; /* the closing quote */
    *out = 0;
    *text = r->scratch;
    *size = (size_t)(out - r->scratch);
    return true;
}

/* ---- numbers ---- */

static size_t skip_digits(const struct json_input *r, size_t i)
{
    while (i < r->size && r->text[i] >= '0' && r->text[i] <= '9')
        i++;
    return i;
}

/* Where the number ends as JSON writes them, and whether it is a whole one; 0: it is none. */
static size_t end_of_number(const struct json_input *r, bool *is_whole)
{
    size_t i = r->at + (r->text[r->at] == '-'), start = i;
    *is_whole = true;
    i = i < r->size && r->text[i] == '0' ? i + 1 : skip_digits(r, i);
    if (i == start)
        return 0;
    if (i < r->size && r->text[i] == '.') {
        start = ++i;
        *is_whole = false;
        if ((i = skip_digits(r, i)) == start)
            return 0;
    }
    if (i < r->size && (r->text[i] | 0x20) == 'e') {
        i++;
        *is_whole = false;
        i += i < r->size && (r->text[i] == '+' || r->text[i] == '-');
        start = i;
        if ((i = skip_digits(r, i)) == start)
            return 0;
    }
    return i;
}

/* strtod reads what the locale writes. */
static double real_of(char *text)
{
    const char point = *localeconv()->decimal_point;
    char *dot = strchr(text, '.');
    if (dot && point)
        *dot = point;
    return strtod(text, NULL);
}

/* A character that Unicode keeps for uses within a program, and 16 digits that nobody outside can know. */
#define LONG_MARK_SIZE (3 + 16)
static char long_mark[LONG_MARK_SIZE + 1];

static void make_long_mark(void)
{
    static const char what[] = "whole numbers that do not fit";
    snprintf(long_mark, sizeof long_mark, "\xef\xb7\x90%016llx",
             (unsigned long long)hash_bytes(what, sizeof what));
}

static const char *mark_of_longs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_long_mark);
    return long_mark;
}

/* The digits are in `scratch`. */
static json_t *read_long(struct json_input *r, size_t end)
{
    json_t *text = json_sprintf("%s%s", mark_of_longs(), r->scratch);
    r->at = end;
    return text ? text : no_memory(r);
}

static json_t *read_number(struct json_input *r)
{
    bool is_whole;
    size_t end = end_of_number(r, &is_whole), n = end - r->at;
    if (end == 0)
        return unexpected(r, "a number");
    if (!reserve(r, n + 1))
        return NULL;
    memcpy(r->scratch, r->text + r->at, n);
    r->scratch[n] = 0;
    errno = 0;
    json_t *number;
    if (is_whole && !(r->flags & JSON_DECODE_INT_AS_REAL)) {
        long long x = strtoll(r->scratch, NULL, 10);
        if (errno == ERANGE && r->flags & JSON_LONG_INTEGERS)
            return read_long(r, end);
        if (errno == ERANGE)
            return fail(r, json_error_numeric_overflow,
                        x < 0 ? "too big negative integer" : "too big integer");
        number = json_integer(x);
    } else {
        double x = real_of(r->scratch);
        if (!isfinite(x))
            return fail(r, json_error_numeric_overflow, "real number overflow");
        number = json_real(x);
    }
    r->at = end;
    return number ? number : no_memory(r);
}

/* ---- values ---- */

static json_t *read_value(struct json_input *r);

static bool add_item(struct json_input *r, json_t *array)
{
    json_t *item = read_value(r);
    if (!item)
        return false;
    return json_array_append_new(array, item) == 0 || no_memory(r);
}

static bool add_member(struct json_input *r, json_t *object)
{
    const char *text = NULL;
    size_t size = 0;
    if (!take(r, '"'))
        return unexpected(r, "string or '}'") != NULL;
    if (!take_string(r, &text, &size))
        return false;
    if (memchr(text, 0, size))
        return fail(r, json_error_null_byte_in_key, "NUL byte in object key not supported") != NULL;
    if ((r->flags & JSON_REJECT_DUPLICATES) && json_object_get(object, text))
        return fail(r, json_error_duplicate_key, "duplicate object key") != NULL;
    char *name = strdup(text); /* the value needs the scratch */
    if (!name)
        return no_memory(r) != NULL;
    json_t *value = !take(r, ':') ? unexpected(r, "':'") : read_value(r);
    bool ok = value && (json_object_set_new_nocheck(object, name, value) == 0 || no_memory(r));
    free(name);
    return ok;
}

/* Behind the opening bracket. */
static json_t *read_list(struct json_input *r, json_t *list, char end,
                         bool (*add)(struct json_input *, json_t *))
{
    bool ok = list || no_memory(r);
    if (ok && r->depth++ == JSON_MAX_NESTING)
        ok = fail(r, json_error_stack_overflow, "more than %d arrays and objects in each other",
                  JSON_MAX_NESTING);
    if (ok && !take(r, end)) {
        while ((ok = add(r, list)) && take(r, ',')) {
        }
        ok = ok && (take(r, end) || unexpected(r, end == ']' ? "']'" : "'}'"));
    }
    r->depth--;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *read_text(struct json_input *r)
{
    const char *text = NULL;
    size_t size = 0;
    if (!take_string(r, &text, &size))
        return NULL;
    json_t *string = json_stringn_nocheck(text, size);
    return string ? string : no_memory(r);
}

static json_t *read_value(struct json_input *r)
{
    skip_space(r);
    char c = r->at < r->size ? r->text[r->at] : 0;
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    if (take(r, '"'))
        return read_text(r);
    if (take(r, '{'))
        return read_list(r, json_object(), '}', add_member);
    if (take(r, '['))
        return read_list(r, json_array(), ']', add_item);
    if (take_word(r, "true"))
        return json_true();
    if (take_word(r, "false"))
        return json_false();
    if (take_word(r, "null"))
        return json_null();
    return unexpected(r, "a value");
}

json_t *json_read(const char *text, size_t size, size_t flags, json_error_t *error)
{
    json_error_t own = {.line = 0};
    struct json_input r = {.text = text, .size = size, .flags = flags, .error = error ? error : &own};
    skip_space(&r);
    char c = r.at < size ? text[r.at] : 0;
    json_t *root =
        c == '[' || c == '{' || (flags & JSON_DECODE_ANY) ? read_value(&r) : unexpected(&r, "'[' or '{'");
    skip_space(&r);
    if (root && r.at < size) {
        json_decref(root);
        root = unexpected(&r, "end of file");
    }
    free(r.scratch);
    return root;
}

/* ---- copies ---- */

/* What it was copied from, or NULL. */
static json_t *checked(json_t *copy, bool is_whole)
{
    if (is_whole)
        return copy;
    json_decref(copy);
    return NULL;
}

json_t *json_copy_all(const json_t *json)
{
    json_t *copy = json_deep_copy(json);
    return checked(copy, json_equal(copy, json));
}

json_t *json_copy_object(const json_t *object)
{
    json_t *copy = json_copy((json_t *)object);
    return checked(copy, json_object_size(copy) == json_object_size(object));
}

/* ---- writing ---- */

const char *json_long_digits(const json_t *json)
{
    const char *text = json_string_value(json);
    return text && strncmp(text, mark_of_longs(), LONG_MARK_SIZE) == 0 ? text + LONG_MARK_SIZE : NULL;
}

/* Takes the quotes and the mark from whole numbers that are texts. */
static void bare_longs(char *text)
{
    char *to = text, *from = text, *next;
    while ((next = strstr(from, mark_of_longs()))) {
        const size_t before = (size_t)(next - 1 - from), n = strcspn(next + LONG_MARK_SIZE, "\"");
        memmove(to, from, before);
        memmove(to + before, next + LONG_MARK_SIZE, n);
        to += before + n;
        from = next + LONG_MARK_SIZE + n + 1;
    }
    memmove(to, from, strlen(from) + 1);
}

static int append(const char *text, size_t size, void *buffer)
{
    struct buffer *out = buffer;
    buffer_append(out, text, size);
    return out->failed ? -1 : 0;
}

char *json_write(const json_t *json, size_t flags)
{
    struct buffer out = {0};
    int result = json_dump_callback(json, append, &out, flags);
    buffer_byte(&out, 0);
    if (result == 0 && !out.failed) { /* what failed for a name's text is not in the result */
        bare_longs(out.data);
        return out.data;
    }
    buffer_release(&out);
    return NULL;
}
