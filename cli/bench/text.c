#include "cli/bench/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"the",  "people", "of",   "this",  "town", "have", "a",    "house",
                                    "and",  "some",   "old",  "books", "from", "all",  "over", "world",
                                    "they", "read",   "them", "at",    "home", "when", "it",   "is",
                                    "cold", "water",  "time", "never", "year", "with"};

/* Words in some order that is another one for each seed. */
static size_t write_words(char *text, size_t n_words, size_t seed)
{
    size_t size = 0;
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < n_words; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const char *word = words[(state >> 33) % (sizeof words / sizeof *words)];
        size_t n = strlen(word);
        memcpy(text + size, word, n);
        text[size + n] = ' ';
        size += n + 1;
    }
    return size > 0 ? size - 1 : 0;
}

static enum hone_status count_tokens(struct hone_model *model, struct hone_text text, size_t *n,
                                     struct hone_error *err)
{
    int32_t *ids = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, err);
    if (status == HONE_OK)
        *n = starts[1];
    hone_free(ids);
    hone_free(starts);
    return status;
}

enum hone_status bench_text(struct hone_model *model, size_t length, size_t seed, struct hone_text *out,
                            struct hone_error *err)
{
    char *text = malloc(length * 8);
    if (!text) {
        err->status = HONE_FAILED;
        snprintf(err->message, sizeof err->message, "out of memory for a text of %zu tokens", length);
        return HONE_FAILED;
    }
    size_t n_words = length, n_tokens = 0;
    enum hone_status status;
    for (;;) {
        *out = (struct hone_text){text, write_words(text, n_words, seed)};
        status = count_tokens(model, *out, &n_tokens, err);
        if (status != HONE_OK || n_tokens <= length || n_words == 0)
            return status;
        size_t excess = (n_tokens - length) * n_words / n_tokens / 2;
        n_words -= excess > 0 ? excess : 1;
    }
}
