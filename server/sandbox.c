#include "server/sandbox.h"
#include "runtime/base/cache_folder.h"
#include "server/figures/log.h"
#include "server/http/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers start threads and programs of their own at the end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_POSSIBLE false
#else
#define IS_POSSIBLE true
#endif

static bool is_wanted(const struct settings *s)
{
    return strcmp(s->sandbox, "off") != 0 && (IS_POSSIBLE || strcmp(s->sandbox, "on") == 0);
}

/* It cannot be had: an error only where somebody relies on it. */
static enum hone_status do_without(const struct settings *s, const char *what, struct hone_error *err)
{
    int error = errno;
    if (strcmp(s->sandbox, "on") == 0)
        return fail(err, HONE_FAILED, "--sandbox on: %s: %s", what, strerror(error));
    log_info("no sandbox: %s: %s", what, strerror(error));
    return HONE_OK;
}

/* ---- files ---- */

/* Landlock's numbers (uapi/linux/landlock.h), which never change: Debian 11 has no such header, and others not all of them. */
#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE       445
#define SYS_RESTRICT_SELF  446
#define RULESET_VERSION    1u
#define RULE_PATH_BENEATH  1
#define RULE_NET_PORT      2

#define FS_EXECUTE      (1ull << 0)
#define FS_WRITE_FILE   (1ull << 1)
#define FS_REMOVE_DIR   (1ull << 4)
#define FS_REMOVE_FILE  (1ull << 5)
#define FS_MAKE         (0x7full << 6) /* devices, folders, files, sockets (the 4th), pipes, links */
#define FS_MAKE_SOCK    (1ull << 9)
#define FS_REFER        (1ull << 13)
#define FS_TRUNCATE     (1ull << 14)
#define NET_BIND_TCP    (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_SIGNAL    (1ull << 1)
#define FS_CHANGES      (FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE)

struct __attribute__((packed)) path_attr {
    uint64_t access;
    int32_t folder;
};

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

struct port_attr {
    uint64_t access, port;
};

static struct ruleset_attr handled_by(long abi)
{
    struct ruleset_attr a = {.fs = FS_EXECUTE | FS_CHANGES};
    a.fs |= abi >= 2 ? FS_REFER : 0;
    a.fs |= abi >= 3 ? FS_TRUNCATE : 0;
    a.net = abi >= 4 ? NET_BIND_TCP | NET_CONNECT_TCP : 0;
    a.scoped = abi >= 6 ? SCOPE_SIGNAL : 0;
    return a;
}

/* What is not there cannot be allowed, and need not be. */
static void allow_folder(int ruleset, const char *path, uint64_t access)
{
    struct path_attr rule = {.access = access, .folder = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY)};
    if (rule.folder < 0)
        return;
    syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.folder);
}

static void allow_port(int ruleset, uint64_t access, uint64_t port)
{
    struct port_attr rule = {access, port};
    syscall(SYS_ADD_RULE, ruleset, RULE_NET_PORT, &rule, 0);
}

/* The folder of packed weights, which is made where it is missing, since it can only be allowed when it is there. */
static void allow_cache(int ruleset, uint64_t access)
{
    char path[CACHE_PATH];
    if (!cache_path(path, "weights/x"))
        return;
    cache_make_folders(path);
    *strrchr(path, '/') = '\0';
    *strrchr(path, '/') = '\0';
    allow_folder(ruleset, path, access);
}

/* Where the server's own Unix socket is made, and taken away. */
static void allow_socket(int ruleset, const char *path)
{
    char folder[256] = ".";
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!path)
        return;
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path > 0 ? slash - path : 1), path);
    allow_folder(ruleset, folder, FS_MAKE_SOCK | FS_REMOVE_FILE);
}

/* Of HOST:PORT, redis://...@HOST:PORT/N and rediss://...@HOST:PORT/N?...; of a socket 0, which is no port. The library refuses
 * what makes no sense. */
static uint64_t redis_port(const char *address)
{
    const char *scheme = strstr(address, "://"), *begin = scheme ? scheme + 3 : address;
    const char *query = strchr(begin, '?'), *end = query ? query : begin + strlen(begin);
    const char *at = memrchr(begin, '@', (size_t)(end - begin)), *host = at ? at + 1 : begin;
    const char *bracket = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *rest = bracket ? bracket : host, *colon = memchr(rest, ':', (size_t)(end - rest));
    if (*address == '/' || strncmp(address, "unix://", 7) == 0)
        return 0;
    return colon ? strtoull(colon + 1, NULL, 10) : 6379;
}

