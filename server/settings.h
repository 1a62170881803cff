/* What a server can be told. Each setting has one name: `--max-queue 5` on the command line, HONE_MAX_QUEUE=5 in the
 * environment, `max-queue = 5` in the configuration file; the first of these that has it counts. Beside them the
 * models, which only the command line and the file name: `-m NAME=PATH`, `model = NAME=PATH`. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <hone.h>

/* id, letter, name, value, kind, field of struct settings, what it is if nobody says (NULL: not set), help */
#define SETTINGS(X)                                                                                          \
    X(CONFIG, 'c', "config", "FILE", TEXT, config, NULL,                                                     \
      "a file of settings: a line each, such as 'max-queue = 5' or 'model = NAME=MODEL'; # begins a remark") \
    X(PROFILE, 0, "profile", "throughput|latency|small-memory", CHOICE, profile, NULL,                       \
      "settings that go together, which the log tells; what is said of one of them itself counts more")      \
    X(HOST, 0, "host", "HOST", TEXT, host, "127.0.0.1", "the address to listen on (127.0.0.1)")              \
    X(PORT, 0, "port", "N", COUNT, port, "8080",                                                             \
      "the port (8080); 0: any that is free. With --socket alone there is none")                             \
    X(SOCKET, 0, "socket", "PATH", TEXT, socket, NULL, "a Unix socket to listen on")                         \
    X(HTTP_THREADS, 0, "http-threads", "N", COUNT, http_threads, "1",                                        \
      "threads that speak with clients; computing has its own (1)")                                          \
    X(API_KEY, 0, "api-key", "KEY", TEXT, api_key, NULL,                                                     \
      "what clients must give (Authorization: Bearer KEY); better in the environment, where nobody sees it") \
    X(API_KEYS_FILE, 0, "api-keys-file", "FILE", TEXT, api_keys_file, NULL,                                  \
      "a file of such keys, one a line")                                                                     \
    X(ADMIN_KEY, 0, "admin-key", "KEY", TEXT, admin_key, NULL,                                               \
      "what whoever loads and unloads models must give (/api/v1/admin/models); without it nobody can")       \
    X(TLS_CERT, 0, "tls-cert", "FILE", TEXT, tls_cert, NULL, "a certificate chain (PEM), for https")         \
    X(TLS_KEY, 0, "tls-key", "FILE", TEXT, tls_key, NULL, "its private key (PEM)")                           \
    X(CORS, 0, "cors", "ORIGIN", TEXT, cors, NULL, "let pages of ORIGIN, or of all ('*'), use the server")   \
    X(ALLOW_HOST, 0, "allow-host", "NAMES", TEXT, allow_host, NULL,                                          \
      "names with dots, commas between, that a server without keys answers to where it listens on this "     \
      "machine alone, beside addresses and names without dots; '*': all")                                    \
    X(CLIENT_REQUESTS, 0, "client-requests", "N", COUNT, client_requests, "0",                               \
      "requests of one client (a key; an address, without keys) at once; more get 429. 0: no limit (0)")     \
    X(CLIENT_RATE, 0, "client-rate", "N", NUMBER, client_rate, "0",                                          \
      "requests of one client in a second; more get 429. 0: no limit (0)")                                   \
    X(MAX_CONNECTIONS, 0, "max-connections", "N", COUNT, max_connections, "4096",                            \
      "clients at once; others wait to be accepted (4096)")                                                  \
    X(MAX_HEADER, 0, "max-header", "KB", COUNT, max_header, "16", "the largest request header (16)")         \
    X(MAX_BODY, 0, "max-body", "MB", COUNT, max_body, "16", "the largest request body (16)")                 \
    X(MAX_BATCH, 0, "max-batch", "N", COUNT, max_batch, "2048", "texts of a request (2048)")                 \
    X(MAX_REQUESTS, 0, "max-requests", "N", COUNT, max_requests, "1024",                                     \
      "requests that are answered at once; more get 429 (1024)")                                             \
    X(MAX_PARALLEL, 0, "max-parallel", "N", COUNT, max_parallel, "0",                                        \
      "requests that a model computes at once; 512, and 16 texts generated, if left out")                    \
    X(MAX_QUEUE, 0, "max-queue", "N", COUNT, max_queue, "1024",                                              \
      "requests that wait for a model; more get 429, with the time to wait in Retry-After (1024)")           \
    X(QUEUE_TIMEOUT, 0, "queue-timeout", "SECONDS", NUMBER, queue_timeout, "30",                             \
      "how long a request may wait; then it gets 503. 0: for ever (30)")                                     \
    X(REQUEST_TIMEOUT, 0, "request-timeout", "SECONDS", NUMBER, request_timeout, "600",                      \
      "how long a request may take; then it gets 503. 0: for ever (600)")                                    \
    X(PARTIAL, 0, "partial", "on|off", CHOICE, partial, "off",                                               \
      "whether a rerank request whose time is over gets the scores that are there, the rest behind them as " \
      "it came, where the request does not say")                                                             \
    X(READ_TIMEOUT, 0, "read-timeout", "SECONDS", NUMBER, read_timeout, "30",                                \
      "how long a client may take to send a request; then it gets 408 (30)")                                 \
    X(IDLE_TIMEOUT, 0, "idle-timeout", "SECONDS", NUMBER, idle_timeout, "75",                                \
      "when a connection is closed that nothing moves on (75)")                                              \
    X(DRAIN_TIMEOUT, 0, "drain-timeout", "SECONDS", NUMBER, drain_timeout, "30",                             \
      "how long the end (SIGTERM) waits for requests that are on their way (30)")                            \
    X(LAME_DUCK, 0, "lame-duck", "SECONDS", NUMBER, lame_duck, "0",                                          \
      "how long before that /health and /readyz say 503 while all is served as ever, so that a proxy that "  \
      "asks for them turns elsewhere (0)")                                                                   \
    X(MEMORY, 0, "memory", "SIZE", TEXT, memory, NULL,                                                       \
      "what weights, caches, keys and values and activations may take together, such as 3G; models that do " \
      "not fit beside each other take turns. Nine tenths of what this process may have, if left out")        \
    X(THREADS, 't', "threads", "N", COUNT, threads, "0",                                                     \
      "computing threads; as many as this process may use if left out")                                      \
    X(COMPUTE, 0, "compute", "auto|f32|bf16|int8|blas", CHOICE, compute, "auto",                             \
      "how products are computed, as of hone embed")                                                         \
    X(WEIGHTS_CACHE, 0, "weights-cache", "on|off", CHOICE, weights_cache, "on",                              \
      "whether packed weights are kept between runs (hone cache)")                                           \
    X(KV, 0, "kv", "auto|f32|f16|int8", CHOICE, kv, "auto", "how keys and values of past tokens are held")   \
    X(KV_TOKENS, 0, "kv-tokens", "N", COUNT, kv_tokens, "0",                                                 \
      "for how many tokens there is room, all sequences of a model together")                                \
    X(MAX_LENGTH, 0, "max-length", "N", COUNT, max_length, "0",                                              \
      "tokens a text, special ones included; the model's own limit if left out")                             \
    X(BATCH_TOKENS, 0, "batch-tokens", "N", COUNT, batch_tokens, "0", "tokens computed together (4096)")     \
    X(WINDOW, 0, "window", "MS", NUMBER, window, "1",                                                        \
      "how long a batch waits for clients that were there a moment ago (1)")                                 \
    X(BATCHING, 0, "batching", "fixed|adaptive|adaptive-window|adaptive-batch|tuned", CHOICE, batching,      \
      "fixed",                                                                                               \
      "whether window and batches, or one of them, become smaller while little waits, or follow what was "   \
      "measured")                                                                                            \
    X(WINDOW_LOW, 0, "window-low", "MS", NUMBER, window_low, "0",                                            \
      "of an adaptive window: how long it is while at most few-waiting requests wait (0.75)")                \
    X(WINDOW_MEDIUM, 0, "window-medium", "MS", NUMBER, window_medium, "0", "while more do (1)")              \
    X(WINDOW_HIGH, 0, "window-high", "MS", NUMBER, window_high, "0", "while more than many-waiting do (2)")  \
    X(FEW_WAITING, 0, "few-waiting", "N", COUNT, few_waiting, "0", "see window-low (4)")                     \
    X(MANY_WAITING, 0, "many-waiting", "N", COUNT, many_waiting, "0", "see window-high (16)")                \
    X(P99_GOAL, 0, "p99-goal", "MS", NUMBER, p99_goal, "0",                                                  \
      "of tuned batching: nothing is changed while 99 of 100 requests take no longer; 0: the mean is to be " \
      "as short as it can (0)")                                                                              \
    X(TOKENIZER_WORKERS, 0, "tokenizer-workers", "N", COUNT, tokenizer_workers, "1",                         \
      "threads that make token ids while others compute (1)")                                                \
    X(CACHE_SIZE, 0, "cache-size", "MB", COUNT, cache_size, "64",                                            \
      "memory for each of a model's token ids, embeddings and scores of earlier requests, and for their "    \
      "answers; 0: none (64)")                                                                               \
    X(CACHE_TTL, 0, "cache-ttl", "SECONDS", NUMBER, cache_ttl, "3600",                                       \
      "what is older is not used; 0: however old (3600)")                                                    \
    X(DRAFT_MODEL, 0, "draft-model", "MODEL", TEXT, draft_model, NULL,                                       \
      "of models that generate: a smaller one with the same vocabulary, which guesses tokens that are then " \
      "checked at once; the text stays the same")                                                            \
    X(DRAFT, 0, "draft", "N", COUNT, draft, NULL,                                                            \
      "guess up to N tokens, by the draft model (5, if left out) or from the text so far (as many as pay, "  \
      "by what is measured, if left out); 0: none")                                                          \
    X(COMPLETION_CACHE, 0, "completion-cache", "MB", COUNT, completion_cache, "0",                           \
      "memory for answers of greedy or seeded generation that come again byte by byte; 0: none (0)")         \
    X(COMPLETION_TTL, 0, "completion-ttl", "SECONDS", NUMBER, completion_ttl, "3600",                        \
      "what is older is not given (3600)")                                                                   \
    X(REDIS, 0, "redis", "ADDRESS", TEXT, redis, NULL,                                                       \
      "a Redis server that keeps embeddings and scores for several processes: HOST:PORT, /PATH, "            \
      "redis://[[USER]:PASSWORD@]HOST[:PORT][/N], rediss://... for TLS (?ssl_ca_certs=FILE, "                \
      "ssl_cert_reqs=none, ssl_certfile=FILE&ssl_keyfile=FILE), unix://[[USER]:PASSWORD@]/PATH[?db=N]; "     \
      "a password better in the environment, where nobody sees it")                                          \
    X(REDIS_TIMEOUT, 0, "redis-timeout", "MS", NUMBER, redis_timeout, "5",                                   \
      "how long an answer of Redis is waited for; then it is computed (5)")                                  \
    X(TOO_LONG, 0, "too-long", "cut|refuse", CHOICE, too_long, "cut",                                        \
      "what becomes of texts that are too long, where the request does not say")                             \
    X(SANDBOX, 0, "sandbox", "auto|on|off", CHOICE, sandbox, "auto",                                         \
      "start no programs, write nothing but packed weights, speak with clients and Redis alone; as far as "  \
      "the kernel can forbid it, or 'on': not without")                                                      \
    X(BREAKER_FAILURES, 0, "breaker-failures", "N", COUNT, breaker_failures, "0",                            \
      "failures and missed deadlines of a model, within breaker-window, after which its fallback answers; "  \
      "0: never (0)")                                                                                        \
    X(BREAKER_WINDOW, 0, "breaker-window", "SECONDS", NUMBER, breaker_window, "30", "see there (30)")        \
    X(BREAKER_PAUSE, 0, "breaker-pause", "SECONDS", NUMBER, breaker_pause, "5",                              \
      "until a request tries whether the model works again, and between two that do (5)")                    \
    X(BREAKER_PROBES, 0, "breaker-probes", "N", COUNT, breaker_probes, "1",                                  \
      "so many must go well before all requests are let through (1)")                                        \
    X(FALLBACK_AGE, 0, "fallback-age", "SECONDS", NUMBER, fallback_age, "0",                                 \
      "how old a kept answer may be that is given where a model and its fallbacks fail; 0: none is (0)")     \
    X(FALLBACK_ORDER, 0, "fallback-order", "on|off", CHOICE, fallback_order, "off",                          \
      "whether rerank gives documents in the order they came where a model and its fallbacks fail (off)")    \
    X(COMPLEXITY, 0, "complexity", "WEIGHTS", TEXT, complexity, NULL,                                        \
      "what makes code hard, for routes: 'lines 0.2, nesting 2, identifiers 0.5, keywords 1, brackets 1, "   \
      "imports 1, threshold 30'; those that are left out stay so")                                           \
    X(STRICT_FIELDS, 0, "strict-fields", "on|off", CHOICE, strict_fields, "off",                             \
      "whether fields that are not known are refused where text is generated, instead of named in a header") \
    X(LOG_FORMAT, 0, "log-format", "text|json", CHOICE, log_format, "text", "lines for the eye, or JSON")    \
    X(LOG_SAMPLE, 0, "log-sample", "N", COUNT, log_sample, "0",                                              \
      "tell one of N requests as well, and where its time went; 0: none (0)")                                \
    X(LOG_LEVEL, 0, "log-level", "error|info|requests", CHOICE, log_level, "info",                           \
      "what is told on standard error; 'requests': each of them, too")

