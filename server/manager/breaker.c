#include "server/manager/breaker.h"

const char *const breaker_state_names[] = {"closed", "open", "half-open"};

void breaker_init(struct breaker *b)
{
    *b = (struct breaker){.options = {.failures = 0}};
    pthread_mutex_init(&b->lock, NULL);
}

void breaker_release(struct breaker *b)
{
    pthread_mutex_destroy(&b->lock);
}

void breaker_configure(struct breaker *b, const struct breaker_options *options)
{
    pthread_mutex_lock(&b->lock);
    b->options = *options;
    b->is_open = b->is_open && options->failures > 0;
    pthread_mutex_unlock(&b->lock);
}

static uint64_t nanoseconds(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static uint64_t slice_of(const struct breaker *b, uint64_t now)
{
    uint64_t length = nanoseconds(b->options.window) / BREAKER_SLICES;
    return now / (length > 0 ? length : 1);
}

static size_t failures_in_window(const struct breaker *b, uint64_t now)
{
    uint64_t last = slice_of(b, now);
    size_t n = 0;
    for (size_t i = 0; i < BREAKER_SLICES; i++)
        if (last - b->slice[i] < BREAKER_SLICES)
            n += b->failed[i];
    return n;
}

static void open_it(struct breaker *b, uint64_t now)
{
    b->n_opened += !b->is_open;
    b->is_open = true;
    b->has_probed = false;
    b->n_good = 0;
    b->next_probe = now + nanoseconds(b->options.pause);
}

bool breaker_allows(struct breaker *b, uint64_t now, bool *probe)
{
    pthread_mutex_lock(&b->lock);
    bool is_open = b->is_open;
    *probe = is_open && now >= b->next_probe;
    if (*probe) { /* a probe that is never heard of again is followed by another one */
        b->has_probed = true;
        b->next_probe = now + nanoseconds(b->options.pause);
    }
    bool may = !is_open || *probe;
    pthread_mutex_unlock(&b->lock);
    return may;
}

static void note_probe(struct breaker *b, bool good, uint64_t now)
{
    if (!good) {
        open_it(b, now);
        return;
    }
    b->next_probe = now; /* the next one need not wait */
    if (++b->n_good < b->options.probes)
        return;
    b->is_open = false;
    for (size_t i = 0; i < BREAKER_SLICES; i++)
        b->failed[i] = 0;
}

void breaker_note(struct breaker *b, bool good, bool probe, uint64_t now)
{
    pthread_mutex_lock(&b->lock);
    if (b->is_open && probe)
        note_probe(b, good, now);
    if (!b->is_open && !good && b->options.failures > 0) {
        uint64_t slice = slice_of(b, now);
        size_t i = slice % BREAKER_SLICES;
        b->failed[i] = (b->slice[i] == slice ? b->failed[i] : 0) + 1;
        b->slice[i] = slice;
        if (failures_in_window(b, now) >= b->options.failures)
            open_it(b, now);
    }
    pthread_mutex_unlock(&b->lock);
}

void breaker_status(struct breaker *b, uint64_t now, struct breaker_status *out)
{
    pthread_mutex_lock(&b->lock);
    bool half = b->is_open && (b->has_probed || now >= b->next_probe);
    *out = (struct breaker_status){.state = !b->is_open ? BREAKER_CLOSED
                                            : half      ? BREAKER_HALF_OPEN
                                                        : BREAKER_OPEN,
                                   .n_opened = b->n_opened};
    if (b->is_open && b->next_probe > now)
        out->retry = 1e-9 * (double)(b->next_probe - now);
    pthread_mutex_unlock(&b->lock);
}
