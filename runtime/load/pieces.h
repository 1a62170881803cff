/* The bytes that each token of a vocabulary adds to a text: what grammars and stop words are checked against. A
 * tokenizer alone cannot say: its decoder gives whole characters. */
#ifndef RUNTIME_LOAD_PIECES_H
#define RUNTIME_LOAD_PIECES_H

#include "runtime/base/error.h"
#include "tokenizer/tokenizer.h"

struct token_pieces {
    struct hone_text *list; /* [n]; size 0: no text (special, unknown and unused tokens) */
    size_t n;
    char *bytes;
};

/* vocab: tokens, and types or NULL. pipeline: as tokenizer_new takes it; its decoder says how tokens are written:
 * ByteLevel, ByteFallback and Metaspace or Replace, WordPiece. HONE_USAGE and a sentence for others. Everything is
 * copied. */
enum hone_status token_pieces_init(struct token_pieces *p, const struct tok_vocab *vocab,
                                   struct hone_text pipeline, struct hone_error *err);
void token_pieces_release(struct token_pieces *p);

/* The ids of the tokens whose bytes hold one of the strings, ascending: malloc'ed *ids [*n]. Breakers of DRY, say. */
enum hone_status token_pieces_with(const struct token_pieces *p, const struct hone_text *strings,
                                   size_t n_strings, int32_t **ids, size_t *n, struct hone_error *err);

#endif
