/* A zip archive on its way out: entries stored as they are, one after the other, whose first bytes may be written last. Every
 * number that can be in 64 bits is (zip64), however small the archive, so that there is one form, and no size at which it
 * changes. PKWARE's APPNOTE.TXT has it. Checksums are zlib's: zip_is_known says whether this hone has them. */
#ifndef CLI_IO_ZIP_H
#define CLI_IO_ZIP_H

#include "cli/io/output.h"

#define ZIP_ENTRIES 4 /* at most */

struct zip_entry {
    const char *name; /* ASCII; the caller's */
    uint64_t start;   /* of its header, in the file */
    uint64_t size;
    uint32_t crc;
};

struct zip_writer {
    struct output *output;
    struct zip_entry entries[ZIP_ENTRIES];
    size_t n;
    size_t head;   /* bytes of the last entry that are written last */
    uint32_t crc;  /* of those behind them, */
    uint64_t size; /* and how many they are */
};

bool zip_is_known(void);

/* o: nothing is written to it yet, and it can be patched. It lives longer than the writer, and is what tells of writes that
 * failed (output_flush, output_close). */
void zip_open(struct zip_writer *z, struct output *o);
/* Begins an entry with room for `head` bytes. */
void zip_begin(struct zip_writer *z, const char *name, size_t head);
void zip_write(struct zip_writer *z, const void *data, size_t size);
/* Ends the entry: `data` are its first bytes, as many as zip_begin was told. */
void zip_end(struct zip_writer *z, const void *data);
/* Writes the list of entries. The output is the caller's to close. */
void zip_close(struct zip_writer *z);

#endif
