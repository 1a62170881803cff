/* Packed weights as a file, mapped when a model is opened again.
 *
 * One file for each content: the tensors that are packed, the instruction set and the kind of product, whatever the model
 * file is called. Which content a model file has is known by its device, inode, size and time of change (ctime, which
 * nobody can set back) together with a sample of every tensor, or else, and of folders, found by reading all of them. A pack is used only
 * where it is the user's own, nobody else may write it, it is no symbolic link, its checksums are right, every byte of it
 * (once in a process, as long as nobody writes it; of a large pack each when it is first read), and its first and last panel are what packing gives today. Nothing depends on it: what cannot be read or written is
 * packed as if there were no cache. HONE_CACHE=0 turns it off, 1 on for small models too. */
#ifndef RUNTIME_LOAD_PACK_CACHE_H
#define RUNTIME_LOAD_PACK_CACHE_H

#include "runtime/load/pack_folder.h"
#include "runtime/nn/net.h"

/* Bytes of packed weights that are read whole when they are mapped, which takes a tenth of a second, so that a damaged pack is
 * made anew. Of more, each block is looked at when a product first reads it (base/checked_blocks.h): 20 GB would take
 * seconds, and do not fit into the memory of every machine that computes with them. Tests set it. */
extern size_t pack_cache_whole_at_once;

/* Between looking for a pack and keeping one. */
struct pack_cache {
    bool wanted; /* there is a folder, and the model is one whose weights are worth a file */
    struct pack_folder folder;
    struct hash128 content;
};

/* Maps what weights_pack would pack; net->weights.packed_size and each dense layer's kind are set. NULL: there is none. It
 * lies in net->weights.pack_map, which unmap_file gives back. */
void *pack_cache_map(struct pack_cache *c, struct net *net, int n_threads);

/* Writes the weights, net->weights.packed_size bytes as they lie in memory. It may stop at an error of `out`. */
typedef enum hone_status pack_fill(struct net *net, FILE *out, int n_threads, struct hone_error *err);

/* Keeps in a file what `fill` writes, where pack_cache_map found none, and maps the file, as pack_cache_map does, to
 * net->weights.packed: the weights never need memory of their own, and processes that pack the same at once have one copy from
 * then on. HONE_OK and NULL there: it could not be kept. Other errors are those of `fill`. */
enum hone_status pack_cache_make(const struct pack_cache *c, struct net *net, pack_fill *fill, int n_threads,
                                 struct hone_error *err);

#endif
