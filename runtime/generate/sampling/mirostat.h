/* Mirostat (Basu et al., "Mirostat: a neural text decoding algorithm that directly controls perplexity", 2020) and
 * its simpler second form, as the authors' implementation and llama.cpp have them: surprise is in bits, mu starts at
 * 2 tau, and version 1 estimates Zipf's exponent from the 100 most probable tokens. */
#ifndef RUNTIME_GENERATE_SAMPLING_MIROSTAT_H
#define RUNTIME_GENERATE_SAMPLING_MIROSTAT_H

#include "runtime/generate/sampling/candidates.h"

/* Leaves the candidates that mu allows. Logits are those after the temperature. */
void mirostat_cut(struct candidates *c, int version, float mu);

/* The next mu, after a token of this probability among the candidates that were left. */
float mirostat_learn(float mu, float probability, float tau, float eta);

#endif
