/* What a forward pass reads: a family, its numbers, its weights, and the kernels that compute with them. It does not change
 * once it is loaded, so any number of threads may share one. */
#ifndef RUNTIME_NN_NET_H
#define RUNTIME_NN_NET_H

#include "runtime/nn/arch.h"

struct net {
    struct gguf *gguf; /* the tables that are looked up where they lie in the file */
    const struct arch *arch;
    const struct kernels *kernels;
    /* The kernels', of the kind that suits the dense products. */
    void (*attention)(const struct attention_args *args);
    void (*tile_attention)(const struct tile_attention_args *args);
    struct hparams hp;
    struct weights weights;
    /* What writes behind an encoder: the same weights, with the numbers of its own layers and its own positions. NULL: there
     * is no encoder, or nothing was packed yet but the numbers. */
    struct net *decoder;
    /* A route of the same router that was opened before: matrices that it has packed alike are used where they lie, so it is open
     * as long as this one computes. It may have an elder itself. NULL: there is none. */
    const struct net *elder;
};

/* The net whose layers see the past. */
static inline const struct net *net_decoder(const struct net *net)
{
    return net->decoder ? net->decoder : net;
}

/* HONE_FAILED where a mapped file that the net reads lost a part: what was computed since is worth nothing, and must not
 * leave. Asked after every pass. */
enum hone_status net_check_whole(const struct net *net, struct hone_error *err);

#endif
