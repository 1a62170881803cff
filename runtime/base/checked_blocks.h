/* Blocks of a mapped file that each have a hash, compared when they are first read: what is larger than the memory, or takes
 * seconds to read, need not be read whole before it is used. */
#ifndef RUNTIME_BASE_CHECKED_BLOCKS_H
#define RUNTIME_BASE_CHECKED_BLOCKS_H

#include "runtime/base/hash.h"

struct checked_blocks;

/* In a mapping `map` of map_file, of the file `path`: data, size bytes in blocks of block_size, and the hash of each under
 * `secret`. The mapping stays the caller's, and longer than this. NULL: out of memory. */
struct checked_blocks *checked_blocks_new(const void *map, const char *path, const char *data, size_t size,
                                          size_t block_size, const struct hash128 *hashes,
                                          const struct hash_secret *secret);
/* NULL is allowed. */
void checked_blocks_free(struct checked_blocks *c);

/* Compares the blocks of so many bytes from `from` on, those that were not. If one is not what its hash says, the mapping
 * is marked as lost (map_file_is_whole), and the file removed. Thread-safe. */
void checked_blocks_look(struct checked_blocks *c, const void *from, size_t size, int n_threads);

#endif
