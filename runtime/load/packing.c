/* From a file's matrices to those that products read: packed once, into the cache of packs or into memory. */
#include "runtime/base/checked_blocks.h"
#include "runtime/base/files.h"
#include "runtime/base/pages.h"
#include "runtime/base/poison.h"
#include "runtime/load/load.h"
#include "runtime/load/pack_cache.h"
#include "runtime/nn/blas.h"
#include "runtime/nn/layers/latent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_AT_ONCE ((size_t)4 << 20) /* bytes that may be held twice */

static size_t panels_at_once(const struct dense *d, int n_threads)
{
    return PACKED_AT_ONCE / dense_panel_at(d, 1) + (size_t)n_threads;
}

/* A matrix, to d->packed; or, a few panels after the other through `room`, to a file, whose error tells whether that
 * went well. */
static enum hone_status pack(const struct net *m, const struct dense *d, FILE *out, char *room, int n_threads,
                             struct hone_error *err)
{
    size_t n = dense_n_panels(d), step = panels_at_once(d, n_threads);
    enum hone_status status = HONE_OK;
    for (size_t first = 0; first < n && status == HONE_OK && !(out && ferror(out)); first += step) {
        size_t end = n - first < step ? n : first + step, at = dense_panel_at(d, first);
        size_t size = dense_panel_at(d, end) - at;
        if (out)
            memset(room, 0, size);
        status = dense_pack(d, first, end, out ? room : (char *)d->packed + at, n_threads, err);
        for (unsigned part = 0; part < d->n_parts; part++)
            gguf_forget(m->gguf, d->parts[part].weight->data, d->parts[part].weight->size);
        if (out)
            fwrite(room, 1, size, out);
    }
    return status;
}

/* What lies between the matrices. */
static void poison_zones(const struct weights *w)
{
    for (size_t i = 0; i < w->n_dense; i++)
        poison((const char *)w->dense[i]->packed + dense_packed_size(w->dense[i]), POISON_ZONE);
}

enum hone_status weights_measure(struct net *m, enum dense_kind kind, int n_threads, struct hone_error *err)
{
    struct weights *w = &m->weights;
    enum hone_status status = kind == DENSE_BLAS ? blas_load(n_threads, err) : HONE_OK;
    if (status != HONE_OK)
        return status;
    for (size_t i = 0; i < w->n_dense; i++) {
        struct dense *d = w->dense[i];
        bool narrow = d->narrow || d == &w->output; /* what follows the layers is small and stays exact */
        d->kernels = m->kernels;
        d->kind = (kind == DENSE_I8 || kind == DENSE_BF16) && !narrow ? DENSE_F32 : dense_best_kind(d, kind);
        size_t row = dense_row_bytes(d->kind, d->n_in);
        w->row_bytes = 2 * row > w->row_bytes ? 2 * row : w->row_bytes; /* and what comes out */
    }
    if (latent_row_bytes(m) > w->row_bytes)
        w->row_bytes = latent_row_bytes(m);
    weights_borrow(m);
    for (size_t i = 0; i < w->n_dense; i++)
        w->packed_size += dense_packed_size(w->dense[i]) + POISON_ZONE;
    return HONE_OK;
}

/* All matrices as they lie in memory, for the cache of packs: a model that is larger than the memory can be packed, too. */
static enum hone_status pack_to_file(struct net *m, FILE *out, int n_threads, struct hone_error *err)
{
    const struct weights *w = &m->weights;
    static const char zeros[64 + POISON_ZONE];
    size_t size = 0;
    for (size_t i = 0; i < w->n_dense; i++) {
        size_t n = panels_at_once(w->dense[i], n_threads), all = dense_n_panels(w->dense[i]);
        size_t most = dense_panel_at(w->dense[i], n < all ? n : all);
        size = most > size ? most : size;
    }
    char *room = pages_alloc(size);
    enum hone_status status = room ? HONE_OK : hone_no_memory(err, "packing", size);
    for (size_t i = 0; i < w->n_dense && status == HONE_OK && !ferror(out); i++) {
        const struct dense *d = w->dense[i];
        status = pack(m, d, out, room, n_threads, err);
        fwrite(zeros, 1, dense_packed_size(d) - dense_panel_at(d, dense_n_panels(d)) + POISON_ZONE, out);
    }
    if (room)
        pages_free(room, size);
    return status == HONE_OK ? net_check_whole(m, err) : status;
}

