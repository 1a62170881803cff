#include "runtime/nn/reread.h"

#include "runtime/nn/decoder/decoder.h"
#include "runtime/nn/encoder.h"

#include <string.h>

size_t reread_workspace(const struct net *m)
{
    return encoder_workspace(m) + decoder_workspace(net_decoder(m)) + 1; /* the decoder's ids */
}

size_t reread_scratch(const struct net *m, size_t longest)
{
    const struct net *decoder = net_decoder(m);
    size_t most = m->kernels->attention_scratch(longest, m->hp.head_dim);
    if (m->hp.n_labels == 0)
        return most;
    const size_t cross = m->kernels->attention_scratch(longest, decoder->hp.head_dim),
                 own = decoder_batch_scratch(decoder, longest);
    most = cross > most ? cross : most;
    return own > most ? own : most;
}

/* Each sequence one token later: the first is the one that a decoder begins with. */
static void shift(const struct net *m, const struct batch *b, int32_t *ids)
{
    for (size_t s = 0; s < b->n_seqs; s++) {
        const size_t first = b->seq_start[s], last = b->seq_start[s + 1] - 1;
        ids[first] = m->hp.starts_with_last ? b->ids[last] : m->hp.decoder_start;
        memcpy(ids + first + 1, b->ids + first, (last - first) * sizeof *ids);
    }
}

float *reread_forward(const struct net *m, const struct batch *b, struct workspace *ws)
{
    const float *encoded = encoder_forward(m, b, ws);
    if (m->hp.n_labels == 0)
        return (float *)encoded;
    struct batch again = *b;
    again.ids = (int32_t *)workspace_take(ws, b->n_tokens, 1);
    shift(m, b, again.ids);
    return decoder_hidden(net_decoder(m), &(struct decoder_call){.batch = &again, .encoded = encoded}, ws);
}
