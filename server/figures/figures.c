#include "server/figures/figures.h"

#define U64         FIGURE_U64
#define SIZE        FIGURE_SIZE
#define DOUBLE      FIGURE_DOUBLE
#define MS          FIGURE_MS
#define STAT(field) offsetof(struct hone_scheduler_stats, field)

const struct figure figures[] = {
    {"requests_taken", "counter", "Requests that were put in a queue.", STAT(n_taken), U64, false},
    {"requests_refused", "counter", "Requests that found the queue full.", STAT(n_busy), U64, false},
    {"requests_fast", "counter", "Requests that were alone and did not wait.", STAT(n_fast), U64, false},
    {"batches", "counter", "Batches that were computed.", STAT(n_batches), U64, false},
    {"texts", "counter", "Texts or pairs that were computed.", STAT(texts.n_texts), SIZE, false},
    {"tokens", "counter", "Their tokens, special ones included.", STAT(texts.n_tokens), SIZE, false},
    {"texts_truncated", "counter", "Texts that were cut.", STAT(texts.n_truncated), SIZE, false},
    {"texts_invalid", "counter", "Texts with invalid UTF-8.", STAT(texts.n_invalid), SIZE, false},
    {"requests_tokenizing", "gauge", "Requests whose token ids are being made.", STAT(n_tokenizing), SIZE,
     false},
    {"requests_running", "gauge", "Requests that are being computed.", STAT(n_running), SIZE, false},
    {"tokens_per_second", "gauge", "While batches were computed lately.", STAT(tokens_per_s), DOUBLE, false},
    {"batch_window_seconds", "gauge", "How long a batch waits for clients now.", STAT(window_ms), MS, false},
    {"batch_max_tokens", "gauge", "Tokens that a batch may have now.", STAT(max_batch_tokens), SIZE, false},
    {"batch_tuning_steps", "counter", "Changes of window or batch that --batching tuned made.", STAT(n_tuned),
     U64, false},
    {"batch_tuning_undone", "counter", "Of these those that were taken back.", STAT(n_untuned), U64, false},
    {"generation_steps", "counter", "Steps, of all texts together.", STAT(generation.n_steps), U64, true},
    {"generation_prompt_tokens", "counter", "Tokens of prompts.", STAT(generation.n_prompt_tokens), U64,
     true},
    {"generation_cached_tokens", "counter", "Tokens of prompts that were there already.",
     STAT(generation.n_cached_tokens), U64, true},
    {"generation_tokens", "counter", "Tokens generated.", STAT(generation.n_tokens), U64, true},
    {"generation_preempted", "counter", "Texts that had to make room for others.",
     STAT(generation.n_preempted), U64, true},
    {"generation_active", "gauge", "Texts being generated.", STAT(generation.n_active), SIZE, true},
    {"generation_waiting", "gauge", "Texts that wait for it.", STAT(generation.n_waiting), SIZE, true},
    {"generation_tokens_per_second", "gauge", "While steps were computed lately.",
     STAT(generation.tokens_per_s), DOUBLE, true},
    {"kv_blocks", "gauge", "Blocks of memory for keys and values.", STAT(generation.kv_blocks), SIZE, true},
    {"kv_blocks_used", "gauge", "Those of texts being generated.", STAT(generation.kv_used), SIZE, true},
    {"kv_blocks_known", "gauge", "Those of earlier texts, whose tokens are still known.",
     STAT(generation.kv_known), SIZE, true},
    {0},
};

#define CACHE(field) offsetof(struct hone_cache_stats, field)

const struct figure cache_figures[] = {
    {"hits", "counter", "Texts that were found.", CACHE(n_hits), U64, false},
    {"misses", "counter", "Texts that were not.", CACHE(n_misses), U64, false},
    {"evicted", "counter", "Entries dropped for want of room.", CACHE(n_evicted), U64, false},
    {"expired", "counter", "Entries dropped of age.", CACHE(n_expired), U64, false},
    {"remote_hits", "counter", "Of the misses, those found in Redis.", CACHE(n_remote_hits), U64, false},
    {"remote_misses", "counter", "And those not found there.", CACHE(n_remote_misses), U64, false},
    {"remote_failures", "counter", "How often Redis was absent, slow or failed.", CACHE(n_remote_failures),
     U64, false},
    {"entries", "gauge", "Entries.", CACHE(n_entries), SIZE, false},
    {"bytes", "gauge", "Memory that they take.", CACHE(n_bytes), SIZE, false},
    {"max_bytes", "gauge", "Memory that they may take.", CACHE(max_bytes), SIZE, false},
    {0},
};

double figure_of(const struct figure *f, const void *stats)
{
    const char *p = (const char *)stats + f->offset;
    if (f->number == U64)
        return (double)*(const uint64_t *)p;
    if (f->number == SIZE)
        return (double)*(const size_t *)p;
    return *(const double *)p / (f->number == MS ? 1e3 : 1);
}
