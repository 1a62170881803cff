#include "cli/hub/fetch/transfer.h"
#include "cli/hub/fetch/parts.h"
#include "cli/io/progress.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct transfer;

/* A connection, and the part that comes over it. */
struct transfer_stream {
    struct transfer *t;
    CURL *easy; /* NULL: it rests */
    bool busy;  /* has a part */
    size_t part;
    uint64_t at, start, end; /* of the part: the next byte; where this attempt began; behind the last one */
    uint64_t furthest;    /* that any attempt came: one that begins anew brings nothing until it is there */
    uint64_t range_start; /* as the server says; UINT64_MAX: it says nothing */
    int n_failed;         /* attempts in a row that brought nothing */
    double not_before;
    char why[CURL_ERROR_SIZE];
};

struct transfer {
    struct http *http;
    const struct transfer_job *job;
    struct parts parts;
    struct transfer_stream *streams;
    CURLM *multi;
    char *location;
    bool no_ranges; /* the server sends all of it whatever is asked for */
    bool join;      /* that was just found out */
    int write_error;
    uint64_t n_came; /* bytes of parts that are not whole yet */
};

/* ---- where it lies ---- */

static enum hone_status locate(struct transfer *t, struct hone_error *err)
{
    const struct transfer_job *job = t->job;
    struct http_answer a;
    enum hone_status status = http_ask(t->http, job->url, true, job->what, &a, err);
    if (status == HONE_OK && *a.commit && strcmp(a.commit, job->commit) != 0)
        status =
            hub_fail(err, HONE_FAILED, "%s: the hub speaks of the commit %.12s, expected %.12s: ask again",
                     job->what, a.commit, job->commit);
    if (status == HONE_OK && strlen(a.hash) == strlen(job->hash) && strcmp(a.hash, job->hash) != 0)
        status = hub_fail(err, HONE_FAILED, "%s: the hub has changed it meanwhile: ask again", job->what);
    if (status == HONE_OK) {
        free(t->location);
        t->location = a.location;
        a.location = NULL;
    }
    http_release(&a);
    return status;
}

/* ---- what comes ---- */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct transfer_stream *s = arg;
    char text[128];
    unsigned long long first;
    n *= size;
    snprintf(text, sizeof text, "%.*s", n < sizeof text ? (int)n : (int)sizeof text - 1, line);
    if (strncasecmp(text, "Content-Range:", 14) == 0 && sscanf(text + 14, " bytes %llu-", &first) == 1)
        s->range_start = first;
    return n;
}

/* Whether what comes is what was asked for. Bodies of errors are dropped. */
static bool suits(struct transfer_stream *s, bool *drop)
{
    long status = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    *drop = status != 206 && status != 200;
    if (status == 206)
        return s->range_start == s->start;
    if (status == 200 && !(s->start == 0 && s->end == s->t->parts.size)) {
        s->t->join = true;
        return false;
    }
    return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer_stream *s = arg;
    bool drop = false;
    n *= size;
    if (s->at == s->start && !suits(s, &drop))
        return 0;
    if (drop)
        return n;
    if (n > s->end - s->at)
        return 0;
    if (pwrite(s->t->parts.fd, data, n, (off_t)s->at) != (ssize_t)n) {
        s->t->write_error = errno ? errno : ENOSPC;
        return 0;
    }
    s->at += n;
    s->t->n_came += n;
    if (s->at > s->furthest) {
        s->furthest = s->at;
        s->n_failed = 0;
    }
    return n;
}

/* ---- streams ---- */

static bool start(struct transfer_stream *s)
{
    struct transfer *t = s->t;
    char range[64];
    s->easy = http_handle(t->http, t->location);
    if (!s->easy)
        return false;
    /* A server without ranges can only begin again. */
    if (t->no_ranges) {
        t->n_came -= s->at;
        s->at = 0;
    }
    s->start = s->at;
    s->range_start = UINT64_MAX;
    s->why[0] = '\0';
    snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)s->at, (unsigned long long)s->end - 1);
    if (!t->no_ranges)
        curl_easy_setopt(s->easy, CURLOPT_RANGE, range);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->why);
    curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    return curl_multi_add_handle(t->multi, s->easy) == CURLM_OK;
}

static void stop(struct transfer_stream *s)
{
    if (s->easy) {
        curl_multi_remove_handle(s->t->multi, s->easy);
        curl_easy_cleanup(s->easy);
    }
    s->easy = NULL;
}

/* Gives work to those that rest. *n_busy: how many have some. */
static enum hone_status feed(struct transfer *t, size_t *n_busy, struct hone_error *err)
{
    *n_busy = 0;
    for (size_t i = 0; i < (t->no_ranges ? 1 : t->job->n_streams); i++) {
        struct transfer_stream *s = &t->streams[i];
        if (!s->busy && parts_take(&t->parts, &s->part)) {
            s->busy = true;
            s->at = s->furthest = parts_start(&t->parts, s->part);
            s->end = parts_end(&t->parts, s->part);
            s->n_failed = 0;
            s->not_before = 0;
        }
        *n_busy += s->busy;
        if (s->busy && !s->easy && s->not_before <= progress_clock() && !start(s))
            return hub_no_memory(err);
    }
    return HONE_OK;
}

