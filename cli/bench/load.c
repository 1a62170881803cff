#include "cli/bench/load.h"

#include "cli/bench/text.h"
#include "cli/io/progress.h"
#include "cli/load/statistics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum hone_status no_memory(struct hone_error *err, size_t n)
{
    err->status = HONE_FAILED;
    snprintf(err->message, sizeof err->message, "out of memory for %zu texts", n);
    return HONE_FAILED;
}

/* ---- texts ---- */

static enum hone_status count_tokens(struct load *l, struct hone_error *err)
{
    int32_t *ids = NULL;
    size_t *starts = NULL;
    enum hone_status status = hone_tokenize(l->model, l->texts, NULL, l->n, true, &ids, &starts, NULL, err);
    l->n_tokens = status == HONE_OK ? starts[l->n] : 0;
    hone_free(ids);
    hone_free(starts);
    return status;
}

enum hone_status load_make(struct load *l, struct hone_model *model, const size_t *lengths, size_t n_lengths,
                           size_t n, struct hone_error *err)
{
    static const struct hone_run_options usual = HONE_RUN_DEFAULTS;
    const struct hone_model_info *info = hone_model_info(model);
    *l = (struct load){.model = model, .n = n, .how = usual};
    l->width = info->task == HONE_TASK_CLASSIFY   ? info->n_labels
               : info->task == HONE_TASK_GENERATE ? info->n_embd
                                                  : info->n_dims;
    l->how.pooling = info->task == HONE_TASK_GENERATE ? "last" : NULL;
    l->texts = calloc(n, sizeof *l->texts);
    l->out = calloc(n, l->width * sizeof *l->out);
    if (!l->texts || !l->out)
        return no_memory(err, n);
    for (size_t i = 0; i < n; i++) {
        size_t length = lengths[i % n_lengths];
        length = length < info->max_length ? length : info->max_length;
        enum hone_status status = bench_text(model, length, i, &l->texts[i], err);
        if (status != HONE_OK)
            return status;
    }
    return count_tokens(l, err);
}

void load_release(struct load *l)
{
    for (size_t i = 0; l->texts && i < l->n; i++)
        free((char *)l->texts[i].data);
    free(l->texts);
    free(l->out);
}

static bool classifies(const struct load *l)
{
    return hone_model_info(l->model)->task == HONE_TASK_CLASSIFY;
}

struct hone_request load_request(const struct load *l, size_t i)
{
    return (struct hone_request){.kind = classifies(l) ? HONE_REQUEST_CLASSIFY : HONE_REQUEST_EMBED,
                                 .texts = &l->texts[i],
                                 .n_texts = 1,
                                 .how = l->how,
                                 .out = l->out + i * l->width};
}

enum hone_status load_offline(const struct load *l, size_t first, size_t n, struct hone_error *err)
{
    const struct hone_text *texts = l->texts + first;
    float *out = l->out + first * l->width;
    return classifies(l) ? hone_classify(l->model, texts, NULL, n, &l->how, out, NULL, err)
                         : hone_embed(l->model, texts, n, &l->how, out, NULL, err);
}

/* ---- replies, from whatever thread ---- */

struct clients {
    const struct load *load;
    struct hone_scheduler *scheduler;
    size_t n_clients;
    struct bench_client {
        struct clients *all;
        size_t next; /* text */
        double end;
    } * clients;
    pthread_mutex_t lock;
    pthread_cond_t over;
    size_t n_left; /* clients that are not done */
    double longest_wait;
    enum hone_status status; /* of the first request that failed */
    char message[256];
};

static void on_reply(void *arg, const struct hone_reply *reply);

