/* BERT's normalizer and pre-tokenizer, as tokenizers has them (BertNormalizer, BertPreTokenizer). */
#ifndef TOKENIZER_STAGES_BERT_H
#define TOKENIZER_STAGES_BERT_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"
#include "tokenizer/stages/piece.h"

struct bert_normalizer {
    bool clean_text;     /* drop control characters, make all white space ' ' */
    bool handle_chinese; /* spaces around Chinese characters */
    bool strip_accents;  /* decompose, drop combining marks */
    bool lowercase;
    uint8_t ascii[128], width[128]; /* what an ASCII character becomes, and whether (1) or not (0) */
};

void tok_bert_normalizer_init(struct bert_normalizer *n, const json_t *spec);

/* Appends the normalized text. *front: cleared where the text's first character was dropped. */
void tok_bert_normalize(const struct bert_normalizer *n, struct hone_text text, struct buffer *out,
                        bool *front);

/* Words between white space; each punctuation character is one of its own. */
bool tok_bert_split(struct tok_piece piece, struct sink sink);

#endif
