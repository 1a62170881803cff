#include "server/profile.h"

#include <stdio.h>
#include <string.h>

/* throughput: whoever waits a little longer is computed together with more others, and what waits is kept and not refused.
 * latency: nobody waits for others, and who would wait long is refused at once, so that another server can be asked.
 * small-memory: short queues, small batches and caches, keys and values of one byte each. */
static const struct {
    const char *profile;
    enum setting setting;
    const char *value;
} rows[] = {
    {"throughput", SETTING_BATCHING, "fixed"},
    {"throughput", SETTING_WINDOW, "5"},
    {"throughput", SETTING_BATCH_TOKENS, "8192"},
    {"throughput", SETTING_TOKENIZER_WORKERS, "2"},
    {"throughput", SETTING_MAX_QUEUE, "8192"},
    {"throughput", SETTING_MAX_REQUESTS, "8192"},
    {"throughput", SETTING_QUEUE_TIMEOUT, "120"},
    {"latency", SETTING_BATCHING, "adaptive-batch"},
    {"latency", SETTING_WINDOW, "0"},
    {"latency", SETTING_BATCH_TOKENS, "2048"},
    {"latency", SETTING_MAX_QUEUE, "128"},
    {"latency", SETTING_QUEUE_TIMEOUT, "5"},
    {"small-memory", SETTING_BATCH_TOKENS, "1024"},
    {"small-memory", SETTING_CACHE_SIZE, "4"},
    {"small-memory", SETTING_KV, "int8"},
    {"small-memory", SETTING_MAX_BODY, "4"},
    {"small-memory", SETTING_MAX_BATCH, "256"},
    {"small-memory", SETTING_MAX_CONNECTIONS, "256"},
    {"small-memory", SETTING_MAX_REQUESTS, "128"},
    {"small-memory", SETTING_MAX_QUEUE, "128"},
    {"small-memory", SETTING_MAX_PARALLEL, "32"},
};
#define N_ROWS (sizeof rows / sizeof *rows)

const char *profile_value(const char *profile, enum setting setting)
{
    for (size_t i = 0; profile && i < N_ROWS; i++)
        if (rows[i].setting == setting && strcmp(rows[i].profile, profile) == 0)
            return rows[i].value;
    return NULL;
}

void profile_describe(const struct settings *s, char *out, size_t size)
{
    static const char *const names[] = {
#define NAME(id, letter, name, ...) name,
        SETTINGS(NAME)
#undef NAME
    };
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; s->profile && i < N_ROWS && used < size; i++)
        if (s->is_of_profile[rows[i].setting] && strcmp(rows[i].profile, s->profile) == 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s %s", used ? ", " : "",
                                     names[rows[i].setting], rows[i].value);
}
