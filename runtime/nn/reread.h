/* Classifiers with an encoder and a decoder: the decoder reads the text that the encoder read, as if it had been written
 * behind it, and a head sees what it made of that (Lewis et al., BART, 2019, section 3.1). */
#ifndef RUNTIME_NN_REREAD_H
#define RUNTIME_NN_REREAD_H

#include "runtime/nn/net.h"

/* Floats of workspace a token. */
size_t reread_workspace(const struct net *m);

/* struct arch's functions of a family with an encoder and a decoder behind it: the encoder's last hidden states or, where the
 * model has labels, the decoder's: those of row t are of what follows token t - 1. */
size_t reread_scratch(const struct net *m, size_t longest);
float *reread_forward(const struct net *m, const struct batch *b, struct workspace *ws);

#endif