enum setting {
#define SETTING_ID(id, ...) SETTING_##id,
    SETTINGS(SETTING_ID)
#undef SETTING_ID
        SETTING_N
};

/* Bounds of tables that are looked through for each request. */
#define SETTINGS_MAX_MODELS 1024
#define SETTINGS_MAX_ROUTES 256

/* What the command line said: NULL where it said nothing. */
struct setting_flags {
    const char *values[SETTING_N];
    const char *models[SETTINGS_MAX_MODELS];
    size_t n_models;
};

struct settings {
    const char *config, *profile, *host, *socket, *memory, *admin_key, *api_key, *api_keys_file, *tls_cert,
        *tls_key, *cors, *allow_host, *sandbox, *compute, *kv, *weights_cache, *log_format, *log_level,
        *batching, *fallback_order, *complexity, *redis, *too_long, *strict_fields, *partial, *draft_model;
    size_t client_requests, port, http_threads, max_connections, max_header, max_body, max_batch,
        max_requests, max_parallel, tokenizer_workers, cache_size, max_queue, threads, kv_tokens, max_length,
        batch_tokens, breaker_failures, breaker_probes, few_waiting, many_waiting, completion_cache,
        log_sample, draft;
    double queue_timeout, request_timeout, read_timeout, idle_timeout, drain_timeout, lame_duck; /* s */
    double breaker_window, breaker_pause, fallback_age, completion_ttl;                          /* s */
    double redis_timeout;                                                                        /* ms */
    double cache_ttl;                                                                            /* s */
    double client_rate;                                                                          /* 1/s */
    double window, window_low, window_medium, window_high, p99_goal;                             /* ms */
    bool strict;                             /* too_long is "refuse" */
    bool has_cache_size;                     /* somebody said so */
    bool is_said[SETTING_N];                 /* and not by the profile alone */
    bool is_of_profile[SETTING_N];           /* the profile said it */
    size_t memory_bytes;                     /* 0: what this process may have */
    const char *models[SETTINGS_MAX_MODELS]; /* [NAME=]PATH[, NAME = VALUE]... */
    int model_lines[SETTINGS_MAX_MODELS];    /* of the configuration file; 0: the command line has it */
    size_t n_models;
    int lines[SETTING_N];                    /* of the file, where what that says counts; else 0 */
    const char *routes[SETTINGS_MAX_ROUTES]; /* NAME, model = NAME[, CONDITION]...: of the file alone */
    int route_lines[SETTINGS_MAX_ROUTES];
    size_t n_routes;
    char *file;           /* the configuration file, which strings may lie in */
    size_t *n_file_users; /* settings that have it */
};

/* Puts together what flags, environment and file say. The flags must outlive *out, which is to be released, after a
 * failure too. HONE_USAGE: a value that makes no sense. */
enum hone_status settings_read(struct settings *out, const struct setting_flags *flags,
                               struct hone_error *err);
/* The same settings once more, to be released, too. On the thread that reads them. */
void settings_share(struct settings *out, const struct settings *s);
void settings_release(struct settings *s);

/* "hone.conf:7: " where the file said it and that counts, else ""; in `out`, for the beginning of an error. */
const char *settings_place(const struct settings *s, enum setting i, char out[256]);
/* Puts that in front of *err, which is a failure for which the setting is to blame. Returns its status. */
enum hone_status settings_blame(const struct settings *s, enum setting i, struct hone_error *err);

/* Where the options of a model begin: the comma of "NAME=PATH, load = demand"; NULL: there are none. */
const char *model_spec_options(const char *spec);

/* The next variable of the environment, from *i on, that begins with HONE_ and that nothing reads: its place and its name.
 * False where there are no more. */
bool settings_unknown_variable(size_t *i, char name[64]);

#endif
