/* Text that must follow a grammar, token by token.
 *
 * A grammar is written in GBNF, as llama.cpp defines it:
 *     root ::= "yes" | "no" [.!]? | (digit ("," digit)*) | list{1,3}     # comment
 *     digit ::= [0-9]
 * rules by name (letters, digits, '-', '_'), literals, classes of characters (ranges, ^ for all others), '.', groups,
 * '|', and after an item * + ? {n} {n,} {n,m}. Escapes: \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH. A rule ends
 * at the end of a line outside of parentheses, unless the next one begins with '|'. Or it is a JSON Schema (schema.h).
 *
 * It is compiled to bytes, so that a token may end in the middle of a character, and all text it allows is valid
 * UTF-8. What can never be completed is cut away at once: as long as a matcher is alive, some text leads to an end.
 *
 * A grammar and a token_trie are immutable and may be shared by threads. A matcher belongs to one sequence and one
 * thread at a time. Memory and time are bounded: by the limits below, and each matcher by MATCHER_MAX_MEMORY.
 */
#ifndef RUNTIME_GENERATE_GRAMMAR_GRAMMAR_H
#define RUNTIME_GENERATE_GRAMMAR_GRAMMAR_H

#include "runtime/base/error.h"

#define GRAMMAR_MAX_SIZE    ((size_t)4 << 20) /* bytes of source */
#define GRAMMAR_MAX_RULES   (1u << 16)        /* groups and such counted */
#define GRAMMAR_MAX_SYMBOLS (1u << 20)
#define GRAMMAR_MAX_DEPTH   100u     /* of parentheses */
#define GRAMMAR_MAX_REPEAT  1000000u /* in {n,m} */
#define MATCHER_MAX_MEMORY  ((size_t)256 << 20)

struct grammar;

/* HONE_USAGE and a sentence with the line: what cannot be read, an unknown rule, no root, left recursion, nothing that
 * the grammar allows, or too much of something. On success *out is the caller's; on failure it is NULL. */
enum hone_status grammar_parse(struct grammar **out, struct hone_text gbnf, struct hone_error *err);
void grammar_free(struct grammar *g);           /* NULL is allowed */
size_t grammar_memory(const struct grammar *g); /* bytes */

/* The bytes of every token of a vocabulary. */
struct token_trie;

/* pieces [n_vocab]: the bytes that each token adds to a text; size 0: it must never come (control tokens, unused
 * ones). end_ids: tokens that end the text; they come where the grammar may end, and their pieces do not matter.
 * Everything is copied. On success *out is the caller's; on failure it is NULL. */
enum hone_status token_trie_new(struct token_trie **out, const struct hone_text *pieces, size_t n_vocab,
                                const int32_t *end_ids, size_t n_end_ids, struct hone_error *err);
void token_trie_free(struct token_trie *t); /* NULL is allowed */

struct matcher;

/* At the beginning of a text. The grammar must outlive it. */
enum hone_status matcher_new(struct matcher **out, const struct grammar *g, struct hone_error *err);
/* Back to the beginning; what was worked out is kept, so that the next text costs less. */
enum hone_status matcher_reset(struct matcher *m, struct hone_error *err);
/* Another one at the same place, with nothing worked out. */
enum hone_status matcher_fork(const struct matcher *m, struct matcher **out, struct hone_error *err);
void matcher_free(struct matcher *m);           /* NULL is allowed */
size_t matcher_memory(const struct matcher *m); /* bytes, about */
/* Whether the masks that it keeps are of this trie; or it keeps none yet. */
bool matcher_fits(const struct matcher *m, const struct token_trie *t);

/* Goes on by some bytes. HONE_REFUSED: the grammar does not allow them; HONE_FAILED: its memory is not enough for this
 * grammar. The matcher is where it was then. */
enum hone_status matcher_accept(struct matcher *m, struct hone_text bytes, struct hone_error *err);
bool matcher_may_end(const struct matcher *m);  /* the text so far is whole */
bool matcher_must_end(const struct matcher *m); /* and nothing can follow */

/* *mask [(n_vocab + 63) / 64]: bit i % 64 of word i / 64 tells whether token i may come now; the matcher's, until its
 * next use. HONE_FAILED: none may, or its memory is not enough. Masks are kept: where a text comes to a place of the
 * grammar again, the answer is at hand. A matcher must see one trie only. */
enum hone_status matcher_mask(struct matcher *m, const struct token_trie *t, const uint64_t **mask,
                              struct hone_error *err);

#endif
