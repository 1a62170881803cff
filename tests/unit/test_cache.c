/* Caches: what is found, what is thrown out and when; Redis that is there, is not, hangs, and dies. */
#include "runtime/serve/caches.h"
#include "tests/files.h"
#include "tests/support.h"

#include <hone.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define SECOND      UINT64_C(1000000000)
#define PATIENCE_MS 50

static struct cache_key key(uint64_t n)
{
    return (struct cache_key){n * UINT64_C(0x9e3779b97f4a7c15), ~n, n, 8};
}

static bool has(struct cache *c, uint64_t n, uint64_t now)
{
    size_t size = 0;
    uint64_t *value = cache_get(c, key(n), now, &size);
    bool found = value != NULL;
    if (found) {
        assert_int_equal(size, sizeof *value);
        assert_int_equal(*value, n);
    }
    free(value);
    return found;
}

static void put(struct cache *c, uint64_t n, uint64_t now)
{
    cache_put(c, key(n), &n, sizeof n, now);
}

/* ---- keys ---- */

/* Two texts that XXH3 takes for the same one where its secret is the public one. */
static struct hone_text same_xxh3(const char *name)
{
    char path[128];
    size_t size;
    snprintf(path, sizeof path, "tests/fixtures/cache/same-xxh3-%s.txt", name);
    char *data = load_file(path, &size);
    return (struct hone_text){data, size};
}

static struct cache_key token_key(struct hone_text text, const char *prompt, size_t max_length)
{
    struct inputs in = {.prompt = prompt, .max_length = max_length};
    const struct cached_input input = {.in = &in, .first = text};
    return caches_token_key(&input);
}

#ifdef HONE_HIREDIS /* without it all are zero */
static struct shared_key shared_key(struct hone_text text, struct hone_text second)
{
    const struct hone_text parts[] = {text, second};
    return shared_key_of(parts, 2);
}
#endif

static void made_collisions(void **state)
{
    (void)state;
    struct hone_text a = same_xxh3("a"), b = same_xxh3("b");
    XXH128_hash_t x = XXH3_128bits(a.data, a.size), y = XXH3_128bits(b.data, b.size);
    assert_true(a.size == b.size && memcmp(a.data, b.data, a.size) != 0);
    assert_true(x.low64 == y.low64 && x.high64 == y.high64);
    struct cache_key one = token_key(a, NULL, 0), other = token_key(b, NULL, 0);
    assert_true(one.low != other.low && one.high != other.high && one.check != other.check);
#ifdef HONE_HIREDIS
    struct hone_text none = {"", 0};
    const struct shared_key first = shared_key(a, none), second = shared_key(b, none);
    assert_memory_not_equal(&first, &second, sizeof first);
#endif
    free((void *)(uintptr_t)a.data);
    free((void *)(uintptr_t)b.data);
}

/* Whatever changes what comes out changes the key, and what lies where. */
static void keys_differ(void **state)
{
    (void)state;
    struct hone_text ab = {"ab", 2}, b = {"b", 1};
    assert_true(cache_key_same(token_key(ab, NULL, 0), token_key(ab, NULL, 0)));
    assert_false(cache_key_same(token_key(ab, NULL, 0), token_key(b, "a", 0)));
    assert_false(cache_key_same(token_key(ab, NULL, 0), token_key(ab, "", 0)));
    assert_false(cache_key_same(token_key(ab, NULL, 0), token_key(ab, NULL, 9)));
#ifdef HONE_HIREDIS
    struct hone_text a = {"a", 1}, none = {"", 0};
    const struct shared_key keys[] = {shared_key(ab, none), shared_key(a, b), shared_key(none, ab),
                                      shared_key(ab, ab)};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&keys[i], &keys[k], sizeof *keys);
#endif
}

/* A part of a key that is the same is not enough. */
static void all_of_a_key_is_compared(void **state)
{
    (void)state;
    struct cache *c = cache_new(100000, 0);
    const struct cache_key right = {1, 2, 3, 4};
    size_t size;
    cache_put(c, right, "x", 1, 0);
    for (size_t i = 0; i < 4; i++) {
        struct cache_key other = right;
        ((uint64_t *)&other)[i]++;
        assert_null(cache_get(c, other, 0, &size));
    }
    void *found = cache_get(c, right, 0, &size);
    assert_non_null(found);
    free(found);
    cache_free(c);
}

