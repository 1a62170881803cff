/* Packed weights as a file, mapped when the model is opened again.
 *
 * One file a model file, kind of product and instruction set, below weights/ in the cache folder. It is used where the
 * model file has the size and time that it had, and its first and last panels are what packing gives today. Nothing
 * depends on it: what cannot be read or written is packed as if there were no cache. HONE_CACHE=0 turns it off, 1 on for
 * small models too. */
#ifndef RUNTIME_LOAD_PACK_CACHE_H
#define RUNTIME_LOAD_PACK_CACHE_H

#include "runtime/nn/net.h"

/* Maps what weights_pack would pack; m->weights.packed_size and each dense layer's kind are set. NULL: there is none. It
 * lies in m->weights.pack_map, which unmap_file gives back. */
void *pack_cache_map(struct net *m);

/* Keeps m->weights.packed. */
void pack_cache_store(const struct net *m);

#endif
