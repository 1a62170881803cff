#include "cli/bench/streams.h"

#include "cli/io/progress.h"
#include "cli/load/statistics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Streams run for SETTLED tokens before anything is measured, since the first steps find the scheduler without a measurement
 * of its own, and for BEFORE more until the prompt comes: enough for a 95th percentile of all streams' gaps. */
enum { MAX_STREAMS = 16, MAX_TIMES = 4096, PROMPT = 16, SETTLED = 16, BEFORE = 48 };

struct bench_stream {
    struct streams *all;
    struct hone_generation g;
    int32_t *ids;
    double times[MAX_TIMES]; /* of its tokens */
    _Atomic size_t n;
};

struct streams {
    struct hone_scheduler *scheduler;
    struct bench_stream *streams; /* [n] */
    size_t n;
    uint64_t random;
    pthread_mutex_t lock;
    pthread_cond_t over;
    size_t n_left;
    _Atomic bool enough;
    enum hone_status status;
    char message[256];
};

static bool on_token(void *arg, const struct hone_token *token)
{
    struct bench_stream *s = arg;
    size_t n = s->n;
    if (token->id >= 0 && n < MAX_TIMES) {
        s->times[n] = progress_clock();
        s->n = n + 1;
    }
    return !s->all->enough;
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct streams *all = ((struct bench_stream *)arg)->all;
    pthread_mutex_lock(&all->lock);
    if (reply->status != HONE_OK && all->status == HONE_OK) {
        all->status = reply->status;
        snprintf(all->message, sizeof all->message, "%.255s", reply->message);
    }
    if (--all->n_left == 0)
        pthread_cond_signal(&all->over);
    pthread_mutex_unlock(&all->lock);
}

/* A prompt that was never there before. */
static enum hone_status begin(struct streams *all, size_t i, size_t n_prompt, size_t n_tokens, size_t n_vocab,
                              struct hone_error *err)
{
    struct bench_stream *s = &all->streams[i];
    s->all = all;
    s->ids = malloc(n_prompt * sizeof *s->ids);
    if (!s->ids) {
        snprintf(err->message, sizeof err->message, "out of memory for a prompt");
        return err->status = HONE_FAILED;
    }
    for (size_t k = 0; k < n_prompt; k++) {
        all->random = all->random * 6364136223846793005u + 1442695040888963407u;
        s->ids[k] = (int32_t)((all->random >> 33) % n_vocab);
    }
    s->g = (struct hone_generation){.ids = s->ids,
                                    .n_ids = n_prompt,
                                    .max_tokens = n_tokens,
                                    .sampling = HONE_SAMPLING_DEFAULTS,
                                    .ignore_end = true,
                                    .on_token = on_token,
                                    .arg = s};
    s->g.sampling.temperature = 0;
    struct hone_request r = {
        .kind = HONE_REQUEST_GENERATE, .generation = &s->g, .on_reply = on_reply, .arg = s};
    pthread_mutex_lock(&all->lock);
    all->n_left++;
    pthread_mutex_unlock(&all->lock);
    enum hone_status status = hone_submit(all->scheduler, &r, NULL, NULL, err);
    if (status == HONE_OK)
        return status;
    pthread_mutex_lock(&all->lock);
    all->n_left--;
    pthread_mutex_unlock(&all->lock);
    return status;
}

static enum hone_status open_streams(struct streams *all, struct hone_scheduler *scheduler, size_t n,
                                     struct hone_error *err)
{
    *all = (struct streams){.scheduler = scheduler,
                            .streams = calloc(n, sizeof *all->streams),
                            .n = n,
                            .random = (uint64_t)(1e6 * progress_clock()),
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .over = PTHREAD_COND_INITIALIZER};
    if (all->streams)
        return HONE_OK;
    snprintf(err->message, sizeof err->message, "out of memory for %zu streams", n);
    return err->status = HONE_FAILED;
}

/* Waits for all of them. */
static enum hone_status close_streams(struct streams *all, enum hone_status status, struct hone_error *err)
{
    pthread_mutex_lock(&all->lock);
    while (all->n_left > 0)
        pthread_cond_wait(&all->over, &all->lock);
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; all->streams && i < all->n; i++) {
        hone_generation_release(&all->streams[i].g);
        free(all->streams[i].ids);
    }
    free(all->streams);
    if (status != HONE_OK || all->status == HONE_OK)
        return status;
    snprintf(err->message, sizeof err->message, "%s", all->message);
    return err->status = all->status;
}

