/* APPNOTE.TXT of PKWARE has the format. The list of entries stands at the end of the file, and a record behind it says where
 * it begins; numbers that do not fit 32 bits are 0xffffffff, and stand in a further record (zip64). */
#include "runtime/load/import/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of its records without names and comments, as PKWARE's APPNOTE has them; 32 bits all set: see the record of ZIP64. */
#define END_SIZE    22
#define END64_SIZE  56
#define ENTRY_SIZE  46
#define LOCAL_SIZE  30
#define MAX_COMMENT 65535
#define WIDE        0xffffffffu

static uint64_t number(const char *at, size_t bytes)
{
    uint64_t x = 0;
    for (size_t i = bytes; i-- > 0;)
        x = x << 8 | (unsigned char)at[i];
    return x;
}

bool zip_is(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "PK\3\4", 4) == 0;
}

static enum hone_status bad(const char *path, const char *what, struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: damaged as a zip archive: %s", path, what);
}

/* Where the last record begins; SIZE_MAX: nowhere. */
static size_t find_end(const char *data, size_t size)
{
    for (size_t back = END_SIZE; back <= size && back <= END_SIZE + MAX_COMMENT; back++)
        if (memcmp(data + size - back, "PK\5\6", 4) == 0)
            return size - back;
    return SIZE_MAX;
}

/* ---- names ---- */

static struct hone_text name_of(const char *entry)
{
    return (struct hone_text){entry + ENTRY_SIZE, (size_t)number(entry + 28, 2)};
}

/* As if both were read from their ends; one that the other ends with is less. */
static int compare_backwards(struct hone_text a, struct hone_text b)
{
    while (a.size > 0 && b.size > 0) {
        int x = (unsigned char)a.data[--a.size], y = (unsigned char)b.data[--b.size];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a.size > 0) - (b.size > 0);
}

/* Entries of the same name in the order of the list. */
static int compare_entries(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    int order = compare_backwards(name_of(x), name_of(y));
    return order ? order : (x > y) - (x < y);
}

/* Names are looked for by how they end, once a tensor: so they are sorted, where looking through the list would take a
 * minute for 50,000 entries. */
static enum hone_status read_list(struct zip *zip, size_t at, size_t n, const char *path,
                                  struct hone_error *err)
{
    zip->entries = malloc(n ? n * sizeof *zip->entries : 1);
    if (!zip->entries)
        return hone_no_memory(err, path, n * sizeof *zip->entries);
    for (zip->n = 0; zip->n < n; zip->n++) {
        const char *entry = zip->data + at;
        size_t whole = zip->size - at < ENTRY_SIZE || memcmp(entry, "PK\1\2", 4) != 0
                           ? SIZE_MAX
                           : ENTRY_SIZE + (size_t)number(entry + 28, 2) + (size_t)number(entry + 30, 2) +
                                 (size_t)number(entry + 32, 2);
        if (whole > zip->size - at) {
            zip_release(zip);
            return bad(path, "its list is cut short", err);
        }
        zip->entries[zip->n] = entry;
        at += whole;
    }
    qsort(zip->entries, n, sizeof *zip->entries, compare_entries);
    return HONE_OK;
}

/* ---- the archive ---- */

enum hone_status zip_read(struct zip *out, const void *data, size_t size, const char *path,
                          struct hone_error *err)
{
    const char *bytes = data;
    size_t end = find_end(bytes, size);
    if (end == SIZE_MAX)
        return bad(path, "its end is missing", err);
    uint64_t n = number(bytes + end + 10, 2), first = number(bytes + end + 16, 4);
    if ((n == 0xffff || first == WIDE) && end >= 20 && memcmp(bytes + end - 20, "PK\6\7", 4) == 0) {
        uint64_t at = number(bytes + end - 12, 8);
        if (at > size || size - at < END64_SIZE || memcmp(bytes + at, "PK\6\6", 4) != 0)
            return bad(path, "its list is not where its end says", err);
        n = number(bytes + at + 32, 8);
        first = number(bytes + at + 48, 8);
    }
    if (first > size || n > (size - first) / ENTRY_SIZE)
        return bad(path, "its list leaves the file", err);
    *out = (struct zip){.data = bytes, .size = size};
    return read_list(out, (size_t)first, (size_t)n, path, err);
}

void zip_release(struct zip *zip)
{
    free(zip->entries);
    *zip = (struct zip){0};
}

/* Of the numbers that did not fit: those that the entry's extra field has, in this order. */
struct wide {
    uint64_t *of[3]; /* size, stored size, place */
};

static void read_wide(const char *extra, size_t size, struct wide wide)
{
    while (size >= 4) {
        size_t id = (size_t)number(extra, 2), n = (size_t)number(extra + 2, 2);
        if (n > size - 4)
            return;
        for (size_t i = 0, at = 0; id == 1 && i < 3; i++)
            if (*wide.of[i] == WIDE && at + 8 <= n) {
                *wide.of[i] = number(extra + 4 + at, 8);
                at += 8;
            }
        extra += 4 + n;
        size -= 4 + n;
    }
}

/* The entry's bytes lie behind a header of its own, whose name and extra field have their own sizes. */
static enum hone_status locate(const struct zip *zip, const char *entry, const char **found, size_t *size,
                               const char *path, struct hone_error *err)
{
    uint64_t stored = number(entry + 20, 4), full = number(entry + 24, 4), place = number(entry + 42, 4);
    size_t name = (size_t)number(entry + 28, 2), extra = (size_t)number(entry + 30, 2);
    read_wide(entry + ENTRY_SIZE + name, extra, (struct wide){{&full, &stored, &place}});
    if (number(entry + 10, 2) != 0 || stored != full || number(entry + 8, 2) & 1)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the entry '%.*s' is compressed or encrypted", path,
                         (int)(name < 200 ? name : 200), entry + ENTRY_SIZE);
    if (place > zip->size || zip->size - place < LOCAL_SIZE || memcmp(zip->data + place, "PK\3\4", 4) != 0)
        return bad(path, "an entry is not where the list says", err);
    const char *local = zip->data + place;
    uint64_t start = place + LOCAL_SIZE + number(local + 26, 2) + number(local + 28, 2);
    if (start > zip->size || full > zip->size - start)
        return bad(path, "an entry leaves the file", err);
    *found = zip->data + start;
    *size = (size_t)full;
    return HONE_OK;
}

/* Of the names that end with this one the first in the order above stands where the name itself would. */
enum hone_status zip_find(const struct zip *zip, const char *name, const char **found, size_t *size,
                          const char *path, struct hone_error *err)
{
    char end[256];
    struct hone_text wanted = {end, (size_t)snprintf(end, sizeof end, "/%s", name)};
    size_t low = 0, high = zip->n;
    *found = NULL;
    *size = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_backwards(name_of(zip->entries[middle]), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zip->n)
        return HONE_OK;
    struct hone_text own = name_of(zip->entries[low]);
    bool ends =
        own.size >= wanted.size && memcmp(own.data + own.size - wanted.size, wanted.data, wanted.size) == 0;
    return ends ? locate(zip, zip->entries[low], found, size, path, err) : HONE_OK;
}
