#include "runtime/generate/sampling/penalties.h"

#include "runtime/base/order.h"

#include <stdlib.h>
#include <string.h>

static float penalized(const struct hone_sampling *p, float logit, size_t count)
{
    logit = logit > 0 ? logit / p->repetition_penalty : logit * p->repetition_penalty;
    return logit - (float)count * p->frequency_penalty - p->presence_penalty;
}

bool penalties_apply(const struct hone_sampling *p, const int32_t *tokens, size_t n_tokens, float *logits,
                     size_t n_vocab)
{
    bool is_off = p->repetition_penalty == 1 && p->frequency_penalty == 0 && p->presence_penalty == 0;
    size_t n = n_tokens < p->penalty_last_n ? n_tokens : p->penalty_last_n;
    if (is_off || n == 0)
        return true;
    int32_t *window = malloc(n * sizeof *window);
    if (!window)
        return false;
    memcpy(window, tokens + n_tokens - n, n * sizeof *window);
    qsort(window, n, sizeof *window, order_int32);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && window[end] == window[i]; end++)
            ;
        if (window[i] >= 0 && (size_t)window[i] < n_vocab)
            logits[window[i]] = penalized(p, logits[window[i]], end - i);
    }
    free(window);
    return true;
}
