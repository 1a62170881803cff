#include "runtime/generate/sampling/logprobs.h"

#include "runtime/generate/sampling/candidates.h"

#include <math.h>
#include <string.h>

enum hone_status logprobs_of(const float *logits, size_t n_vocab, int32_t id, struct hone_logprob *top,
                             size_t n_top, float *chosen, struct sampler_scratch *scratch,
                             struct hone_error *err)
{
    if (id < 0 || (size_t)id >= n_vocab)
        return hone_fail(err, HONE_USAGE, "%d is no token id; the vocabulary has %zu", id, n_vocab);
    if (!sampler_scratch_reserve(scratch, n_vocab, err))
        return HONE_FAILED;
    memcpy(scratch->floats, logits, n_vocab * sizeof *logits);
    float total = logits_log_sum_exp(scratch->floats, n_vocab);
    if (!isfinite(total))
        return hone_fail(err, HONE_FAILED, "the model's logits are not all numbers");
    *chosen = logits[id] - total;
    size_t n = n_top < n_vocab ? n_top : n_vocab;
    n = n > 0 ? top_select(logits, n_vocab, n, scratch->items, scratch->swap) : 0;
    for (size_t i = 0; i < n_top; i++) {
        bool is_there = i < n;
        top[i].id = is_there ? (int32_t)scratch->items[i].id : -1;
        top[i].logprob = is_there ? logits[top[i].id] - total : -INFINITY;
    }
    return HONE_OK;
}
