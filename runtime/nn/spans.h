/* A head that tells how well labels fit spans of words, the labels being read before the text (Zaratiana et al., GLiNER, 2023,
 * arXiv:2311.08526). A word is what its tokens are pooled to, and what an LSTM over the words makes of that; a span what two
 * small networks make of its first and its last word, and a third one of both; a label what a network makes of the token that
 * stands for it. The product of a span and a label is the logit that it fits.
 *
 * The last matrix of a span's network, [n, 4 n], is not multiplied with each span but with each label: (W h) p = h (W^T p). There
 * are `longest` spans a word, so that what a span costs is 4 n numbers a label, not 4 n * n. For the same reason what reads both
 * ends is split into what reads the one and what reads the other, which are computed for each word once. */
#ifndef RUNTIME_NN_SPANS_H
#define RUNTIME_NN_SPANS_H

#include "runtime/nn/net.h"

/* Where words and labels stand in a sequence. */
struct span_marks {
    const uint32_t
        *words; /* [n_words + 1] rising: word i is the tokens words[i] up to words[i + 1], or none */
    size_t n_words;
    const uint32_t *labels; /* [n_labels] tokens */
    size_t n_labels;
};

/* logits: [n_words, longest, n_labels]: row (i, k) is of the span from word i to word i + k; where that is behind the last one it
 * means nothing. */
typedef void (*spans_done)(void *arg, size_t seq, const float *logits);

/* hidden: [n_tokens, n_embd]; marks: [n_seqs]. Needs a head of spans. False: there is no memory. */
bool spans_score(const struct net *m, const struct batch *b, const struct span_marks *marks,
                 const float *hidden, struct workspace *ws, spans_done done, void *arg);

#endif