/* ---- how attempts end ---- */

static enum hone_status judge_failure(struct transfer_stream *s, CURLcode code, long status, long retry_after,
                                      struct hone_error *err)
{
    struct transfer *t = s->t;
    double wait_s;
    /* Where content lies elsewhere, the address is signed and good for a while. */
    bool expired = (status == 401 || status == 403 || status == 404 || status == 410) &&
                   strcmp(t->location, t->job->url) != 0;
    if (code == CURLE_OK && expired && s->n_failed + 1 < HTTP_TRIES) {
        enum hone_status located = locate(t, err);
        if (located != HONE_OK)
            return located;
        wait_s = 0.25 * s->n_failed;
    } else if (code == CURLE_OK && status < 400)
        /* It ended before its end, or was no part of the file. */
        (void)http_passes(CURLE_PARTIAL_FILE, 0, 0, s->n_failed, &wait_s);
    else if (!http_passes((int)code, status, retry_after, s->n_failed, &wait_s))
        s->n_failed = HTTP_TRIES;
    if (++s->n_failed < HTTP_TRIES) {
        s->not_before = progress_clock() + wait_s;
        return HONE_OK;
    }
    if (code == CURLE_OK)
        return hub_fail(err, HONE_FAILED, "%s: the server answers %ld", t->job->what, status);
    return hub_fail(err, HONE_FAILED, "%s: %s; what has come is kept", t->job->what,
                    *s->why ? s->why : curl_easy_strerror(code));
}

static enum hone_status take_result(struct transfer_stream *s, CURLcode code, struct hone_error *err)
{
    struct transfer *t = s->t;
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &retry_after);
    stop(s);
    if (t->write_error)
        return hub_fail(err, HONE_FAILED, "%s: cannot be written: %s", t->job->path,
                        strerror(t->write_error));
    if (s->at < s->end)
        return t->join ? HONE_OK : judge_failure(s, code, status, (long)retry_after, err);
    s->busy = false;
    t->n_came -= s->end - parts_start(&t->parts, s->part);
    return parts_finish(&t->parts, s->part, err);
}

/* The server has no parts: one connection fetches all. */
static enum hone_status join(struct transfer *t, struct hone_error *err)
{
    for (size_t i = 0; i < t->job->n_streams; i++) {
        stop(&t->streams[i]);
        t->streams[i].busy = false;
    }
    t->n_came = 0;
    t->join = false;
    t->no_ranges = true;
    return parts_join(&t->parts, err);
}

static enum hone_status collect(struct transfer *t, struct hone_error *err)
{
    CURLMsg *message;
    int left;
    enum hone_status status = HONE_OK;
    while (status == HONE_OK && (message = curl_multi_info_read(t->multi, &left))) {
        struct transfer_stream *s;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        status = take_result(s, code, err);
    }
    return status == HONE_OK && t->join ? join(t, err) : status;
}

/* ---- all of it ---- */

static enum hone_status fetch(struct transfer *t, struct hone_error *err)
{
    size_t n_busy;
    int n_running;
    for (;;) {
        enum hone_status status = feed(t, &n_busy, err);
        t->job->on_bytes(t->job->arg, parts_bytes(&t->parts) + t->n_came);
        if (status != HONE_OK || n_busy == 0)
            return status;
        if (curl_multi_perform(t->multi, &n_running) != CURLM_OK ||
            curl_multi_wait(t->multi, NULL, 0, 100, NULL) != CURLM_OK)
            return hub_no_memory(err);
        /* Nothing to wait for on a socket: everybody waits for the time to try again. */
        if (n_running == 0)
            usleep(10000);
        status = collect(t, err);
        if (status != HONE_OK)
            return status;
    }
}

static enum hone_status run(struct transfer *t, struct hone_error *err)
{
    t->streams = calloc(t->job->n_streams, sizeof *t->streams);
    t->multi = curl_multi_init();
    if (!t->streams || !t->multi)
        return hub_no_memory(err);
    for (size_t i = 0; i < t->job->n_streams; i++)
        t->streams[i].t = t;
    enum hone_status status = t->parts.n_done < t->parts.n ? locate(t, err) : HONE_OK;
    return status == HONE_OK ? fetch(t, err) : status;
}

enum hone_status transfer_run(struct http *http, const struct transfer_job *job, struct hone_error *err)
{
    struct transfer t = {.http = http, .job = job};
    enum hone_status status = parts_open(&t.parts, job->path, job->size, job->part_size, err);
    if (status != HONE_OK)
        return status;
    status = run(&t, err);
    for (size_t i = 0; t.streams && i < job->n_streams; i++)
        stop(&t.streams[i]);
    curl_multi_cleanup(t.multi);
    free(t.streams);
    free(t.location);
    if (status == HONE_OK && fsync(t.parts.fd) != 0)
        status = hub_fail(err, HONE_FAILED, "%s: %s", job->path, strerror(errno));
    parts_close(&t.parts, status == HONE_OK);
    return status;
}
