/* What a Redis server answers: a value for each key, or none, whatever it says. */
#include "runtime/serve/cache/redis.h"
#include "tests/fuzz/harness.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 200000000u /* ns: nothing waits for so long, since the server closes when it has said all */

static char path[64];
static int listening = -1;

static void clean_up(void)
{
    unlink(path);
}

static void set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (listening >= 0)
        return;
    snprintf(path, sizeof path, "/tmp/fuzz-redis-%d", (int)getpid());
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(bind(listening, (struct sockaddr *)&address, sizeof address) == 0 &&
               listen(listening, 4) == 0);
    atexit(clean_up);
}

/* What a client is told as soon as it has asked. */
static struct answer {
    const uint8_t *data;
    size_t size;
} answer;

static void *serve(void *arg)
{
    char asked[4096];
    (void)arg;
    int fd = accept(listening, NULL, NULL);
    if (fd >= 0 && recv(fd, asked, sizeof asked, 0) > 0)
        for (size_t at = 0; at < answer.size;) {
            ssize_t n = send(fd, answer.data + at, answer.size - at, MSG_NOSIGNAL);
            if (n <= 0)
                break;
            at += (size_t)n;
        }
    close(fd);
    return NULL;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct redis *r;
    struct redis_value values[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    pthread_t server;
    set_up();
    answer = (struct answer){data, size};
    const struct redis_options options = {.address = path, .patience = PATIENCE};
    if (redis_new(&r, &options, NULL) != HONE_OK)
        return; /* built without hiredis */
    FUZZ_CHECK(pthread_create(&server, NULL, serve, NULL) == 0);
    bool joined = false;
    for (bool told = false; !told && !joined; usleep(100)) { /* it connects behind our back */
        redis_get(r, values, 3);
        for (int i = 0; i < 3; i++)
            told |= values[i].data != NULL;
        told |= redis_failures(r) > 0;
        joined = pthread_tryjoin_np(server, NULL) == 0;
    }
    uint8_t sum = 0;
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < values[i].size; k++)
            sum ^= ((uint8_t *)values[i].data)[k];
        free(values[i].data);
    }
    *(volatile uint8_t *)&sum = sum;
    redis_free(r);
    if (!joined)
        pthread_join(server, NULL);
}

FUZZ_SEEDS(FUZZ_TEXT("*3\r\n$1\r\nx\r\n$-1\r\n$4\r\nabcd\r\n"), FUZZ_TEXT("-ERR no\r\n"), FUZZ_TEXT(":3\r\n"),
           FUZZ_TEXT("*3\r\n*1\r\n+OK\r\n_\r\n,1.5\r\n"), FUZZ_TEXT("%1\r\n#t\r\n(123\r\n"),
           FUZZ_TEXT("$-1\r\n"))

FUZZ_NO_SHAPE
