#include "cli/hub/fetch/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (1u << 20) /* read at once: calls of the system cost nothing beside a hash of a megabyte */

struct sum {
    bool is_sha256;
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
};

static void add(struct sum *s, const void *data, size_t n)
{
    if (s->is_sha256)
        sha256_update(&s->sha256, n, data);
    else
        sha1_update(&s->sha1, n, data);
}

static void finish(struct sum *s, char hex[65])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    size_t n = s->is_sha256 ? SHA256_DIGEST_SIZE : SHA1_DIGEST_SIZE;
    if (s->is_sha256)
        sha256_digest(&s->sha256, n, digest);
    else
        sha1_digest(&s->sha1, n, digest);
    for (size_t i = 0; i < n; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* Git puts a header before what it hashes. */
static void start(struct sum *s, bool is_sha256, off_t size)
{
    char header[64];
    s->is_sha256 = is_sha256;
    sha256_init(&s->sha256);
    sha1_init(&s->sha1);
    int n = snprintf(header, sizeof header, "blob %lld", (long long)size);
    if (!is_sha256)
        add(s, header, (size_t)n + 1);
}

enum hone_status checksum_check(const char *path, const char *hash, const char *what, struct hone_error *err)
{
    struct sum s;
    struct stat info;
    char hex[65];
    ssize_t n = -1;
    char *block = malloc(BLOCK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (block && fd >= 0 && fstat(fd, &info) == 0) {
        start(&s, strlen(hash) == 64, info.st_size);
        while ((n = read(fd, block, BLOCK)) > 0)
            add(&s, block, (size_t)n);
        finish(&s, hex);
    }
    int error = errno;
    free(block);
    if (fd >= 0)
        close(fd);
    if (n != 0)
        return hub_fail(err, HONE_FAILED, "%s: cannot be read: %s", path, strerror(error));
    if (strcmp(hex, hash) == 0)
        return HONE_OK;
    return hub_fail(err, HONE_FAILED,
                    "%s: the content is not what the hub has: its checksum is %.12s..., expected %.12s...",
                    what, hex, hash);
}
