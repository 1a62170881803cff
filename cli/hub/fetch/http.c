#include "cli/hub/fetch/http.h"
#include "cli/hub/place.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

char *http_escape(const char *path)
{
    char *out = malloc(3 * strlen(path) + 1), *p = out;
    for (; out && *path; path++)
        if (isalnum((unsigned char)*path) || strchr("-._~/", *path))
            *p++ = *path;
        else
            p += sprintf(p, "%%%02X", (unsigned char)*path);
    if (out)
        *p = '\0';
    return out;
}

void http_release(struct http_answer *answer)
{
    free(answer->body);
    free(answer->location);
    memset(answer, 0, sizeof *answer);
}

#define ENDPOINT       "https://huggingface.co"
#define MAX_BODY       (64u << 20) /* of what is kept in memory: listings; files go to disk as they come */
#define MAX_REDIRECTS  5           /* the hub has two: a renamed repository, and where a file lies */
#define CONNECT_S      10L         /* several tries of TCP, whose first pauses are 1, 2 and 4 s */
#define SILENCE_S      30L         /* without a byte: the connection is taken for dead */
#define LONGEST_WAIT_S 300

struct http {
    char endpoint[1024];
    char *token;             /* NULL: none */
    struct curl_slist *auth; /* the header that tells it */
    bool reached;            /* there has been an answer, of whatever kind */
};

/* ---- who asks ---- */

static bool read_token(struct http *http)
{
    char home[HUB_PATH], path[HUB_PATH], text[1024];
    const char *token = getenv("HF_TOKEN"), *file = getenv("HF_TOKEN_PATH");
    if (!token || !*token)
        token = getenv("HUGGING_FACE_HUB_TOKEN");
    if ((!token || !*token) && !place_says_yes("HF_HUB_DISABLE_IMPLICIT_TOKEN") &&
        (file && *file ? hub_format(path, "%s", file)
                       : place_home(home) && hub_format(path, "%s/token", home))) {
        FILE *f = fopen(path, "re");
        size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
        if (f)
            (void)fclose(f);
        text[n] = '\0';
        token = text;
    }
    if (!token)
        return true;
    token += strspn(token, " \t\r\n");
    size_t n = strcspn(token, " \t\r\n");
    if (n == 0)
        return true;
    char *header = NULL;
    http->token = strndup(token, n);
    if (!http->token || asprintf(&header, "Authorization: Bearer %s", http->token) < 0)
        return false;
    http->auth = curl_slist_append(NULL, header);
    free(header);
    return http->auth != NULL;
}

enum hone_status http_open(struct http **out, struct hone_error *err)
{
    const char *endpoint = getenv("HF_ENDPOINT");
    *out = NULL;
    if (!endpoint || !*endpoint)
        endpoint = ENDPOINT;
    if (strncmp(endpoint, "https://", 8) != 0 && strncmp(endpoint, "http://", 7) != 0)
        return hub_fail(err, HONE_USAGE, "HF_ENDPOINT is '%s', expected http:// or https://", endpoint);
    struct http *http = calloc(1, sizeof *http);
    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !read_token(http)) {
        http_close(http);
        return hub_no_memory(err);
    }
    snprintf(http->endpoint, sizeof http->endpoint, "%s", endpoint);
    for (size_t n = strlen(http->endpoint); n > 0 && http->endpoint[n - 1] == '/'; n--)
        http->endpoint[n - 1] = '\0';
    *out = http;
    return HONE_OK;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    curl_slist_free_all(http->auth);
    free(http->token);
    free(http);
}

const char *http_endpoint(const struct http *http)
{
    return http->endpoint;
}

/* ---- handles ---- */

/* Scheme, host and port of two URLs are the same. */
static bool same_host(const char *a, const char *b)
{
    const char *host_a = strstr(a, "://"), *host_b = strstr(b, "://");
    if (!host_a || !host_b)
        return false;
    size_t n = (size_t)(host_a + 3 - a) + strcspn(host_a + 3, "/?#");
    size_t m = (size_t)(host_b + 3 - b) + strcspn(host_b + 3, "/?#");
    return n == m && strncasecmp(a, b, n) == 0;
}