/* Another process has other keys, so that nobody can try out at home what meets in a server. */
static void keys_are_of_this_process(void **state)
{
    (void)state;
    if (getenv("EMULATOR")) { /* a shell cannot start this program */
        print_message("this program runs under an emulator\n");
        skip();
    }
    static const char *const self = "/proc/self/exe";
    char mine[128], theirs[128] = "";
    struct cache_key k = token_key((struct hone_text){"x", 1}, NULL, 0);
    snprintf(mine, sizeof mine, "%016llx%016llx", (unsigned long long)k.low, (unsigned long long)k.high);
    setenv("TEST_CACHE_KEY", "1", 1);
    char real[4096] = "";
    assert_true(readlink(self, real, sizeof real - 1) > 0);
    FILE *out = popen(real, "r");
    assert_non_null(out);
    assert_non_null(fgets(theirs, sizeof theirs, out));
    pclose(out);
    unsetenv("TEST_CACHE_KEY");
    assert_int_equal(strlen(theirs), strlen(mine));
    assert_string_not_equal(mine, theirs);
}

/* What a scheduler with caches answers is what the model computes, whatever was asked before. */
static void scheduler_with_made_collisions(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    struct hone_scheduler *s;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_text texts[] = {same_xxh3("a"), same_xxh3("b")};
    float wanted[2][64] = {{0}}, out[2][64] = {{0}};
    assert_ok(hone_model_open(&model, fixture("qwen3-embed"), &(struct hone_options){.n_threads = 1}, &err),
              &err);
    for (size_t i = 0; i < 2; i++)
        assert_ok(hone_embed(model, &texts[i], 1, NULL, wanted[i], NULL, &err), &err);
    assert_true(hone_model_info(model)->n_dims <= 64);
    assert_memory_not_equal(wanted[0], wanted[1], sizeof wanted[0]);
    options.cache_bytes[HONE_CACHE_TOKENS] = options.cache_bytes[HONE_CACHE_EMBEDDINGS] = 1 << 20;
    assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        struct hone_request r = {.kind = HONE_REQUEST_EMBED, .texts = &texts[i], .n_texts = 1, .out = out[i]};
        r.how.normalize = -1;
        assert_ok(hone_submit_and_wait(s, &r, &err), &err);
        assert_memory_equal(out[i], wanted[i], sizeof out[i]);
    }
    hone_scheduler_close(&s);
    hone_model_close(&model);
    for (size_t i = 0; i < 2; i++)
        free((void *)(uintptr_t)texts[i].data);
}

/* ---- in memory ---- */

static void used_longest_ago_goes_first(void **state)
{
    (void)state;
    struct hone_cache_stats stats;
    struct cache *c = cache_new(120000, 0);
    size_t n = 0;
    for (; n < 5000; n++) {
        put(c, n, 0);
        assert_true(has(c, 0, 0)); /* it is always the newest but one */
    }
    cache_stats(c, 0, &stats);
    assert_true(stats.n_entries > 1000 && stats.n_entries < 2000);
    assert_true(stats.n_bytes <= 120000);
    assert_int_equal(stats.n_evicted, n - stats.n_entries);
    assert_true(has(c, n - 1, 0) && has(c, n - stats.n_entries + 1, 0));
    assert_false(has(c, n - stats.n_entries, 0));
    cache_put(c, key(7), &stats, 200000, 0); /* larger than the cache */
    assert_false(has(c, 7, 0));
    cache_free(c);
    cache_free(NULL);
}

static void age_and_replacement(void **state)
{
    (void)state;
    struct hone_cache_stats stats;
    struct cache *c = cache_new(100000, SECOND);
    put(c, 1, 0);
    put(c, 2, SECOND / 2);
    assert_true(has(c, 1, SECOND - 1));
    assert_false(has(c, 1, SECOND));
    assert_true(has(c, 2, SECOND));
    put(c, 2, SECOND);
    assert_true(has(c, 2, 2 * SECOND - 1));
    cache_stats(c, 0, &stats);
    assert_int_equal(stats.n_entries, 1);
    assert_int_equal(stats.n_expired, 1);
    assert_int_equal(stats.n_hits, 3);
    assert_int_equal(stats.n_misses, 1);
    cache_free(c);
}

