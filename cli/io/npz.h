/* NumPy's archive of arrays: "vectors", float32 [rows, columns], and, where a row has an id, "ids" [rows], which are int64 if
 * all are integers, and texts otherwise; a row without one has "". Rows are written as they come. What ids there are waits in a
 * nameless file, since an array of texts is as wide as its longest, and stands behind all vectors. */
#ifndef CLI_IO_NPZ_H
#define CLI_IO_NPZ_H

#include "cli/io/zip.h"

#include <jansson.h>

#define NPZ_MAX_ID 1024 /* characters: a long one makes all others as wide */

struct npz {
    struct zip_writer zip;
    size_t n_rows, n_ids;
    size_t longest; /* characters of an id */
    bool numbers;   /* all ids are integers, so far */
    struct output
        *waiting; /* of each id: its number of characters, and these, 32 bits each; NULL: there is none */
};

/* o: nothing is written to it yet, and it can be patched. */
void npz_begin(struct npz *z, struct output *o);
/* id: NULL or null where there is none. HONE_FAILED: it cannot stand in such an array, or be kept, which is reported. */
enum hone_status npz_row(struct npz *z, const float *row, size_t n_columns, const json_t *id);
/* Writes what is left, with `complete`, and lets go of what waited. The output is the caller's to close. */
enum hone_status npz_end(struct npz *z, size_t n_columns, bool complete);

#endif
