/* The folder of packed weights, weights/ in the cache folder: what is in it, how large it may become, and who may have
 * written it. pack_cache.h says what a file holds. */
#ifndef RUNTIME_LOAD_PACK_FOLDER_H
#define RUNTIME_LOAD_PACK_FOLDER_H

#include "runtime/base/cache_folder.h"
#include "runtime/base/error.h"
#include "runtime/base/hash.h"

#define PACK_SUFFIX   ".pack" /* CONTENT.pack: packed weights */
#define PACK_OF       ".of"   /* FILE.of: which content a model file had */
#define PACK_FORMAT   "hone weights 4"
#define PACK_MODEL    1024 /* bytes that a pack has for its model's path */
#define PACK_HOW      64
#define PACK_ID_CHARS 33 /* of a hash as a file's name, and NUL */

struct pack_folder {
    char path[CACHE_PATH];
    struct hash_secret
        secret; /* under which all hashes in it are made; in a file that only its owner reads */
};

/* What every pack begins with. */
struct pack_header {
    char format[16];
    uint64_t packed_size, n_blocks;
    struct hash128 content; /* of the tensors that were packed, and how */
    char how[PACK_HOW], model[PACK_MODEL];
    struct hash128 checksum; /* of all above and of the checksums of the blocks */
};

/* The folder as it is; `make`: or a new one. False where there is none, or where somebody else might have written it: it
 * must be the user's own, and no symbolic link. */
bool pack_folder_open(struct pack_folder *f, bool make);

/* The path of the file of a hash. */
bool pack_folder_path(const struct pack_folder *f, struct hash128 id, const char *suffix,
                      char path[CACHE_PATH]);

/* Waits until no other process writes a pack, for a few seconds: who hangs must not stop others. Gives what is to be given back to
 * pack_folder_unlock; -1: it could not be locked, and all goes on as if it were. */
int pack_folder_lock(const struct pack_folder *f);
void pack_folder_unlock(int lock);

/* Removes what was used longest ago until `size` more bytes are within the limit, and what ended processes left. False:
 * the limit is smaller than that. */
bool pack_folder_make_room(const struct pack_folder *f, uint64_t size);

#endif
