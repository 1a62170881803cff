#include "cli/io/zip.h"

#ifdef HONE_ZLIB
#include <zlib.h>
#endif

#include <string.h>

#define VERSION  45          /* of the format: the first with zip64 */
#define WIDE     0xffffffffu /* instead of a number of 32 bits: see that of 64 */
#define DAY_ONE  0x21        /* the first of January 1980: the same texts make the same bytes whenever */
#define MAX_SIZE 128         /* bytes of a record */

bool zip_is_known(void)
{
#ifdef HONE_ZLIB
    return true;
#else
    return false;
#endif
}

/* The checksum of `before`'s bytes and these. */
static uint32_t crc_on(uint32_t before, const void *data, size_t size)
{
#ifdef HONE_ZLIB
    return (uint32_t)crc32_z(before, data, size);
#else
    (void)data;
    return before + (uint32_t)size;
#endif
}

/* That of some bytes and `size` more, of both of which it is known. */
static uint32_t crc_join(uint32_t first, uint32_t second, uint64_t size)
{
#ifdef HONE_ZLIB
    return (uint32_t)crc32_combine(first, second, (z_off_t)size);
#else
    return first + second + (uint32_t)size;
#endif
}

/* ---- records ---- */

struct zip_record {
    char bytes[MAX_SIZE];
    size_t n;
};

static void put(struct zip_record *r, uint64_t number, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        r->bytes[r->n++] = (char)(number >> 8 * i);
}

static void put_text(struct zip_record *r, const char *text)
{
    size_t n = strlen(text);
    memcpy(r->bytes + r->n, text, n);
    r->n += n;
}

/* What an entry's header and its line in the list have in common: from the version on, up to the length of what is added. */
static void put_entry(struct zip_record *r, const struct zip_entry *e, size_t n_added)
{
    put(r, VERSION, 2);
    put(r, 0, 2); /* flags */
    put(r, 0, 2); /* stored */
    put(r, 0, 2); /* midnight */
    put(r, DAY_ONE, 2);
    put(r, e->crc, 4);
    put(r, WIDE, 4);
    put(r, WIDE, 4);
    put(r, strlen(e->name), 2);
    put(r, n_added, 2);
}

/* The numbers of 64 bits. */
static void put_sizes(struct zip_record *r, const struct zip_entry *e, size_t n_bytes)
{
    put(r, 1, 2);
    put(r, n_bytes, 2);
    put(r, e->size, 8);
    put(r, e->size, 8);
}

static struct zip_record header_of(const struct zip_entry *e)
{
    struct zip_record r = {.n = 0};
    put_text(&r, "PK\3\4");
    put_entry(&r, e, 20);
    put_text(&r, e->name);
    put_sizes(&r, e, 16);
    return r;
}

static struct zip_record listed(const struct zip_entry *e)
{
    struct zip_record r = {.n = 0};
    put_text(&r, "PK\1\2");
    put(&r, VERSION, 2); /* of the program that made it */
    put_entry(&r, e, 28);
    put(&r, 0, 2);    /* bytes of a comment */
    put(&r, 0, 2);    /* disk */
    put(&r, 0, 2);    /* attributes */
    put(&r, 0, 4);    /* and those of the system */
    put(&r, WIDE, 4); /* where it is */
    put_text(&r, e->name);
    put_sizes(&r, e, 24);
    put(&r, e->start, 8);
    return r;
}

/* list, end: where the list begins, and what is behind it. */
static struct zip_record last(size_t n, uint64_t list, uint64_t end)
{
    struct zip_record r = {.n = 0};
    put_text(&r, "PK\6\6");
    put(&r, 44, 8); /* bytes of this record from here on */
    put(&r, VERSION, 2);
    put(&r, VERSION, 2);
    put(&r, 0, 8); /* disks */
    put(&r, n, 8);
    put(&r, n, 8);
    put(&r, end - list, 8);
    put(&r, list, 8);
    put_text(&r, "PK\6\7");
    put(&r, 0, 4); /* disk */
    put(&r, end, 8);
    put(&r, 1, 4); /* disks */
    put_text(&r, "PK\5\6");
    put(&r, 0, 4); /* disks */
    put(&r, n, 2);
    put(&r, n, 2);
    put(&r, WIDE, 4);
    put(&r, WIDE, 4);
    put(&r, 0, 2); /* bytes of a comment */
    return r;
}

/* ---- writing ---- */

static uint64_t place(const struct output *o)
{
    return o->size + o->used;
}

void zip_open(struct zip_writer *z, struct output *o)
{
    *z = (struct zip_writer){.output = o};
}

void zip_begin(struct zip_writer *z, const char *name, size_t head)
{
    struct zip_entry *e = &z->entries[z->n++];
    *e = (struct zip_entry){.name = name, .start = place(z->output)};
    struct zip_record r = header_of(e);
    output_write(z->output, r.bytes, r.n);
    memset(output_reserve(z->output, head), 0, head);
    output_advance(z->output, head);
    z->head = head;
    z->crc = crc_on(0, "", 0);
    z->size = 0;
}

void zip_write(struct zip_writer *z, const void *data, size_t size)
{
    z->crc = crc_on(z->crc, data, size);
    z->size += size;
    output_write(z->output, data, size);
}

void zip_end(struct zip_writer *z, const void *data)
{
    struct zip_entry *e = &z->entries[z->n - 1];
    e->size = z->head + z->size;
    e->crc = crc_join(crc_on(0, data, z->head), z->crc, z->size);
    struct zip_record r = header_of(e);
    output_patch(z->output, (off_t)e->start, r.bytes, r.n);
    output_patch(z->output, (off_t)(e->start + r.n), data, z->head);
}

void zip_close(struct zip_writer *z)
{
    uint64_t list = place(z->output);
    for (size_t i = 0; i < z->n; i++) {
        struct zip_record r = listed(&z->entries[i]);
        output_write(z->output, r.bytes, r.n);
    }
    struct zip_record r = last(z->n, list, place(z->output));
    output_write(z->output, r.bytes, r.n);
}
