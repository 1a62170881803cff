#include "tokenizer/truncation.h"

/* The shorter text is cut only where both must be: then each gets half, and the longer one what is odd. */
static void fit_longest_first(size_t n[2], size_t limit)
{
    int shorter = n[0] > n[1];
    size_t low = n[shorter], high = low > limit - low || low > limit ? low : limit - low;
    if (low + high > limit) {
        low = limit / 2;
        high = low + limit % 2;
    }
    n[shorter] = low < n[shorter] ? low : n[shorter];
    n[!shorter] = high < n[!shorter] ? high : n[!shorter];
}

bool tok_truncation_fit(size_t n[2], size_t n_texts, size_t limit, enum tok_truncation strategy,
                        struct complaint *c)
{
    size_t total = n[0] + (n_texts > 1 ? n[1] : 0);
    size_t text = strategy == TOK_ONLY_SECOND;
    if (total <= limit)
        return true;
    if (limit == 0) {
        n[0] = n[1] = 0;
        return true;
    }
    if (strategy == TOK_LONGEST_FIRST) {
        if (n_texts > 1)
            fit_longest_first(n, limit);
        else
            n[0] = limit;
        return true;
    }
    if (text >= n_texts)
        return tok_fail(c->err, HONE_USAGE, "only the second text may be cut, and there is none");
    if (n[text] <= total - limit)
        return tok_fail(c->err, HONE_USAGE, "cutting the %s text alone does not bring %zu ids to %zu",
                        text ? "second" : "first", total, limit);
    n[text] -= total - limit;
    return true;
}
