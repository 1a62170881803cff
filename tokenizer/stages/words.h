/* The expressions by which byte-level vocabularies cut text into words, matched by hand. They cover every text: each
 * match begins where the one before ended. */
#ifndef TOKENIZER_STAGES_WORDS_H
#define TOKENIZER_STAGES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum words_kind {
    WORDS_NONE,
    WORDS_GPT2,   /* GPT-2, RoBERTa, ModernBERT */
    WORDS_LLAMA3, /* Llama 3: up to three digits */
    WORDS_QWEN2   /* Qwen 2 and 3: single digits */
};

/* The kind of an expression, as tokenizer.json files write it. */
enum words_kind tok_words_find(const char *expression);
const char *tok_words_expression(enum words_kind kind);

/* The end of the word that begins at `at` < size; text is valid UTF-8. */
size_t tok_words_next(enum words_kind kind, const char *text, size_t size, size_t at);

#endif