static void set_protocols(CURL *easy, const char *url)
{
    bool secure = strncasecmp(url, "https:", 6) == 0;
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, secure ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

void *http_handle(struct http *http, const char *url)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    set_protocols(easy, url);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hone/" HONE_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    if (http->auth && same_host(url, http->endpoint))
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->auth);
    return easy;
}

/* ---- what is said in answers ---- */

/* The value of a header line, if it is that header: trimmed, NUL-terminated in `out`. */
static bool header_is(const char *line, size_t n, const char *name, char *out, size_t size)
{
    size_t k = strlen(name);
    if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
        return false;
    line += k + 1;
    n -= k + 1;
    while (n > 0 && isspace((unsigned char)*line)) {
        line++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    if (n >= size)
        n = size - 1;
    memcpy(out, line, n);
    out[n] = '\0';
    return true;
}

struct receiver {
    struct http_answer *answer;
    char location[HUB_PATH], code[64], message[256];
    bool linked;
};

/* "W/\"abc\"" is abc. */
static void take_hash(struct http_answer *a, const char *value)
{
    value += strncmp(value, "W/", 2) == 0 ? 2 : 0;
    value += *value == '"';
    snprintf(a->hash, sizeof a->hash, "%.*s", (int)strcspn(value, "\""), value);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct receiver *r = arg;
    char value[HUB_PATH];
    n *= size;
    if (header_is(line, n, "Location", r->location, sizeof r->location))
        return n;
    (void)header_is(line, n, "X-Error-Code", r->code, sizeof r->code);
    (void)header_is(line, n, "X-Error-Message", r->message, sizeof r->message);
    if (header_is(line, n, "X-Repo-Commit", value, sizeof value))
        snprintf(r->answer->commit, sizeof r->answer->commit, "%.40s", value);
    if (header_is(line, n, "X-Linked-Size", value, sizeof value))
        r->answer->length = strtoull(value, NULL, 10);
    if (header_is(line, n, "X-Linked-Etag", value, sizeof value)) {
        r->linked = true;
        take_hash(r->answer, value);
    } else if (!r->linked && header_is(line, n, "ETag", value, sizeof value))
        take_hash(r->answer, value);
    return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_answer *a = ((struct receiver *)arg)->answer;
    n *= size;
    char *body = a->size + n <= MAX_BODY ? realloc(a->body, a->size + n + 1) : NULL;
    if (!body)
        return 0;
    memcpy(body + a->size, data, n);
    a->body = body;
    a->size += n;
    body[a->size] = '\0';
    return n;
}

static enum hone_status refused(const struct http *http, const struct receiver *r, const char *what,
                                struct hone_error *err)
{
    long status = r->answer->status;
    const char *set = http->token ? "the token that was given does not reach it" : "set HF_TOKEN";
    if (strcmp(r->code, "GatedRepo") == 0)
        return hub_fail(
            err, HONE_FAILED,
            "%s is gated: its owner gives access to those who ask at %s/%s, and who then have a token "
            "(%s)",
            what, http->endpoint, what, set);
    if (strcmp(r->code, "RevisionNotFound") == 0)
        return hub_fail(err, HONE_FAILED, "%s: there is no such revision", what);
    if (strcmp(r->code, "RepoNotFound") == 0 || status == 401)
        return hub_fail(err, HONE_FAILED, "%s: there is no such model at %s, or it is private (%s)", what,
                        http->endpoint, set);
    if (status == 403)
        return hub_fail(err, HONE_FAILED, "%s: access is denied: %s", what, *r->message ? r->message : set);
    return hub_fail(err, HONE_FAILED, "%s: %s answers %ld%s%s", what, http->endpoint, status,
                    *r->message ? ": " : "", r->message);
}

/* ---- asking ---- */

bool http_passes(int curl, long status, long retry_after, int n_failed, double *wait_s)
{
    bool broken = curl != CURLE_OK && curl != CURLE_URL_MALFORMAT && curl != CURLE_UNSUPPORTED_PROTOCOL &&
                  curl != CURLE_PEER_FAILED_VERIFICATION && curl != CURLE_COULDNT_RESOLVE_PROXY;
    bool later = status == 429 || status == 408 || (status >= 500 && status != 501);
    *wait_s = retry_after > 0 ? (double)retry_after : 0.25 * (double)(1 << (n_failed < 8 ? n_failed : 8));
    if (*wait_s > LONGEST_WAIT_S)
        *wait_s = LONGEST_WAIT_S;
    return (broken || (curl == CURLE_OK && later)) && n_failed + 1 < HTTP_TRIES;
}

static void wait_for(double seconds)
{
    struct timespec left = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    while (nanosleep(&left, &left) != 0)
        ;
}

/* One request, without following redirections. */
static CURLcode ask_once(struct http *http, const char *url, bool head, struct receiver *r, char *why,
                         long *retry_after)
{
    CURL *easy = http_handle(http, url);
    curl_off_t wait = 0;
    *retry_after = 0;
    if (!easy)
        return CURLE_OUT_OF_MEMORY;
    r->location[0] = r->code[0] = r->message[0] = why[0] = '\0';
    free(r->answer->body);
    r->answer->body = NULL;
    r->answer->size = 0;
    curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    CURLcode code = curl_easy_perform(easy);
    r->answer->status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &r->answer->status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
    *retry_after = (long)wait;
    if (code != CURLE_OK && !*why)
        snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    return code;
}

static enum hone_status ask_patiently(struct http *http, const char *url, bool head, const char *what,
                                      struct receiver *r, struct hone_error *err)
{
    char why[CURL_ERROR_SIZE];
    double wait_s;
    long retry_after;
    for (int n_failed = 0;; n_failed++) {
        CURLcode code = ask_once(http, url, head, r, why, &retry_after);
        http->reached = http->reached || code == CURLE_OK;
        if (code == CURLE_OK && r->answer->status < 400)
            return HONE_OK;
        /* A machine without a network should not keep anybody waiting. */
        bool nobody = !http->reached && (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT);
        if (nobody || !http_passes((int)code, r->answer->status, retry_after, n_failed, &wait_s))
            return code == CURLE_OK ? refused(http, r, what, err)
                                    : hub_fail(err, HONE_FAILED, "%s: %s: %s", what, http->endpoint, why);
        wait_for(wait_s);
    }
}

/* Where a redirection leads to, from `url`. NULL: nowhere that we go. */
static char *resolve(const char *url, const char *location)
{
    char *out = NULL, *part = NULL;
    CURLU *u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &part, 0) == CURLUE_OK)
        out = strdup(part);
    curl_free(part);
    curl_url_cleanup(u);
    /* Nobody is to be led from https to http, where everybody could answer. */
    if (out && strncasecmp(url, "https:", 6) == 0 && strncasecmp(out, "https:", 6) != 0) {
        free(out);
        return NULL;
    }
    return out;
}

enum hone_status http_ask(struct http *http, const char *url, bool head, const char *what,
                          struct http_answer *answer, struct hone_error *err)
{
    struct receiver r = {.answer = answer};
    char *at = strdup(url);
    memset(answer, 0, sizeof *answer);
    for (int i = 0; at && i <= MAX_REDIRECTS; i++) {
        enum hone_status status = ask_patiently(http, at, head, what, &r, err);
        bool moved = status == HONE_OK && answer->status >= 300 && *r.location;
        if (status != HONE_OK || !moved) {
            answer->location = at;
            return status;
        }
        char *next = resolve(at, r.location);
        bool elsewhere = next && !same_host(next, http->endpoint);
        if (elsewhere && head) {
            free(at);
            answer->location = next;
            return HONE_OK;
        }
        free(at);
        at = next;
    }
    free(at);
    return hub_fail(err, HONE_FAILED, "%s: %s leads on and on, or nowhere", what, http->endpoint);
}