/* Beside a plain list that does the same. */
static void like_a_list(void **state)
{
    (void)state;
    enum { N_KEYS = 64, N_KEPT = 16 };
    struct cache *c = cache_new(N_KEPT * 96, 0);
    uint64_t list[N_KEYS], n = 0, random = 42;
    struct hone_cache_stats stats;
    put(c, 0, 0);
    cache_stats(c, 0, &stats);
    size_t n_kept = N_KEPT * 96 / stats.n_bytes;
    list[n++] = 0;
    for (size_t step = 0; step < 20000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        uint64_t k = random >> 40 & (N_KEYS - 1), at = 0;
        while (at < n && list[at] != k)
            at++;
        bool known = at < n;
        if (random >> 60 & 1) {
            assert_int_equal(has(c, k, 0), known);
            if (!known)
                continue;
        } else {
            put(c, k, 0);
            if (!known && n < n_kept)
                at = n++;
            else if (!known)
                at = n - 1;
        }
        memmove(list + 1, list, at * sizeof *list);
        list[0] = k;
    }
    cache_free(c);
}

/* ---- Redis ---- */

static char *socket_path;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int set_up(void **state)
{
    (void)state;
    socket_path = temporary("redis");
    return socket_path ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(socket_path);
    free(socket_path);
    return 0;
}

/* A client; the test is skipped in a build without hiredis. */
static struct redis *open_redis(void)
{
    struct hone_error err;
    struct redis *r;
    struct redis_options options = {
        .address = socket_path, .patience = PATIENCE_MS * (SECOND / 1000), .lifetime = 60 * SECOND};
    enum hone_status status = redis_new(&r, &options, &err);
    if (status == HONE_USAGE && strstr(err.message, "without hiredis")) {
        print_message("%s\n", err.message);
        skip();
    }
    assert_ok(status, &err);
    return r;
}

static bool find(struct redis *r, const char *name, const char *wanted)
{
    struct redis_value values[2] = {{.name = "no such key"}};
    snprintf(values[1].name, sizeof values[1].name, "%s", name);
    redis_get(r, values, 2);
    bool found = values[1].data && values[1].size == strlen(wanted) &&
                 memcmp(values[1].data, wanted, values[1].size) == 0;
    assert_null(values[0].data);
    free(values[1].data);
    return found;
}

static pid_t start_server_with(const char *option, const char *value)
{
    if (system("command -v redis-server >/dev/null") != 0) {
        print_message("redis-server is not installed\n");
        skip();
    }
    pid_t server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* or it outlives a test that fails, and holds its output open */
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "",
               "--appendonly", "no", "--loglevel", "warning", option, value, (char *)NULL);
        _exit(127);
    }
    return server;
}

static pid_t start_server(void)
{
    return start_server_with(NULL, NULL);
}

static void stop_server(pid_t server)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

static void server_comes_dies_and_comes_back(void **state)
{
    (void)state;
    struct redis *r = open_redis();
    assert_false(find(r, "a", "1")); /* absent */
    redis_put(r, "a", "1", 1);
    for (double end = seconds() + 10; seconds() < end && redis_failures(r) == 0;)
        usleep(1000); /* another thread connects */
    uint64_t n_failures = redis_failures(r);
    assert_true(n_failures > 0);
    pid_t server = start_server();
    for (double end = seconds() + 10; seconds() < end && !find(r, "a", "other"); usleep(10000))
        redis_put(r, "a", "other", 5);
    assert_true(find(r, "a", "other"));
    redis_put(r, "b", "x\0y", 3);
    usleep(100000);
    struct redis_value binary = {.name = "b"};
    redis_get(r, &binary, 1);
    assert_int_equal(binary.size, 3);
    assert_memory_equal(binary.data, "x\0y", 3);
    free(binary.data);
    stop_server(server);
    for (size_t i = 0; i < 100; i++) { /* no signal ends this program */
        assert_false(find(r, "a", "other"));
        redis_put(r, "a", "3", 1);
    }
    assert_true(redis_failures(r) > n_failures);
    unlink(socket_path);
    server = start_server();
    bool back = false;
    for (double end = seconds() + 10; seconds() < end && !back; usleep(20000)) {
        redis_put(r, "c", "4", 1);
        back = find(r, "c", "4");
    }
    assert_true(back);
    redis_free(r);
    stop_server(server);
    unlink(socket_path);
}

