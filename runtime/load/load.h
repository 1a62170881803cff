/* From a model file to what a forward pass reads: hparams.c, weights.c, vocab.c. */
#ifndef RUNTIME_LOAD_LOAD_H
#define RUNTIME_LOAD_LOAD_H

#include "runtime/load/pieces.h"
#include "runtime/nn/net.h"

/* The numbers of the file; of each layer, whether it is local. Needs net->gguf and net->arch. */
enum hone_status hparams_load(struct net *net, struct hone_error *err);
/* Of these what texts become before they are computed. Needs net->gguf alone. */
enum hone_status hparams_load_texts(struct net *net, struct hone_error *err);
enum hone_status layers_mark_local(struct net *net, struct hone_error *err);
/* "llama.block_count" of "block_count"; and rows of a table, 0 where the file does not have it. */
const char *hparams_key(const struct net *net, const char *suffix, char key[128]);
enum hone_status hparams_table_rows(const struct net *net, const char *name, size_t max, size_t *rows,
                                    struct hone_error *err);

/* heads.c: what follows the layers, poolings first. */
enum hone_status hparams_load_pooling(struct net *net, struct hone_error *err);
enum hone_status hparams_load_heads(struct net *net, struct hone_error *err);

/* layers.c: which layer has what, as a file says it: kinds [n], LAYER_... */
enum { LAYER_ATTENDS = 1, LAYER_RECURS = 2, LAYER_FEEDS = 4, LAYER_ROUTES = 8, LAYER_BORROWS = 16 };
enum hone_status layers_kinds(const struct arch *arch, const struct gguf *g, size_t n, uint8_t *kinds,
                              struct hone_error *err);
/* The same in net->weights.layers, and where each has its place in a cache. Then whether a layer has a row of the table. */
enum hone_status layers_mark_kinds(struct net *net, struct hone_error *err);
bool layers_has(unsigned kinds, const struct tensor_spec *spec);
/* Checks the numbers of layers that recur; and makes of their weights, once all are found, what a pass reads. */
enum hone_status layers_load_recurrent(struct net *net, struct hone_error *err);
enum hone_status layers_finish_recurrent(struct net *net, struct hone_error *err);

/* altup.c: the numbers of Gemma 3n's layers, and what each of them does. */
enum hone_status altup_load(struct net *net, struct hone_error *err);
enum hone_status altup_mark_layers(struct net *net, struct hone_error *err);
/* bends.c: the numbers of an activation that layers have each of its own. */
enum hone_status layers_load_bends(struct net *net, struct hone_error *err);
/* causal.c: the order of the halves of causal layers, and what changes their scores; what else is said of them, once those of the
 * family's table are there. */
enum hone_status hparams_load_causal(struct net *net, struct hone_error *err);
/* latent.c: the numbers of latent attention, once those of the family's table are there. */
enum hone_status latent_load(struct net *net, struct hone_error *err);

/* What a family's scores are divided by the root of; n_heads > 0. */
float hparams_attn_divisor(const struct arch *arch, size_t n_layers, size_t n_embd, size_t n_heads,
                           size_t head_dim);

/* Every tensor of the family's table, found and its shape checked, and no other in the file (but with `force`); then the
 * matrices packed for the kernels. After a failure too, weights_free. Needs the numbers, net->gguf and net->arch; packing
 * net->kernels. no_cache: packed weights are neither read from files nor kept in them. */
enum hone_status weights_find(struct net *net, bool force, struct hone_error *err);
enum hone_status weights_measure(struct net *net, enum dense_kind kind, int n_threads,
                                 struct hone_error *err); /* what packing will take alone */
enum hone_status weights_pack(struct net *net, enum dense_kind kind, int n_threads, bool no_cache,
                              struct hone_error *err);
void weights_free(struct net *net);
/* weights_made.c: tables that follow from the numbers, once all tensors are found. */
enum hone_status weights_make(struct net *net, struct hone_error *err);

/* lent.c: takes over the packed matrices of an elder net (nn/net.h) that are the same as the net's own. Needs each matrix's kind. */
void weights_borrow(struct net *net);

/* The tokenizer of a file; *out is NULL after a failure. */
enum hone_status vocab_load(struct tokenizer **out, const struct gguf *g, struct hone_error *err);
/* Of a file with hone.target.tokens, that of what is written, which decodes alone. */
enum hone_status vocab_load_target(struct tokenizer **out, const struct gguf *g, struct hone_error *err);
/* The bytes of the tokens that are written; to be released with token_pieces_release after HONE_OK. */
enum hone_status vocab_pieces(struct token_pieces *out, const struct gguf *g, struct hone_error *err);

/* layer_sizes.c: pruned models, whose layers have heads and widths of their own: a causal family's keys for these are arrays.
 * Whether they may be for that member of hparams, whether some are, and what each layer has, checked. */
bool layers_differ_in(const struct net *m, size_t offset);
bool layers_differ(const struct net *m);
enum hone_status layers_set_sizes(struct net *m, struct hone_error *err);
/* Whose keys and values the layers read that have none of their own, and what a cache of all of them looks like. Needs what the
 * others above and layers_mark_local tell. */
enum hone_status layers_lend(struct net *m, struct hone_error *err);

#endif