static void set_places(struct weights *w)
{
    char *next = w->packed;
    for (size_t i = 0; i < w->n_dense; i++) {
        w->dense[i]->packed = next;
        w->dense[i]->unchecked = w->unchecked;
        next += dense_packed_size(w->dense[i]) + POISON_ZONE;
    }
}

/* Each matrix that is the net's own is packed: in a pack of the cache, or in memory where none can be kept. */
static enum hone_status place_packed(struct net *m, int n_threads, bool no_cache, struct hone_error *err)
{
    struct weights *w = &m->weights;
    struct pack_cache cache = {.wanted = false};
    enum hone_status status = HONE_OK;
    if (w->n_dense == 0)
        return HONE_OK;
    w->packed = no_cache ? NULL : pack_cache_map(&cache, m, n_threads);
    if (!w->packed)
        status = pack_cache_make(&cache, m, pack_to_file, n_threads, err);
    if (status != HONE_OK)
        return status;
    const bool is_kept = w->packed != NULL;
    if (!is_kept)
        w->packed = pages_alloc(w->packed_size);
    if (!w->packed)
        return hone_no_memory(err, "the packed weights", w->packed_size);
    set_places(w);
    for (size_t i = 0; i < w->n_dense && !is_kept && status == HONE_OK; i++)
        status = pack(m, w->dense[i], NULL, NULL, n_threads, err);
    return status;
}

/* What writes behind the encoder reads the same weights. */
static void share_weights(struct net *m)
{
    struct net *decoder = m->decoder;
    if (!decoder)
        return;
    decoder->kernels = m->kernels;
    decoder->attention = m->attention;
    decoder->tile_attention = m->tile_attention;
    decoder->weights = m->weights;
    decoder->elder = m->elder;
    if (m->weights.decoder_token_embd.table)
        decoder->weights.token_embd = m->weights.decoder_token_embd;
    decoder->weights.position_embd = m->weights.decoder_position_embd;
    decoder->weights.embd_norm = m->weights.decoder_embd_norm;
}

enum hone_status weights_pack(struct net *m, enum dense_kind kind, int n_threads, bool no_cache,
                              struct hone_error *err)
{
    struct weights *w = &m->weights;
    enum hone_status status = weights_measure(m, kind, n_threads, err);
    if (status != HONE_OK)
        return status;
    const size_t n_all = w->n_dense + w->n_lent;
    if (n_all == 0) /* a model without products */
        return HONE_OK;
    status = place_packed(m, n_threads, no_cache, err);
    for (size_t i = 0; i < n_all && status == HONE_OK; i++)
        status = dense_read_bias(w->dense[i], err);
    if (status != HONE_OK)
        return status;
    if (m->arch->prepare)
        status = m->arch->prepare(m, n_threads, err);
    if (status == HONE_OK && (!w->pack_map || m->arch->prepare))
        status = net_check_whole(m, err);
    poison_zones(w);
    share_weights(m);
    return status;
}

void weights_free(struct net *m)
{
    struct weights *w = &m->weights;
    for (size_t i = 0; i < w->n_dense + w->n_lent; i++)
        dense_free(w->dense[i]);
    free(w->dense);
    free(w->layers);
    if (w->packed)
        unpoison(w->packed, w->packed_size);
    checked_blocks_free(w->unchecked);
    if (w->pack_map)
        unmap_file(w->pack_map, w->pack_map_size);
    else
        pages_free(w->packed, w->packed_size);
    *w = (struct weights){0};
}