/* A server that takes connections and answers as it is told, or not at all. */
struct fake {
    int listener;
    const char *answer; /* byte by byte, for each connection; NULL: none, ever */
    pthread_t thread;
    _Atomic bool over;
};

static void *run_fake(void *arg)
{
    struct fake *f = arg;
    int fd;
    while ((fd = accept(f->listener, NULL, NULL)) >= 0) {
        for (const char *c = f->answer; c && *c && !f->over; c++) {
            usleep(5000);
            if (send(fd, c, 1, MSG_NOSIGNAL) != 1)
                break;
        }
        /* Without an answer it stays open until the other side gives up. */
        char byte;
        while (!f->over && recv(fd, &byte, 1, 0) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static void start_fake(struct fake *f, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    *f = (struct fake){.listener = socket(AF_UNIX, SOCK_STREAM, 0), .answer = answer};
    assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(f->listener, 16), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, run_fake, f), 0);
}

static void stop_fake(struct fake *f)
{
    f->over = true;
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
    unlink(socket_path);
}

/* However it misbehaves, a request loses no more time than it was told, and then asks no more for a while. */
static void server_misbehaves(void **state)
{
    (void)state;
    static const char *const answers[] = {
        NULL,                                                                                  /* it hangs */
        "*2\r\n$-1\r\n$100\r\nbyte by byte, and never all of them...........................", /* it is slow */
        "-LOADING Redis is loading the dataset in memory\r\n",
        "this is not Redis\r\n",
        "*1\r\n$1\r\nx\r\n", /* fewer than were asked for */
        "$2147483647\r\nxxxxx",
        "*1000000000\r\n",
    };
    redis_free(open_redis()); /* or the test is skipped */
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fake fake;
        start_fake(&fake, answers[i]);
        struct redis *r = open_redis();
        for (double end = seconds() + 5; seconds() < end && redis_failures(r) == 0; usleep(1000))
            (void)find(r, "a", "1"); /* the connection comes when it has been asked for */
        double start = seconds();
        for (size_t k = 0; k < 1000; k++) {
            (void)find(r, "a", "1");
            redis_put(r, "a", "1", 1);
        }
        print_message("answer %zu: then 1000 requests took %.0f ms\n", i, 1e3 * (seconds() - start));
        assert_true(redis_failures(r) > 0);
        redis_free(r);
        stop_fake(&fake);
    }
}

/* What one process computed another one finds. */
static void shared_by_two(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    struct hone_scheduler_stats stats;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_options one = {.n_threads = 1};
    struct hone_text texts[] = {{"one text", 8}, {"another text", 12}, {"", 0}};
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &one, &err), &err);
    size_t width = hone_model_info(model)->n_dims;
    float *wanted = calloc(3, width * sizeof *wanted), *out = calloc(3, width * sizeof *out);
    redis_free(open_redis()); /* or the test is skipped */
    assert_ok(hone_embed(model, texts, 3, NULL, wanted, NULL, &err), &err);
    pid_t server = start_server();
    usleep(300000);
    options.redis = socket_path;
    options.redis_ms = 500;
    for (size_t round = 0; round < 2; round++) {
        struct hone_scheduler *s;
        struct hone_request r = {.kind = HONE_REQUEST_EMBED, .texts = texts, .n_texts = 3, .out = out};
        r.how.normalize = -1;
        memset(out, 0, 3 * width * sizeof *out);
        assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
        usleep(200000); /* it connects meanwhile */
        assert_ok(hone_submit_and_wait(s, &r, &err), &err);
        assert_memory_equal(out, wanted, 3 * width * sizeof *out);
        usleep(200000); /* what is to be kept is sent later */
        hone_scheduler_stats(s, &stats);
        assert_int_equal(stats.caches[HONE_CACHE_EMBEDDINGS].n_remote_hits, round * 3);
        assert_int_equal(stats.texts.n_texts, 3 - round * 3);
        hone_scheduler_close(&s);
    }
    stop_server(server);
    unlink(socket_path);
    hone_model_close(&model);
    free(wanted);
    free(out);
}