/* From the moment when all have a token to the one when the first has its last. */
static double rate_of(const struct streams *all)
{
    double first = 0, last = 0;
    size_t n_tokens = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct bench_stream *s = &all->streams[i];
        first = s->times[0] > first ? s->times[0] : first;
        last = i == 0 || s->times[s->n - 1] < last ? s->times[s->n - 1] : last;
    }
    for (size_t i = 0; i < all->n; i++)
        for (size_t k = 0; k < all->streams[i].n; k++)
            n_tokens += all->streams[i].times[k] > first && all->streams[i].times[k] <= last;
    return last > first ? (double)n_tokens / (last - first) : 0;
}

enum hone_status streams_rate(struct hone_scheduler *scheduler, struct hone_model *model, size_t n,
                              size_t n_tokens, double *rate, struct hone_error *err)
{
    struct streams all;
    enum hone_status status = open_streams(&all, scheduler, n, err);
    size_t n_vocab = hone_model_info(model)->n_input_vocab;
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = begin(&all, i, PROMPT, n_tokens, n_vocab, err);
    pthread_mutex_lock(&all.lock);
    while (all.n_left > 0)
        pthread_cond_wait(&all.over, &all.lock);
    pthread_mutex_unlock(&all.lock);
    *rate = status == HONE_OK && all.status == HONE_OK ? rate_of(&all) : 0;
    return close_streams(&all, status, err);
}

/* ---- beside a prompt ---- */

/* Of the first n streams, between two moments. */
static void find_gaps(const struct streams *all, size_t n, double from, double to, struct streams_gaps *out)
{
    static double gaps[MAX_STREAMS * MAX_TIMES];
    size_t n_gaps = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 1; k < all->streams[i].n; k++)
            if (all->streams[i].times[k - 1] >= from && all->streams[i].times[k - 1] < to)
                gaps[n_gaps++] = 1e3 * (all->streams[i].times[k] - all->streams[i].times[k - 1]);
    *out = (struct streams_gaps){.n = n_gaps};
    if (n_gaps == 0)
        return;
    statistics_sort(gaps, n_gaps);
    *out = (struct streams_gaps){gaps[n_gaps / 2], gaps[n_gaps * 95 / 100], gaps[n_gaps - 1], n_gaps};
}

static bool fails(struct streams *all)
{
    pthread_mutex_lock(&all->lock);
    bool failed = all->status != HONE_OK;
    pthread_mutex_unlock(&all->lock);
    return failed;
}

/* Until each of the streams first to first + n has so many tokens. */
static void wait_for_tokens(struct streams *all, size_t first, size_t n, size_t n_tokens)
{
    for (size_t i = first; i < first + n; i++)
        while (all->streams[i].n < n_tokens && !fails(all))
            usleep(1000);
}

enum hone_status streams_beside_prompt(struct hone_scheduler *scheduler, struct hone_model *model, size_t n,
                                       size_t n_prompt, struct streams_gaps *before,
                                       struct streams_gaps *during, double *seconds, struct hone_error *err)
{
    struct streams all;
    size_t n_vocab = hone_model_info(model)->n_input_vocab,
           n_most = hone_model_info(model)->max_length - PROMPT - 1;
    n_most = n_most < MAX_TIMES ? n_most : MAX_TIMES;
    enum hone_status status = open_streams(&all, scheduler, n + 1, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = begin(&all, i, PROMPT, n_most, n_vocab, err);
    if (status == HONE_OK) {
        wait_for_tokens(&all, 0, n, SETTLED);
        double settled = progress_clock();
        wait_for_tokens(&all, 0, n, SETTLED + BEFORE);
        double asked = progress_clock();
        status = begin(&all, n, n_prompt, 2, n_vocab, err);
        if (status == HONE_OK)
            wait_for_tokens(&all, n, 1, 1);
        double answered = all.streams[n].times[0];
        *seconds = answered - asked;
        find_gaps(&all, n, settled, asked, before);
        find_gaps(&all, n, asked, answered, during);
    }
    all.enough = true;
    return close_streams(&all, status, err);
}
