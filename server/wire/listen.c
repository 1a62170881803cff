#include "server/wire/listen.h"
#include "server/http/fail.h"
#include "server/systemd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* connections that wait to be accepted; the system cuts it to somaxconn */

static bool is_local(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address.ss_family == AF_UNIX ||
           (address.ss_family == AF_INET6 &&
            IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr));
}

static void add(struct listeners *l, int fd, const char *name)
{
    l->items[l->n].fd = fd;
    l->items[l->n].inherited = false;
    l->items[l->n].is_local = is_local(fd);
    snprintf(l->items[l->n].name, sizeof l->items[l->n].name, "%s", name);
    l->n++;
}

/* "127.0.0.1:8080", with the port that the system chose; of a Unix socket its path. */
static void name_of(int fd, char *name, size_t size)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char host[80] = "", port[16] = "";
    snprintf(name, size, "socket %d", fd);
    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return;
    if (address.ss_family == AF_UNIX)
        snprintf(name, size, "%s", ((const struct sockaddr_un *)&address)->sun_path);
    else if (getnameinfo((struct sockaddr *)&address, n, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(name, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int open_address(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol), yes = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static enum hone_status open_tcp(struct listeners *l, const struct settings *s, struct hone_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char port[16], name[128], at[256];
    snprintf(port, sizeof port, "%zu", s->port);
    int error = getaddrinfo(s->host, port, &hints, &list);
    if (error)
        return fail(err, HONE_FAILED, "%s%s: %s", settings_place(s, SETTING_HOST, at), s->host,
                    gai_strerror(error));
    for (const struct addrinfo *a = list; a && l->n < LISTEN_MAX; a = a->ai_next) {
        int fd = open_address(a);
        if (fd < 0)
            continue;
        name_of(fd, name, sizeof name);
        add(l, fd, name);
        if (s->port == 0)
            break; /* each address would get a port of its own */
    }
    freeaddrinfo(list);
    return l->n > 0
               ? HONE_OK
               : fail_errno(err, HONE_FAILED, "%s%s:%s", settings_place(s, SETTING_PORT, at), s->host, port);
}

/* Whether the socket at that path is one that nobody answers at. */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    if (fd >= 0)
        close(fd);
    return !answers;
}

static enum hone_status open_unix(struct listeners *l, const char *path, struct hone_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return fail(err, HONE_USAGE, "%s: the path of a socket has at most %zu bytes", path,
                    sizeof address.sun_path - 1);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (is_left_over(&address))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) {
        fail_errno(err, HONE_FAILED, "%s", path);
        if (fd >= 0)
            close(fd);
        return HONE_FAILED;
    }
    snprintf(l->socket, sizeof l->socket, "%s", path);
    add(l, fd, path);
    return HONE_OK;
}

static void take_inherited(struct listeners *l)
{
    int first, n = systemd_sockets(&first);
    for (int fd = first; fd < first + n && l->n < LISTEN_MAX; fd++) {
        char name[128];
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        name_of(fd, name, sizeof name);
        add(l, fd, name);
        l->items[l->n - 1].inherited = true;
    }
}

enum hone_status listen_open(struct listeners *out, const struct settings *s, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    *out = (struct listeners){.n = 0};
    take_inherited(out);
    if (out->n > 0)
        return HONE_OK;
    if (s->socket && (status = open_unix(out, s->socket, err)) != HONE_OK)
        settings_blame(s, SETTING_SOCKET, err);
    if (status == HONE_OK && (!s->socket || s->is_said[SETTING_PORT]))
        status = open_tcp(out, s, err);
    if (status != HONE_OK)
        listen_close(out);
    return status;
}

/* The kernel drops segments that begin a connection: SYN without ACK, in the 14th byte of TCP's header. */
static void drop_syn(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),          BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void remove_socket(struct listeners *l)
{
    if (*l->socket)
        unlink(l->socket);
    *l->socket = '\0';
}

void listen_refuse(struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->items[i].inherited && strcmp(l->items[i].name, l->socket) != 0)
            drop_syn(l->items[i].fd);
    remove_socket(l);
}

void listen_close(struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        close(l->items[i].fd);
    remove_socket(l);
    *l = (struct listeners){.n = 0};
}