/* What is found under a row's name, but is no row of the model's width, is computed as if it were not there. */
static void values_of_another_size(void **state)
{
    (void)state;
    enum { N = 5 };
    struct fake fake;
    struct hone_error err;
    struct hone_model *model;
    struct hone_scheduler *s;
    struct hone_scheduler_stats stats;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    struct hone_options one = {.n_threads = 1};
    struct hone_text text = {"one text", 8};
    redis_free(open_redis()); /* or the test is skipped */
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &one, &err), &err);
    size_t size = hone_model_info(model)->n_dims * sizeof(float);
    float *wanted = malloc(size), *out = malloc(size);
    assert_ok(hone_embed(model, &text, 1, NULL, wanted, NULL, &err), &err);
    start_fake(&fake, "*1\r\n$20\r\naaaaaaaaaaaaaaaaaaaa\r\n"); /* finite numbers */
    options.redis = socket_path;
    options.redis_ms = 500;
    assert_ok(hone_scheduler_open(&s, model, &options, &err), &err);
    for (size_t i = 0; i < N; i++) {
        struct hone_request r = {.kind = HONE_REQUEST_EMBED, .texts = &text, .n_texts = 1, .out = out};
        r.how.normalize = -1;
        memset(out, 0, size);
        assert_ok(hone_submit_and_wait(s, &r, &err), &err);
        assert_memory_equal(out, wanted, size);
        usleep(100000); /* it connects meanwhile */
    }
    hone_scheduler_stats(s, &stats);
    assert_true(stats.caches[HONE_CACHE_EMBEDDINGS].n_remote_misses > 0);
    assert_int_equal(stats.caches[HONE_CACHE_EMBEDDINGS].n_remote_hits, 0);
    hone_scheduler_close(&s);
    stop_fake(&fake);
    hone_model_close(&model);
    free(wanted);
    free(out);
}

/* A value that nobody asks for again does not stay for ever. */
static void what_is_too_old_leaves_memory(void **state)
{
    (void)state;
    struct cache *c = cache_new(1 << 20, 10 * SECOND);
    struct hone_cache_stats stats;
    size_t size;
    assert_non_null(c);
    for (uint64_t i = 0; i < 1000; i++)
        cache_put(c, (struct cache_key){.low = i, .size = 1}, "x", 1, SECOND);
    cache_put(c, (struct cache_key){.low = 5, .size = 1}, "y", 1, 8 * SECOND); /* made anew */
    free(cache_get(c, (struct cache_key){.low = 7, .size = 1}, 8 * SECOND,
                   &size)); /* used, and no younger for that */
    cache_stats(c, 10 * SECOND, &stats);
    assert_int_equal(stats.n_entries, 1000);
    for (uint64_t i = 0; i < 300; i++) /* each call takes more than it brings */
        cache_put(c, (struct cache_key){.low = 2000 + i, .size = 1}, "z", 1, 12 * SECOND);
    cache_stats(c, 0, &stats); /* a clock that was read before */
    assert_int_equal(stats.n_entries, 301);
    assert_int_equal(stats.n_expired, 999);
    cache_stats(c, 18 * SECOND, &stats);
    assert_int_equal(stats.n_entries, 300);
    cache_stats(c, 30 * SECOND, &stats);
    assert_int_equal(stats.n_entries, 0);
    assert_int_equal(stats.n_bytes, 0);
    assert_int_equal(stats.n_evicted, 0);
    cache_free(c);
}

