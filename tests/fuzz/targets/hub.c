/* hone pull from a hub that answers anything: refused with a sentence, or the files lie in the cache, with the checksums that the
 * listing names. The input is the answers, one a request, with NULs between them. Where one is empty the hub hangs up; behind
 * the last it has nothing, or in inputs of odd size gives that again. */
#include "cli/hub/hub.h"
#include "cli/io/progress.h"
#include "runtime/base/clock.h"
#include "tests/fuzz/harness.h"

#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- time: of those who wait it goes by at once ---- */

static uint64_t now;

static uint64_t read_clock(void *arg)
{
    (void)arg;
    return now;
}

static const struct clock the_clock = {.now = read_clock};

int nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time, (void)left;
    return 0;
}

/* Who waits by small steps, for seconds. */
int usleep(useconds_t us)
{
    (void)us;
    now += 1000000000;
    return 0;
}

/* ---- the hub ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct hone_text answers; /* that are still to be given */
static bool goes_on;             /* with the last one, for ever */

static void answer(int fd)
{
    static const char no[] = "HTTP/1.1 404 No\r\n\r\n";
    char asked[8192];
    for (size_t n = 0; n < sizeof asked;) {
        const ssize_t got = recv(fd, asked + n, sizeof asked - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        if (memmem(asked, n, "\r\n\r\n", 4))
            break;
    }
    pthread_mutex_lock(&lock);
    struct hone_text rest = answers, part = fuzz_part(&rest, 0);
    if (rest.size > 0 || !goes_on)
        answers = rest;
    if (part.size == 0 && rest.size == 0)
        part = (struct hone_text){no, sizeof no - 1};
    if (part.size)
        (void)send(fd, part.data, part.size, MSG_NOSIGNAL);
    pthread_mutex_unlock(&lock);
    shutdown(fd, SHUT_RDWR);
}

static void *serve(void *arg)
{
    for (int listening = *(int *)arg, fd; (fd = accept(listening, NULL, NULL)) >= 0; close(fd))
        answer(fd);
    return NULL;
}

static char cache[FUZZ_PATH];

static void set_up(void)
{
    static int listening;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char endpoint[64];
    pthread_t thread;
    if (*cache)
        return;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(bind(listening, (struct sockaddr *)&address, sizeof address) == 0 &&
               listen(listening, 16) == 0 && getsockname(listening, (struct sockaddr *)&address, &size) == 0);
    FUZZ_CHECK(pthread_create(&thread, NULL, serve, &listening) == 0 && pthread_detach(thread) == 0);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));
    setenv("HF_ENDPOINT", endpoint, 1);
    setenv("HF_HUB_CACHE", fuzz_place(cache, "cache"), 1);
    setenv("OLLAMA_MODELS", cache, 1);
    setenv("no_proxy", "*", 1);
    progress_go_by(&the_clock);
    setenv("HF_TOKEN", "hf_secret", 1);
}

/* ---- what was fetched ---- */

static int remove_one(const char *path, const struct stat *info, int what, struct FTW *where)
{
    (void)info, (void)what, (void)where;
    return remove(path);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hub_name name;
    struct hub_pulled pulled;
    struct hone_error err = {0};
    set_up();
    FUZZ_CHECK(hub_name_read(&name, "hf:a/b", &err) == HONE_OK);
    pthread_mutex_lock(&lock);
    answers = (struct hone_text){(const char *)data, size};
    goes_on = size % 2;
    pthread_mutex_unlock(&lock);
    if (hub_pull(&name, true, &pulled, &err) == HONE_OK) {
        FUZZ_CHECK(strncmp(pulled.path, cache, strlen(cache)) == 0 && !strstr(pulled.path, "/../"));
        FUZZ_CHECK(access(pulled.path, R_OK) == 0 && pulled.n_files > 0);
    } else {
        FUZZ_CHECK(*err.message);
    }
    pthread_mutex_lock(&lock);
    answers = (struct hone_text){"", 0};
    pthread_mutex_unlock(&lock);
    nftw(cache, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define HEX40 "0123456789abcdef0123456789abcdef01234567"
#define JSON  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define HEAD  "HTTP/1.1 200 OK\r\nX-Repo-Commit: " HEX40 "\r\nETag: \"" ABC "\"\r\nContent-Length: 3\r\n\r\n"
#define ABC                                                                                                  \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* "abc", by sha256; and of git */
#define ABC_GIT "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"

FUZZ_SEEDS(FUZZ_TEXT(JSON "{\"sha\":\"" HEX40
                          "\",\"siblings\":[{\"rfilename\":\"x/m.gguf\",\"size\":3,\"lfs\":{\"sha256\":"
                          "\"" ABC "\"}}]}\0" HEAD
                          "\0HTTP/1.1 206 Part\r\nContent-Range: bytes 0-2/3\r\n\r\nabc"),
           FUZZ_TEXT(JSON
                     "{\"sha\":\"" HEX40
                     "\",\"siblings\":[{\"rfilename\":\"config.json\",\"size\":3,\"blobId\":\"" ABC_GIT
                     "\"},{\"rfilename\":\"model.safetensors\",\"size\":3,\"lfs\":{\"oid\":\"" ABC
                     "\"}}]}\0HTTP/1.1 302 Elsewhere\r\nLocation: /elsewhere\r\nX-Linked-Etag: W/\"" ABC_GIT
                     "\"\r\n\r\n\0HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\0HTTP/1.1 200 OK\r\n"
                     "Content-Length: 3\r\n\r\nabc\0" HEAD "\0HTTP/1.1 500 No\r\nRetry-After: 9\r\n\r\n\0"
                     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
           /* Without ranges, and cut off each time before the end; of odd size. */
           FUZZ_TEXT(JSON "{\"sha\":\"" HEX40
                          "\",\"siblings\":[{\"rfilename\":\"m.gguf\",\"size\":3,\"lfs\":{\"sha256\":"
                          "\"" ABC "\"}}]}\0" HEAD "\0HTTP/1.1 200 OK\r\nContent-Length:  3\r\n\r\nab"),
           FUZZ_TEXT("HTTP/1.1 401 No\r\nX-Error-Code: GatedRepo\r\nX-Error-Message: no\r\n\r\n"),
           FUZZ_TEXT("HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\n\r\n"))

FUZZ_NO_SHAPE
