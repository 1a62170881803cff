/* The inventory of a GGUF file's keys: those that the family reads, those that have no effect on a result, and those that
 * say the same as what is computed anyway. */
#ifndef RUNTIME_LOAD_KEYS_FILE_H
#define RUNTIME_LOAD_KEYS_FILE_H

#include "runtime/nn/net.h"

struct keys;

/* Refuses a key of the family ("llama.frobnicate"), of the tokenizer or of hone that nobody knows, or whose value asks for
 * what the family does not compute. Keys of other programs are theirs. After hparams_load. */
enum hone_status keys_check_file(struct keys *k, const struct net *net, struct hone_error *err);

#endif
