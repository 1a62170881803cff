/* Rotary positions (Su et al., 2021, arXiv:2104.09864): pairs of a head's elements turn by an angle that grows with the
 * token's position, each pair with its own frequency. */
#ifndef RUNTIME_NN_ROPE_H
#define RUNTIME_NN_ROPE_H

#include "runtime/nn/net.h"

/* out: [n_positions, head_dim] for kernels->rope_halves: of each position the cosines of its angles, then the sines.
 * factor: of NTK scaling, 1: none. */
void rope_turns(float *out, size_t n_positions, size_t head_dim, float base, float factor, int n_threads);

/* out: [head_dim / 2], what a position is multiplied by to give a pair's angle. divisors: [head_dim / 2], or NULL;
 * scaling: NULL: none. */
void rope_frequencies(float *out, size_t head_dim, float base, const float *divisors,
                      const struct rope_scaling *scaling);
/* out: [head_dim], one position's cosines and sines, times `magnitude`. */
void rope_turn(float *out, size_t position, const float *frequencies, size_t head_dim, float magnitude);

/* In words, "" where nothing is rotated. */
void rope_describe(const struct net *m, char *out, size_t size);

/* How the model's file scales positions. Needs the family's numbers; changes the context's length where scaling does. */
enum hone_status rope_load(struct net *m, struct hone_error *err);

#endif
