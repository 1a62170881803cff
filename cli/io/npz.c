#include "cli/io/npz.h"
#include "cli/io/npy.h"
#include "cli/io/report.h"
#include "cli/io/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void npz_begin(struct npz *z, struct output *o)
{
    *z = (struct npz){.numbers = true};
    zip_open(&z->zip, o);
    zip_begin(&z->zip, "vectors.npy", NPY_HEADER);
}

/* ---- ids that come ---- */

/* n characters, or more than there is room for. */
static size_t characters_of(struct hone_text text, int32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size && n < NPZ_MAX_ID + 1; n++)
        i += text_next(text.data + i, text.size - i, &out[n]);
    return n;
}

static void keep(struct npz *z, const int32_t *characters, uint32_t n)
{
    output_write(z->waiting, &n, sizeof n);
    output_write(z->waiting, characters, n * sizeof *characters);
    z->longest = n > z->longest ? n : z->longest;
    z->n_ids++;
}

static void keep_missing(struct npz *z, size_t n_rows)
{
    static const int32_t nothing;
    while (z->n_ids < n_rows) {
        z->numbers = false;
        keep(z, &nothing, 0);
    }
}

static enum hone_status keep_text(struct npz *z, struct hone_text text)
{
    static struct output waiting;
    int32_t characters[NPZ_MAX_ID + 1];
    size_t n = characters_of(text, characters);
    if (n > NPZ_MAX_ID)
        return report_error(HONE_FAILED,
                            "row %zu: its id is longer than the %d characters that one in an npz may have",
                            z->n_rows, NPZ_MAX_ID);
    if (n > 0 && characters[n - 1] == 0)
        return report_error(
            HONE_FAILED, "row %zu: its id ends with U+0000, which a text in a NumPy array cannot", z->n_rows);
    if (!z->waiting) {
        if (output_open_spool(&waiting, "the ids' temporary file") != HONE_OK)
            return HONE_FAILED;
        z->waiting = &waiting;
    }
    keep_missing(z, z->n_rows);
    keep(z, characters, (uint32_t)n);
    return HONE_OK;
}

static enum hone_status keep_id(struct npz *z, const json_t *id)
{
    if (!id || json_is_null(id))
        return HONE_OK;
    z->numbers = z->numbers && json_is_integer(id);
    if (json_is_string(id))
        return keep_text(z, (struct hone_text){json_string_value(id), json_string_length(id)});
    char *text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
    enum hone_status status = text
                                  ? keep_text(z, text_from(text))
                                  : report_error(HONE_FAILED, "row %zu: out of memory for its id", z->n_rows);
    free(text);
    return status;
}

enum hone_status npz_row(struct npz *z, const float *row, size_t n_columns, const json_t *id)
{
    enum hone_status status = keep_id(z, id);
    zip_write(&z->zip, row, n_columns * sizeof *row);
    z->n_rows++;
    return status;
}

/* ---- ids that go ---- */

static int64_t number_of(const int32_t *characters, size_t n)
{
    char text[32];
    size_t k = 0;
    for (; k < n && k < sizeof text - 1; k++)
        text[k] = (char)characters[k];
    text[k] = '\0';
    return strtoll(text, NULL, 10);
}

/* One id, in as many bytes as all have. */
static void write_id(struct npz *z, const int32_t *characters, size_t n, size_t width)
{
    static const int32_t nothing[NPZ_MAX_ID];
    if (z->numbers) {
        int64_t number = number_of(characters, n);
        zip_write(&z->zip, &number, sizeof number);
    } else {
        zip_write(&z->zip, characters, n * sizeof *characters);
        zip_write(&z->zip, nothing, (width - n) * sizeof *characters);
    }
}

static enum hone_status read_back(struct npz *z, FILE *waiting, size_t width)
{
    int32_t characters[NPZ_MAX_ID];
    uint32_t n;
    for (size_t i = 0; i < z->n_rows; i++) {
        if (fread(&n, sizeof n, 1, waiting) != 1 || n > NPZ_MAX_ID ||
            fread(characters, sizeof *characters, n, waiting) != n)
            return report_error(HONE_FAILED, "%s cannot be read", z->waiting->name);
        write_id(z, characters, n, width);
    }
    return HONE_OK;
}

static enum hone_status write_ids(struct npz *z)
{
    char header[NPY_HEADER], type[24];
    size_t width = z->longest > 0 ? z->longest : 1;
    keep_missing(z, z->n_rows);
    if (output_flush(z->waiting) != HONE_OK)
        return HONE_FAILED;
    int fd = dup(z->waiting->fd);
    FILE *waiting = fd < 0 ? NULL : fdopen(fd, "r");
    if (!waiting) {
        if (fd >= 0)
            close(fd);
        return report_error(HONE_FAILED, "%s cannot be read", z->waiting->name);
    }
    rewind(waiting);
    zip_begin(&z->zip, "ids.npy", NPY_HEADER);
    enum hone_status status = read_back(z, waiting, width);
    snprintf(type, sizeof type, "<U%zu", width);
    npy_header(header, z->numbers ? "<i8" : type, z->n_rows, 0);
    zip_end(&z->zip, header);
    fclose(waiting);
    return status;
}

enum hone_status npz_end(struct npz *z, size_t n_columns, bool complete)
{
    char header[NPY_HEADER];
    enum hone_status status = HONE_OK;
    if (complete) {
        npy_header(header, "<f4", z->n_rows, n_columns);
        zip_end(&z->zip, header);
        status = z->waiting ? write_ids(z) : HONE_OK;
        zip_close(&z->zip);
    }
    if (z->waiting)
        output_close(z->waiting, false);
    return status;
}
