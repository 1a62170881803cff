/* Of a folder with a gated delta rule: its matrices in the order of rows that GGUF files have. There the heads of values are
 * all those that are the first of their group, then all second ones, and so on (tiled), or, in Qwen3-Next's files, group
 * after group, as folders have them; but these lay a group's queries, keys, values and gates side by side. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct delta {
    size_t n_heads, n_groups, n_keys, n_values; /* of values; of keys; elements of a key, of a value */
};

static enum hone_status shape_of(const struct folder *f, struct delta *d, struct hone_error *err)
{
    static const char *const names[] = {"ssm.time_step_rank", "ssm.group_count", "ssm.state_size",
                                        "ssm.inner_size"};
    char key[128];
    size_t n[4] = {0};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 4 && status == HONE_OK; i++) {
        snprintf(key, sizeof key, "%s.%s", f->arch->name, names[i]);
        status = gguf_get_size(f->g, key, 1 << 20, &n[i], err);
    }
    if (status != HONE_OK)
        return status;
    if (n[0] == 0 || n[1] == 0 || n[0] % n[1] != 0 || n[3] % n[0] != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: %zu heads of values cannot share %zu of keys",
                         f->dir, n[0], n[1]);
    *d = (struct delta){n[0], n[1], n[2], n[3] / n[0]};
    return HONE_OK;
}

/* ---- orders: which row of the folder's is row i ---- */

/* `width` rows a head. */
static size_t tiled(const struct delta *d, size_t width, size_t i)
{
    size_t head = i / width, each = d->n_heads / d->n_groups;
    return (head % d->n_groups * each + head / d->n_groups) * width + i % width;
}

static size_t tiled_row(const struct delta *d, size_t n_rows, size_t i)
{
    const size_t inner = d->n_heads * d->n_values, keys = 2 * d->n_groups * d->n_keys;
    if (n_rows == d->n_heads)
        return tiled(d, 1, i);
    if (n_rows == inner)
        return tiled(d, d->n_values, i);
    return i < keys ? i : keys + tiled(d, d->n_values, i - keys);
}

/* Of a group's rows: queries, keys, values, gates. */
static size_t grouped_row(const struct delta *d, bool gate, size_t i)
{
    const size_t values = d->n_heads / d->n_groups * d->n_values, keys = d->n_groups * d->n_keys,
                 group = 2 * d->n_keys + 2 * values;
    if (gate)
        return i / values * group + 2 * d->n_keys + values + i % values;
    if (i < 2 * keys)
        return i % keys / d->n_keys * group + i / keys * d->n_keys + i % d->n_keys;
    i -= 2 * keys;
    return i / values * group + 2 * d->n_keys + i % values;
}

/* ---- tensors ---- */

static size_t row_of(const struct delta *d, enum cut cut, size_t n_rows, size_t i)
{
    return cut == CUT_QKV_OF_GROUPS || cut == CUT_GATE_OF_GROUPS
               ? grouped_row(d, cut == CUT_GATE_OF_GROUPS, i)
               : tiled_row(d, n_rows, i);
}

/* How many rows come out of n; 0: these are not what it should have. */
static size_t n_rows_of(const struct delta *d, enum cut cut, size_t n)
{
    const size_t inner = d->n_heads * d->n_values, channels = 2 * d->n_groups * d->n_keys + inner;
    if (cut == CUT_QKV_OF_GROUPS || cut == CUT_GATE_OF_GROUPS)
        return n != channels + inner ? 0 : cut == CUT_GATE_OF_GROUPS ? inner : channels;
    return n == d->n_heads || n == inner || n == channels ? n : 0;
}

/* Elements of each row in tiled order; `size` bytes each. */
static void tile_columns(const struct delta *d, char *to, const char *from, size_t n_rows, size_t n,
                         size_t size)
{
    for (size_t row = 0; row < n_rows; row++)
        for (size_t i = 0; i < n; i++)
            memcpy(to + (row * n + i) * size, from + (row * n + tiled(d, d->n_values, i)) * size, size);
}

enum hone_status import_delta_rows(struct folder *f, struct gguf_tensor *t, enum cut cut,
                                   struct hone_error *err)
{
    struct delta d = {0};
    const size_t n = (size_t)t->dims[t->n_dims - 1], size = (size_t)t->size / n;
    enum hone_status status = shape_of(f, &d, err);
    if (status != HONE_OK)
        return status;
    const size_t n_rows = cut == CUT_TILED_COLUMNS ? n : n_rows_of(&d, cut, n);
    if (n_rows == 0 || (cut == CUT_TILED_COLUMNS && t->dims[0] != d.n_heads * d.n_values))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' is not that of %zu heads of %zu values and %zu keys of %zu", f->dir,
                         t->name, d.n_heads, d.n_values, d.n_groups, d.n_keys);
    char *copy = malloc(n_rows * size);
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, n_rows * size);
    }
    if (cut == CUT_TILED_COLUMNS)
        tile_columns(&d, copy, t->data, n, (size_t)t->dims[0], size / (size_t)t->dims[0]);
    for (size_t i = 0; i < n_rows && cut != CUT_TILED_COLUMNS; i++)
        memcpy(copy + i * size, (const char *)t->data + row_of(&d, cut, n, i) * size, size);
    t->data = copy;
    t->size = n_rows * size;
    t->dims[t->n_dims - 1] = n_rows;
    return HONE_OK;
}
