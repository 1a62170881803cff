/* Scores of tokens as tokenizers has them after it read a tokenizer.json: its JSON reader takes the digits for an
 * integer and divides by a power of ten, and so may be off by a bit where there are 17 of them. That bit decides between
 * ways to cut a word whose scores are otherwise equal, such as runs of one character. */
#ifndef TOKENIZER_MODELS_SCORE_H
#define TOKENIZER_MODELS_SCORE_H

/* The score that is read where `score` was written, in the fewest digits that tell it from its neighbours. Numbers that
 * log probabilities never are stay the same. */
double tok_score_as_read(double score);

#endif
