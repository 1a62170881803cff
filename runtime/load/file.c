/* hone_file_...: a model file to look at. */
#include "runtime/load/import/import.h"

#include "runtime/base/json.h"

#include <float.h>
#include <hone/files.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utf8proc.h>

/* Arrays longer than MAX_WHOLE are shown by their first N_SHOWN elements, strings by their first MAX_TEXT bytes. */
#define MAX_WHOLE 16
#define N_SHOWN   8
#define MAX_TEXT  ((size_t)1 << 20)

struct hone_file {
    struct gguf *g;
    char *damage; /* or NULL */
};

enum hone_status hone_file_open(struct hone_file **out, const char *path, struct hone_error *err)
{
    struct stat st;
    *out = NULL;
    struct hone_file *file = calloc(1, sizeof *file);
    if (!file)
        return hone_no_memory(err, path, sizeof *file);
    struct hone_error own = {0};
    err = err ? err : &own;
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    enum hone_status status =
        is_folder ? import_folder(&file->g, path, true, err) : gguf_open(&file->g, path, err);
    if (status == HONE_BAD_MODEL && !is_folder && (file->g = gguf_read_damaged(path))) {
        file->damage = strdup(err->message);
        status = file->damage ? HONE_OK : hone_no_memory(err, path, sizeof *err);
    }
    if (status)
        hone_file_close(&file);
    *out = file;
    return status;
}

const char *hone_file_damage(const struct hone_file *file)
{
    return file->damage;
}

void hone_file_close(struct hone_file **file)
{
    if (!file || !*file)
        return;
    gguf_close(&(*file)->g);
    free((*file)->damage);
    free(*file);
    *file = NULL;
}

/* ---- metadata ---- */

/* JSON strings must be UTF-8: U+FFFD stands for each byte that is not. NULL: out of memory. */
static json_t *json_of_text(struct hone_text text)
{
    static const char replacement[] = "\xef\xbf\xbd", ellipsis[] = "\xe2\x80\xa6";
    size_t text_size = text.size < MAX_TEXT ? text.size : MAX_TEXT;
    char *out = malloc(text_size * (sizeof replacement - 1) + sizeof ellipsis), *end = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < text_size;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text.data + i, (utf8proc_ssize_t)(text_size - i), &c);
        bool valid = n > 0;
        size_t size = valid ? (size_t)n : sizeof replacement - 1;
        memcpy(end, valid ? text.data + i : replacement, size);
        end += size;
        i += valid ? size : 1;
    }
    if (text_size < text.size) {
        memcpy(end, ellipsis, sizeof ellipsis - 1);
        end += sizeof ellipsis - 1;
    }
    json_t *json = json_stringn_nocheck(out, (size_t)(end - out));
    free(out);
    return json;
}

/* The shortest decimal that is the same float32. */
static double shorten(float x)
{
    char digits[32];
    for (int precision = 1; precision <= FLT_DECIMAL_DIG; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)x);
        if (strtof(digits, NULL) == x)
            break;
    }
    return strtod(digits, NULL);
}

static json_t *json_of_element(const struct gguf_value *value, size_t i)
{
    if (value->type == GGUF_STRING)
        return json_of_text(value->strings[i]);
    double x = gguf_float_at(value, i);
    switch (value->type) {
    case GGUF_BOOL:
        return json_boolean(gguf_int_at(value, i));
    case GGUF_F32:
        return isfinite(x) ? json_real(shorten((float)x)) : json_null();
    case GGUF_F64:
        return isfinite(x) ? json_real(x) : json_null();
    case GGUF_U64:
        if (gguf_int_at(value, i) == INT64_MAX)
            return json_real(x);
        return json_integer(gguf_int_at(value, i));
    default:
        return json_integer(gguf_int_at(value, i));
    }
}

static json_t *json_of_array(const struct gguf_value *value)
{
    size_t n = value->n > MAX_WHOLE ? N_SHOWN : value->n;
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_of_element(value, i));
    if (n == value->n)
        return array;
    return json_pack("{s:I, s:o}", "length", (json_int_t)value->n, "first", array);
}

size_t hone_file_n_keys(const struct hone_file *file)
{
    return gguf_n_keys(file->g);
}

const char *hone_file_key(const struct hone_file *file, size_t i, char **value_text)
{
    if (value_text) {
        const struct gguf_value *value = gguf_value_at(file->g, i);
        json_t *json = value->is_array ? json_of_array(value) : json_of_element(value, 0);
        /* 15 digits write a shortened float32 as it was shortened. */
        int precision = value->type == GGUF_F32 ? DBL_DIG : DBL_DECIMAL_DIG;
        *value_text = json_write(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision));
        json_decref(json);
    }
    return gguf_key(file->g, i);
}

/* ---- tensors ---- */

size_t hone_file_n_tensors(const struct hone_file *file)
{
    return gguf_n_tensors(file->g);
}

struct hone_file_tensor hone_file_tensor(const struct hone_file *file, size_t i)
{
    const struct gguf_tensor *tensor = gguf_tensor_at(file->g, i);
    struct hone_file_tensor out = {
        .name = tensor->name, .type = tensor->type->name, .n_dims = tensor->n_dims, .size = tensor->size};
    memcpy(out.dims, tensor->dims, sizeof out.dims);
    return out;
}