static int make_ruleset(const struct settings *s, long abi)
{
    struct ruleset_attr handled = handled_by(abi);
    size_t size = abi >= 6   ? sizeof handled
                  : abi >= 4 ? offsetof(struct ruleset_attr, scoped)
                             : sizeof handled.fs;
    int ruleset = (int)syscall(SYS_CREATE_RULESET, &handled, size, 0);
    if (ruleset < 0)
        return -1;
    allow_cache(ruleset, handled.fs & ~FS_EXECUTE);
    allow_socket(ruleset, s->socket);
    if (handled.net)
        allow_port(ruleset, NET_BIND_TCP, s->port);
    if (handled.net && s->redis && redis_port(s->redis))
        allow_port(ruleset, NET_CONNECT_TCP, redis_port(s->redis));
    return ruleset;
}

enum hone_status sandbox_files(const struct settings *s, struct hone_error *err)
{
    if (!is_wanted(s))
        return HONE_OK;
    long abi = syscall(SYS_CREATE_RULESET, NULL, 0, RULESET_VERSION);
    int ruleset = abi > 0 ? make_ruleset(s, abi) : -1;
    if (ruleset < 0)
        return do_without(s, "this kernel has no Landlock", err);
    bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_RESTRICT_SELF, ruleset, 0) == 0;
    int error = errno;
    close(ruleset);
    errno = error;
    return done ? HONE_OK : do_without(s, "Landlock", err);
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

#define LOAD(field)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(what)         BPF_STMT(BPF_RET | BPF_K, what)
#define DENY                 ANSWER(SECCOMP_RET_ERRNO | EPERM)
#define IF(value, statement) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), statement
#define DENIED(name)         IF(__NR_##name, DENY)

/* The low halves of arguments, on a little-endian machine. */
static const struct sock_filter calls[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#ifdef __x86_64__
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32's calls have other numbers */
    DENY,
    DENIED(fork),
    DENIED(vfork),
#endif
    DENIED(execve),
    DENIED(execveat),
    DENIED(listen),
    DENIED(ptrace),
    DENIED(process_vm_readv),
    DENIED(process_vm_writev),
    DENIED(pidfd_getfd),
    DENIED(mount),
    DENIED(umount2),
    DENIED(pivot_root),
    DENIED(chroot),
    DENIED(setns),
    DENIED(unshare),
    DENIED(bpf),
    DENIED(perf_event_open),
    DENIED(userfaultfd),
    DENIED(io_uring_setup),
    DENIED(keyctl),
    DENIED(add_key),
    DENIED(request_key),
    DENIED(open_by_handle_at),
    DENIED(init_module),
    DENIED(finit_module),
    DENIED(delete_module),
    DENIED(kexec_load),
    DENIED(reboot),
    DENIED(swapon),
    DENIED(swapoff),
    DENIED(setuid),
    DENIED(setgid),
    IF(__NR_clone3, ANSWER(SECCOMP_RET_ERRNO | ENOSYS)), /* whose flags cannot be seen; then clone is taken */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
    DENY,
    ANSWER(SECCOMP_RET_ALLOW),
};

/* Without Redis there is nobody to connect to but who is told that the server is ready. */
static const struct sock_filter sockets[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 7),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
    DENY,
    LOAD(args[1]),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0),
    DENY,
};

enum hone_status sandbox_calls(const struct settings *s, struct hone_error *err)
{
    static const struct sock_filter allow = ANSWER(SECCOMP_RET_ALLOW);
    struct sock_filter code[sizeof calls / sizeof *calls + sizeof sockets / sizeof *sockets + 1];
    size_t n = sizeof calls / sizeof *calls;
    if (!is_wanted(s))
        return HONE_OK;
    memcpy(code, calls, sizeof calls);
    if (!s->redis) {
        memcpy(code + n, sockets, sizeof sockets);
        n += sizeof sockets / sizeof *sockets;
    }
    code[n++] = allow;
    struct sock_fprog program = {(unsigned short)n, code};
    bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
    return done ? HONE_OK : do_without(s, "seccomp", err);
}

#else

enum hone_status sandbox_calls(const struct settings *s, struct hone_error *err)
{
    errno = ENOSYS;
    return is_wanted(s) ? do_without(s, "seccomp", err) : HONE_OK;
}

#endif
