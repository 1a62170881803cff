#include "server/figures/exposition.h"

#include <stdio.h>
#include <string.h>

void exposition_family(struct reply_buffer *out, const char *name, const char *type, const char *help)
{
    reply_buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct reply_buffer *out, const char *name, const char *suffix, const char *labels,
                   const char *more, double value)
{
    const char *comma = *labels && *more ? "," : "";
    reply_buffer_format(out, "%s%s", name, suffix);
    if (*labels || *more)
        reply_buffer_format(out, "{%s%s%s}", labels, comma, more);
    reply_buffer_format(out, " %.15g\n", value);
}

void exposition_sample(struct reply_buffer *out, const char *name, const char *labels, double value)
{
    sample(out, name, "", labels, "", value);
}

void exposition_latency(struct reply_buffer *out, const char *name, const char *labels,
                        const struct hone_latency *latency)
{
    char bound[48];
    for (size_t i = 0; i < HONE_N_BOUNDS; i++) {
        snprintf(bound, sizeof bound, "le=\"%.9g\"", hone_latency_bound(i) / 1e3);
        sample(out, name, "_bucket", labels, bound, (double)latency->at_most[i]);
    }
    sample(out, name, "_bucket", labels, "le=\"+Inf\"", (double)latency->n);
    sample(out, name, "_sum", labels, "", latency->sum_ms / 1e3);
    sample(out, name, "_count", labels, "", (double)latency->n);
}

void exposition_sizes(struct reply_buffer *out, const char *name, const char *labels,
                      const struct hone_sizes *sizes)
{
    sample(out, name, "", labels, "quantile=\"0.5\"", sizes->recent.p50);
    sample(out, name, "", labels, "quantile=\"0.95\"", sizes->recent.p95);
    sample(out, name, "", labels, "quantile=\"0.99\"", sizes->recent.p99);
    sample(out, name, "_sum", labels, "", sizes->mean * (double)sizes->n);
    sample(out, name, "_count", labels, "", (double)sizes->n);
}

void exposition_label(char *labels, size_t size, const char *name, const char *value)
{
    char text[512];
    size_t n = (size_t)snprintf(text, 64, "%s%s=\"", *labels ? "," : "", name);
    for (; *value && n < sizeof text - 4; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n')
            text[n++] = '\\';
        text[n++] = (char)(*value == '\n' ? 'n' : *value);
    }
    text[n++] = '"';
    text[n] = '\0';
    if (strlen(labels) + n < size)
        memcpy(labels + strlen(labels), text, n + 1);
}
