/* What a file's content is known by: sha256 of large ones (Git LFS), git's sha1 of a blob of the others. */
#ifndef CLI_HUB_FETCH_CHECKSUM_H
#define CLI_HUB_FETCH_CHECKSUM_H

#include "cli/hub/fail.h"

/* Whether the content of `path` has that hash, of 64 or 40 hexadecimal digits; HONE_FAILED with a sentence where it does
 * not, or cannot be read. `what` is for the sentence. */
enum hone_status checksum_check(const char *path, const char *hash, const char *what, struct hone_error *err);

#endif
