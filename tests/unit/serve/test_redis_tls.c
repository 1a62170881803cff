/* TLS to Debian's redis-server: whose certificates are believed, and who is believed. */
#include "runtime/serve/cache/redis.h"
#include "tests/files.h"
#include "tests/support.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000u
#define LARGE  1000000

static char certificate[256], key[256];
static int port;
static pid_t server = -1;

/* One of numbers that nobody has now. */
static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok =
        bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0;
    close(fd);
    return ok ? ntohs(a.sin_port) : 0;
}

static void start(const char *number)
{
    server = fork();
    if (server != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* or it outlives a test that fails, and holds its output open */
    (void)!freopen("/dev/null", "w", stdout);
    (void)!freopen("/dev/null", "w", stderr);
    execlp("redis-server", "redis-server", "--port", "0", "--tls-port", number, "--bind", "127.0.0.1",
           "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate,
           "--requirepass", "secret", "--save", "", "--appendonly", "no", "--cluster-enabled", "no",
           (char *)NULL);
    _exit(127);
}

static int set_up(void **state)
{
    char command[1024], number[16];
    (void)state;
    snprintf(certificate, sizeof certificate, "%s", temp_path("cert.pem"));
    snprintf(key, sizeof key, "%s", temp_path("key.pem"));
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost >/dev/null 2>&1",
        key, certificate);
    port = free_port();
    snprintf(number, sizeof number, "%d", port);
    if (system("command -v redis-server openssl >/dev/null") == 0 && system(command) == 0)
        start(number);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    return 0;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A client; the test is skipped where it cannot be. */
static struct redis *open_redis(const char *format)
{
    char address[1024];
    struct hone_error err = {0};
    struct redis *r;
    int n = snprintf(address, sizeof address, format, port, certificate, certificate, key);
    assert_in_range(n, 1, sizeof address - 1);
    const struct redis_options options = {
        .address = address, .patience = SECOND / 4, .lifetime = 60ull * SECOND};
    enum hone_status status = redis_new(&r, &options, &err);
    if (server < 0 || (status == HONE_USAGE && strstr(err.message, "without"))) {
        print_message("%s\n", server < 0 ? "redis-server or openssl is not installed" : err.message);
        redis_free(r);
        skip();
    }
    if (!strstr(err.message, "this system trusts")) /* nobody, where there are no certificates */
        assert_ok(status, &err);
    return r;
}

/* Puts and looks for a value until it is there, or connecting has failed twice. */
static bool finds(struct redis *r, const void *value, size_t size)
{
    bool found = false;
    for (double end = seconds() + 20; r && seconds() < end && !found && redis_failures(r) < 4; usleep(5000)) {
        struct redis_value v = {.name = "k"};
        redis_put(r, "k", value, size);
        redis_get(r, &v, 1);
        found = v.data && v.size == size && memcmp(v.data, value, size) == 0;
        free(v.data);
    }
    return found;
}

/* The certificate is that of "localhost" alone, and the server wants one of its clients, too. */
static void certificates(void **state)
{
    static const struct {
        const char *format;
        bool finds;
    } cases[] = {
        {"rediss://:secret@localhost:%d/2?ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s", true},
        {"rediss://:secret@127.0.0.1:%d?ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s", false},
        {"rediss://:secret@127.0.0.1:%d?ssl_cert_reqs=none&ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s",
         true},
        {"rediss://:wrong@localhost:%d?ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s", false},
        {"rediss://:secret@localhost:%d?ssl_ca_certs=%s", false},        /* who are we? */
        {"rediss://:secret@localhost:%d?ssl_cert_reqs=required", false}, /* who is that? */
        {"redis://:secret@localhost:%d", false},                         /* not in TLS */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis *r = open_redis(cases[i].format);
        if (finds(r, "v", 1) != cases[i].finds)
            fail_msg("case %zu: %s", i, cases[i].finds ? "not found" : "found");
        redis_free(r);
    }
}

/* Longer than a record of TLS, and than what a socket takes at once. */
static void large_values(void **state)
{
    (void)state;
    char *value = malloc(LARGE);
    struct redis *r =
        open_redis("rediss://:secret@localhost:%d?ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s");
    assert_non_null(value);
    for (size_t i = 0; i < LARGE; i++)
        value[i] = (char)(i * i >> 3);
    assert_true(finds(r, value, LARGE));
    redis_free(r);
    free(value);
}

static void files_that_are_none(void **state)
{
    (void)state;
    struct hone_error err;
    struct redis *r = open_redis("rediss://localhost:%d?ssl_ca_certs=%s");
    redis_free(r);
    const struct redis_options missing = {.address = "rediss://h?ssl_ca_certs=/no/such", .patience = SECOND};
    assert_int_equal(redis_new(&r, &missing, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "/no/such"));
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),
        cmocka_unit_test(large_values),
        cmocka_unit_test(files_that_are_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
