/* What a client sends to a whole server that runs beside the target: each endpoint's fields behind the real parser, models that
 * compute, and a client that leaves. No answer may be an internal error. */
#include "server/figures/log.h"
#include "server/http/workers.h"
#include "server/json_memory.h"
#include "server/routes.h"
#include "server/service.h"
#include "tests/fuzz/harness.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct service *service;
static struct listeners listeners;
static char path[64];

static void clean_up(void)
{
    unlink(path);
}

static void set_up(void)
{
    struct setting_flags flags = {.models = {"tests/fixtures/bert-embed", "tests/fixtures/bert-cross",
                                             "tests/fixtures/ner-bert", "tests/fixtures/nli",
                                             "tests/fixtures/fill-bert", "tests/fixtures/causal"},
                                  .n_models = 6};
    struct hone_error err = {0};
    if (service)
        return;
    snprintf(path, sizeof path, "/tmp/fuzz-http-%d", (int)getpid());
    flags.values[SETTING_SOCKET] = path;
    flags.values[SETTING_THREADS] = "1";
    flags.values[SETTING_CACHE_SIZE] = "1";
    flags.values[SETTING_WEIGHTS_CACHE] = "off";
    flags.values[SETTING_MAX_BODY] = "1";
    flags.values[SETTING_REQUEST_TIMEOUT] = "5";
    flags.values[SETTING_LOG_LEVEL] = "error";
    unsetenv("HONE_FUZZ_RUNS"); /* which are no settings */
    unsetenv("HONE_FUZZ_CORPUS");
    signal(SIGPIPE, SIG_IGN);
    json_memory_init();
    if (workers_start(&err) != HONE_OK || service_open(&service, &flags, NULL, &err) != HONE_OK ||
        listen_open(&listeners, &service->settings, &err) != HONE_OK ||
        service_listen(service, &listeners, NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    atexit(clean_up);
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Whether the server has read all that was sent, and nothing works on it: of a request that has not come as a whole nothing
 * does. */
static bool is_quiet(int fd)
{
    int unread = 0;
    return ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0 && service->n_pending == 0;
}

/* The status line of an answer: "HTTP/1.1 200 ". */
static void check_start(const char *start, size_t n)
{
    FUZZ_CHECK(n < 13 || memcmp(start, "HTTP/1.1 ", 9) == 0);
    FUZZ_CHECK(n < 13 || memcmp(start + 9, "500", 3) != 0);
}

static void converse(int fd, const uint8_t *data, size_t size)
{
    static char answer[1 << 16];
    char start[16];
    size_t at = 0, n_start = 0;
    for (unsigned n_quiet = 0; n_quiet < 3;) {
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (at < size ? POLLOUT : 0))};
        poll(&p, 1, 1);
        ssize_t n = p.revents & (POLLIN | POLLHUP | POLLERR) ? recv(fd, answer, sizeof answer, 0) : -1;
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n && n_start < sizeof start; i++)
            start[n_start++] = answer[i];
        if (at < size && (p.revents & POLLOUT)) {
            ssize_t sent = send(fd, data + at, size - at, MSG_NOSIGNAL);
            if (sent < 0)
                break;
            at += (size_t)sent;
        }
        n_quiet = n <= 0 && at == size && is_quiet(fd) ? n_quiet + 1 : 0;
        n_quiet += n_quiet > 0 && service->n_requests == 0;
    }
    check_start(start, n_start);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    set_up();
    int fd = connect_client();
    converse(fd, data, size);
    close(fd);
}

