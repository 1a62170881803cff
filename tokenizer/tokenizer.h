/* Text to token ids and back, exactly as Hugging Face's tokenizers do it.
 *
 * A tokenizer is made from a vocabulary and a pipeline. The pipeline is the part of a tokenizer.json that is not
 * vocabulary, in that file's own form: {"normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens",
 * "model": {"type", ...}} (https://huggingface.co/docs/tokenizers). A component that is not supported is refused by
 * name, never approximated. Vocabularies that come without a pipeline (plain GGUF files) get a preset one.
 *
 * A tokenizer is immutable: any number of threads may use one, each with its own struct tok_encoding.
 * Functions that can fail return false, or NULL, and leave status and sentence in err, which may be NULL.
 */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include "runtime/base/error.h"
#include "tokenizer/text/span.h"

/* Two tokens that become one. */
struct tok_merge {
    struct hone_text left, right;
};

/* How GGUF's tokenizer.ggml.token_type counts them. */
enum tok_type {
    TOK_NORMAL = 1,
    TOK_UNKNOWN = 2,
    TOK_CONTROL = 3,
    TOK_USER_DEFINED = 4,
    TOK_UNUSED = 5,
    TOK_BYTE = 6
};

struct tok_vocab {
    size_t n_tokens;
    const struct hone_text *tokens; /* [n_tokens], id order; only read during tokenizer_new */
    const double *scores;           /* [n_tokens] log probabilities, or NULL */
    const int32_t *types;           /* [n_tokens] enum tok_type, or NULL: all normal */
    const struct tok_merge *merges; /* [n_merges] best first; BPE only */
    size_t n_merges;
    struct hone_text charsmap; /* for a Precompiled normalizer that brings none; or empty */
    bool truncate_left; /* texts that are too long lose their start, unless the options say otherwise */
    bool
        phantom_space; /* WordPiece as GGUF files hold it: U+2581 marks a word's start, and nothing its middle;
                           otherwise as vocab.txt has it: "##" marks a word's middle */
    /* What the model cuts words into, where that is not the tokens themselves: each is looked up among these by its text,
     * and so is a run that the model does not know; what is not there is "<unk>". Scores and merges are of the pieces
     * then. NULL: the tokens. */
    const struct tok_vocab *pieces;
    bool leading_codes; /* ">>CODE<<" at a text's start is one token, whether it is there or not */
};

struct tokenizer;

/* `pipeline`: JSON as described above. Limits (tokens, their length, nesting) are checked here. NULL on failure. */
struct tokenizer *tokenizer_new(const struct tok_vocab *vocab, struct hone_text pipeline,
                                struct hone_error *err);
void tokenizer_free(struct tokenizer *t);

/* The pipeline for a GGUF file that carries none. model: tokenizer.ggml.model ("bert", "gpt2", "llama", "t5");
 * pre: tokenizer.ggml.pre or "". The special ids are token ids or -1. The text is malloc'ed JSON, NULL with a
 * sentence for names that are not known. */
struct tok_preset {
    const char *model, *pre;
    int32_t bos, eos, unk, sep, pad, cls, mask;
    int add_bos, add_eos, add_sep; /* 0, 1; -1: as usual for such a tokenizer */
    int lowercase, strip_accents;  /* the same, of WordPiece */
    bool add_space_prefix, remove_extra_whitespaces;
};
char *tokenizer_preset(const struct tok_preset *preset, const struct tok_vocab *vocab,
                       struct hone_error *err);

/* The merges of a SentencePiece BPE vocabulary, which has scores instead. *merges[*n] is malloc'ed; its texts are parts
 * of the vocabulary's tokens. */
bool tokenizer_scored_merges(const struct tok_vocab *vocab, struct tok_merge **merges, size_t *n,
                             struct hone_error *err);

size_t tokenizer_n_tokens(const struct tokenizer *t);
/* As the vocabulary writes it; lives as long as the tokenizer. */
struct hone_text tokenizer_token(const struct tokenizer *t, int32_t id);

struct tok_traits {
    int32_t unknown;    /* -1: there is none */
    bool marks_middles; /* tokens that go on with a word begin with a mark: "##" */
};
struct tok_traits tokenizer_traits(const struct tokenizer *t);

/* -1: no such token. */
int32_t tokenizer_id(const struct tokenizer *t, struct hone_text token);

enum tok_truncation { TOK_LONGEST_FIRST, TOK_ONLY_FIRST, TOK_ONLY_SECOND };
enum tok_side { TOK_USUAL_SIDE, TOK_RIGHT, TOK_LEFT };

struct tok_options {
    bool add_special; /* run the post-processor: [CLS] ... [SEP] */
    size_t
        max_length; /* ids in all, special ones included; 0: no limit. Less than the special tokens: refused */
    bool
        may_stop; /* where max_length cuts a text, its rest may be left unread: n_full says that there is more, not how
                      much. The ids stay the same */
    enum tok_truncation truncation;
    enum tok_side side; /* of a text, from which ids are dropped; TOK_USUAL_SIDE: as the vocabulary says */
    bool spans;         /* tell which part of its text each id stands for; takes longer */
    /* Special tokens, and these others, that are written in a text are text like any other. */
    bool plain;
    const int32_t *plain_ids; /* [n_plain_ids] */
    size_t n_plain_ids;
};

/* What came out. Zero-initialise it, use it again and again (its memory is kept), release it at the end. */
struct tok_encoding {
    int32_t *ids;      /* [n] */
    uint8_t *type_ids; /* [n] segment of each id: 0 or 1 */
    struct tok_span
        *spans; /* [n] of the first text, or the second where type_ids says so; NULL: not asked for */
    size_t n;
    size_t n_full; /* ids there would have been without truncation; with may_stop at least so many */
    bool invalid; /* a text held invalid UTF-8, read as U+FFFD (one for each maximal invalid part, as Python's
                       errors="replace") */
    size_t capacity;
    void *scratch; /* the tokenizer's own */
};
void tok_encoding_release(struct tok_encoding *e);

/* Encodes `text`, or the pair (text, *pair) where pair is not NULL. Fails on lack of memory, on a pair where the
 * pipeline has no template for one, and on a max_length too small for the special tokens. */
bool tokenizer_encode(const struct tokenizer *t, struct hone_text text, const struct hone_text *pair,
                      const struct tok_options *options, struct tok_encoding *out, struct hone_error *err);

/* Whether texts are usually shown without that token. */
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);

/* Bytes of the tokens themselves, each with one for what may stand between: what rules of a decoder make of them may be
 * 16 times as much. An id outside the vocabulary has none. */
size_t tokenizer_decode_bound(const struct tokenizer *t, const int32_t *ids, size_t n);

/* *out: malloc'ed, NUL-terminated, *size bytes without the NUL, valid UTF-8. An id outside the vocabulary fails. */
bool tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool skip_special, char **out,
                      size_t *size, struct hone_error *err);

#endif