/* The client's next text, or it is done. */
static void send_next(struct bench_client *c)
{
    struct clients *all = c->all;
    struct hone_error err = {.status = HONE_OK};
    size_t i = c->next;
    c->next += all->n_clients;
    if (i < all->load->n) {
        struct hone_request r = load_request(all->load, i);
        r.on_reply = on_reply;
        r.arg = c;
        if (hone_submit(all->scheduler, &r, NULL, NULL, &err) == HONE_OK)
            return;
    }
    c->end = progress_clock();
    pthread_mutex_lock(&all->lock);
    if (err.status != HONE_OK && all->status == HONE_OK) {
        all->status = err.status;
        snprintf(all->message, sizeof all->message, "%.255s", err.message);
    }
    if (--all->n_left == 0)
        pthread_cond_signal(&all->over);
    pthread_mutex_unlock(&all->lock);
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct bench_client *c = arg;
    struct clients *all = c->all;
    pthread_mutex_lock(&all->lock);
    if (reply->status != HONE_OK && all->status == HONE_OK) {
        all->status = reply->status;
        snprintf(all->message, sizeof all->message, "%.255s", reply->message);
    }
    all->longest_wait = reply->queue_ms > all->longest_wait ? reply->queue_ms : all->longest_wait;
    pthread_mutex_unlock(&all->lock);
    send_next(c);
}

static enum hone_status outcome(const struct clients *all, struct hone_error *err)
{
    if (all->status != HONE_OK) {
        err->status = all->status;
        snprintf(err->message, sizeof err->message, "%s", all->message);
    }
    return all->status;
}

/* .clients is NULL where there is no memory for them. */
static struct clients new_clients(const struct load *l, struct hone_scheduler *scheduler, size_t n)
{
    return (struct clients){.load = l,
                            .scheduler = scheduler,
                            .n_clients = n,
                            .n_left = n,
                            .clients = calloc(n, sizeof(struct bench_client)),
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .over = PTHREAD_COND_INITIALIZER};
}

/* The first text of client i. */
static void begin(struct clients *all, size_t i)
{
    all->clients[i] = (struct bench_client){.all = all, .next = i};
    send_next(&all->clients[i]);
}

/* ---- clients ---- */

static void judge(const struct clients *all, double start, struct load_times *out)
{
    double sum = 0, worst = 0, last = start;
    size_t n = all->n_clients;
    for (size_t i = 0; i < n; i++) {
        double rate = 1 / (all->clients[i].end - start);
        sum += rate;
        worst = i == 0 || rate < worst ? rate : worst;
        last = all->clients[i].end > last ? all->clients[i].end : last;
    }
    *out = (struct load_times){last - start, worst / (sum / (double)n), all->longest_wait};
}

static void wait_for_all(struct clients *all)
{
    pthread_mutex_lock(&all->lock);
    while (all->n_left > 0)
        pthread_cond_wait(&all->over, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

enum hone_status load_by_clients(const struct load *l, struct hone_scheduler *scheduler, size_t n_clients,
                                 struct load_times *out, struct hone_error *err)
{
    struct clients all = new_clients(l, scheduler, n_clients);
    if (!all.clients)
        return no_memory(err, n_clients);
    double start = progress_clock();
    for (size_t i = 0; i < n_clients; i++)
        begin(&all, i);
    wait_for_all(&all);
    judge(&all, start, out);
    free(all.clients);
    return outcome(&all, err);
}

/* ---- traces ---- */

static void sleep_until(double when)
{
    double left = when - progress_clock();
    struct timespec t = {(time_t)left, (long)(1e9 * (left - (double)(time_t)left))};
    if (left > 0)
        nanosleep(&t, NULL);
}

/* A client for each text, who comes at its time: what counts is when its reply came. */
enum hone_status load_by_trace(const struct load *l, struct hone_scheduler *scheduler, const double *at,
                               struct load_trace *out, struct hone_error *err)
{
    size_t n = l->n;
    double *latencies = calloc(n, sizeof *latencies), last = 0;
    struct clients all = new_clients(l, scheduler, n);
    if (!all.clients || !latencies) {
        free(all.clients);
        free(latencies);
        return no_memory(err, n);
    }
    double start = progress_clock();
    for (size_t i = 0; i < n; i++) {
        sleep_until(start + at[i]);
        begin(&all, i);
    }
    wait_for_all(&all);
    for (size_t i = 0; i < n; i++) {
        latencies[i] = 1e3 * (all.clients[i].end - start - at[i]);
        last = all.clients[i].end > last ? all.clients[i].end : last;
    }
    statistics_sort(latencies, n);
    *out =
        (struct load_trace){last - start, latencies[n / 2], latencies[n * 95 / 100], latencies[n * 99 / 100]};
    free(all.clients);
    free(latencies);
    return outcome(&all, err);
}