/* A body for each kind of path, by what the path ends with. */
static const char *body_of_path(const char *of)
{
    static const char *const bodies[][2] = {
        {"chat/completions",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":3,\"stream\":true,"
         "\"logprobs\":true,"
         "\"top_logprobs\":2,\"stop\":[\"x\"],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}"
         "}],"
         "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\",\"schema\":{\"type\":"
         "\"object\"}}},\"logit_bias\":{\"5\":-1},\"seed\":1,\"n\":2}"},
        {"completions",
         "{\"prompt\":[\"a\",[5,6]],\"max_tokens\":3,\"n\":2,\"echo\":true,\"logprobs\":1,\"temperature\":0."
         "5,"
         "\"top_p\":0.9,\"presence_penalty\":1,\"suffix\":null,\"best_of\":2,\"guided_regex\":\"[a-z]+\"}"},
        {"completion",
         "{\"prompt\":\"a\",\"n_predict\":3,\"grammar\":\"root ::= "
         "[a-z]+\",\"n_probs\":2,\"samplers\":[\"top_k\","
         "\"temperature\"],\"mirostat\":0,\"stream\":false,\"cache_prompt\":true,\"logit_bias\":[[5,1.0]]}"},
        {"rerank", "{\"query\":\"a\",\"documents\":[\"b\",{\"text\":\"c\"}],\"texts\":[\"b\"],\"top_n\":1,"
                   "\"return_documents\":true,\"raw_scores\":true,\"max_tokens_per_doc\":8}"},
        {"score", "{\"text_1\":\"a\",\"text_2\":[\"b\",\"c\"],\"truncate_prompt_tokens\":5}"},
        {"embeddings",
         "{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\",\"dimensions\":4,\"user\":\"u\"}"},
        {"tokenize",
         "{\"content\":\"a\",\"add_special\":true,\"with_pieces\":true,\"inputs\":\"b\",\"prompt\":\"c\"}"},
        {"detokenize", "{\"tokens\":[5,6,7]}"},
        {"decode", "{\"ids\":[[5,6],[7]],\"skip_special_tokens\":true}"},
        {"apply-template",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}"},
        {"entities", "{\"text\":\"a\",\"texts\":[\"Anna in Rome\"],\"aggregate\":\"simple\"}"},
        {"zero-shot", "{\"text\":\"a\",\"texts\":[\"b\"],\"labels\":[\"x\",\"y\"],\"hypothesis\":\"is {}\","
                      "\"multi_label\":true}"},
        {"fill-mask", "{\"text\":\"a [MASK]\",\"texts\":[\"[MASK]\"],\"top_n\":2}"},
        {"similarity", "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"b\"]}}"},
        {"predict", "{\"inputs\":[[\"a\",\"b\"]],\"raw_scores\":true,\"truncate\":true}"},
    };
    size_t n_of = strlen(of);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        size_t n = strlen(bodies[i][0]);
        if (n_of >= n && strcmp(of + n_of - n, bodies[i][0]) == 0)
            return bodies[i][1];
    }
    return "{\"inputs\":[\"a\",\"b\"],\"truncate\":true,\"truncation_direction\":\"Right\",\"normalize\":"
           "false,"
           "\"text\":\"a\",\"texts\":[\"a\"],\"prompt_name\":null}";
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    char *text = malloc(4096);
    if (!text || i > n_routes) {
        free(text);
        return NULL;
    }
    const char *body = i < n_routes ? body_of_path(routes[i].path) : "";
    int n;
    if (i == n_routes)
        n = snprintf(
            text, 4096,
            "POST /embed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
            "chunked\r\n\r\n10\r\n{\"inputs\":[\"a\"]}\r\n"
            "0\r\n\r\nGET /metrics?model=x HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nConnection: close\r\n\r\n");
    else if (strcmp(routes[i].method, "GET") == 0)
        n = snprintf(text, 4096, "GET %s HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n", routes[i].path);
    else
        n = snprintf(text, 4096,
                     "POST %s HTTP/1.1\r\nHost: a\r\nX-Priority: bulk\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     routes[i].path, strlen(body), body);
    *size = (size_t)n;
    return (uint8_t *)text;
}

/* The body of the first request, with the length that it has then. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    uint8_t *end = memmem(data, size, "\r\n\r\n", 4), *length = memmem(data, size, "Content-Length: ", 16);
    char *rest = malloc(capacity + 1), head[32];
    if (!end || !length || length > end || !rest) {
        free(rest);
        return 0;
    }
    uint8_t *body = end + 4, *line_end = memchr(length, '\r', (size_t)(end + 1 - length));
    size_t n_before = (size_t)(length + 16 - data), n_fields = (size_t)(body - line_end),
           n_body = size - (size_t)(body - data);
    memcpy(rest, body, n_body);
    n_body = fuzz_shape_json((uint8_t *)rest, n_body, capacity);
    size_t n_number = (size_t)snprintf(head, sizeof head, "%zu", n_body);
    size_t total = n_before + n_number + n_fields + n_body;
    if (n_body == 0 || total > capacity) {
        free(rest);
        return 0;
    }
    memmove(data + n_before + n_number, line_end, n_fields);
    memcpy(data + n_before, head, n_number);
    memcpy(data + n_before + n_number + n_fields, rest, n_body);
    free(rest);
    return total;
}