/* A password, a user, a database: whoever has them wrong finds nothing, and is told by the count of failures. */
static void passwords_and_databases(void **state)
{
    static const struct {
        const char *format;
        bool finds;
    } cases[] = {{"unix://:se%%40cr%%2Fet@%s?db=3", true},
                 {"unix://default:se%%40cr%%2Fet@%s?db=3", true},
                 {"unix://:se%%40cr%%2Fet@%s", false},
                 {"unix://:wrong@%s?db=3", false},
                 {"unix://nobody:se%%40cr%%2Fet@%s?db=3", false},
                 {"unix://:se%%40cr%%2Fet@%s?db=99", false},
                 {"%s", false}};
    char address[300];
    (void)state;
    redis_free(open_redis()); /* or the test is skipped */
    pid_t server = start_server_with("--requirepass", "se@cr/et");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error err;
        struct redis *r;
        snprintf(address, sizeof address, cases[i].format, socket_path);
        struct redis_options options = {.address = address, .patience = SECOND, .lifetime = 60 * SECOND};
        assert_ok(redis_new(&r, &options, &err), &err);
        bool found = false;
        for (double end = seconds() + 10; seconds() < end && !found; usleep(5000)) {
            if (i == 0)
                redis_put(r, "k", "v", 1);
            found = find(r, "k", "v");
            if (!cases[i].finds && redis_failures(r) > 1)
                break;
            if (i == 2 &&
                seconds() > end - 9) /* another database of the right server: no failure, and no value */
                break;
        }
        if (found != cases[i].finds)
            fail_msg("%s: %s", address, found ? "found" : "not found");
        if (!cases[i].finds)
            assert_int_equal(redis_failures(r) > 1, i != 2);
        redis_free(r);
    }
    stop_server(server);
    unlink(socket_path);
}

/* Of a cluster another server has the one key, and this one the other. */
static void keys_of_a_cluster(void **state)
{
    (void)state;
    struct fake fake;
    struct hone_error err;
    struct redis *r;
    const struct redis_options options = {.address = socket_path, .patience = 10 * SECOND};
    redis_free(open_redis()); /* or the test is skipped */
    start_fake(&fake, "-MOVED 3999 127.0.0.1:6381\r\n$1\r\nv\r\n");
    assert_ok(redis_new(&r, &options, &err), &err);
    bool found = false;
    for (double end = seconds() + 10; seconds() < end && !found && redis_failures(r) == 0; usleep(1000))
        found = find(r, "k", "v");
    assert_true(found);
    redis_free(r);
    stop_fake(&fake);
}

static void senseless_addresses(void **state)
{
    (void)state;
    static const char *const addresses[] = {"",
                                            "localhost",
                                            ":6379",
                                            "localhost:",
                                            "localhost:x",
                                            "h:70000",
                                            "redis://",
                                            "redis://h:x",
                                            "redis://h/x",
                                            "redis://h/-1",
                                            "redis://nocolon@h",
                                            "redis://:%zz@h",
                                            "redis://:%00@h",
                                            "unix://relative",
                                            "unix:///p?db=x",
                                            "rediss://:secret@h/x",
                                            "rediss://:secret@h?ssl_ca_certs",
                                            "rediss://:secret@h?ssl_ca_certs=",
                                            "rediss://:secret@h?ssl_ca_certs=a&ssl_ca_certs=b",
                                            "rediss://:secret@h?ssl_cert_reqs=maybe",
                                            "rediss://:secret@h?ssl_certfile=a",
                                            "rediss://:secret@h?other=a",
                                            "redis://:secret@h?ssl_ca_certs=a",
                                            "redis://:secret@h:0",
                                            "redis://[::1"};
    struct hone_error err;
    struct redis *r;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct redis_options options = {.address = addresses[i], .patience = SECOND};
        assert_int_equal(redis_new(&r, &options, &err), HONE_USAGE);
        assert_null(strstr(err.message, "secret"));
        assert_null(r);
        const struct hone_scheduler_options all = {.redis = addresses[i]};
        assert_int_equal(hone_scheduler_check(&all, &err), HONE_USAGE);
    }
}

int main(void)
{
    if (getenv("TEST_CACHE_KEY")) {
        struct cache_key k = token_key((struct hone_text){"x", 1}, NULL, 0);
        return printf("%016llx%016llx", (unsigned long long)k.low, (unsigned long long)k.high) < 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_collisions),
        cmocka_unit_test(what_is_too_old_leaves_memory),
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(all_of_a_key_is_compared),
        cmocka_unit_test(keys_are_of_this_process),
        cmocka_unit_test(scheduler_with_made_collisions),
        cmocka_unit_test(used_longest_ago_goes_first),
        cmocka_unit_test(age_and_replacement),
        cmocka_unit_test(like_a_list),
        cmocka_unit_test(server_comes_dies_and_comes_back),
        cmocka_unit_test(server_misbehaves),
        cmocka_unit_test(passwords_and_databases),
        cmocka_unit_test(keys_of_a_cluster),
        cmocka_unit_test(shared_by_two),
        cmocka_unit_test(values_of_another_size),
        cmocka_unit_test(senseless_addresses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
