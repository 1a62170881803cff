#include "cli/io/codec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef HONE_ZLIB
#include <zlib.h>
#endif
#ifdef HONE_ZSTD
#include <zstd.h>
#endif
#ifdef HONE_LZMA
#include <lzma.h>
#endif

struct codec {
    enum codec_kind kind;
    bool compress, fresh; /* fresh: between two streams of a file */
#ifdef HONE_ZLIB
    z_stream gzip;
#endif
#ifdef HONE_ZSTD
    ZSTD_CCtx *writer;
    ZSTD_DCtx *reader;
#endif
#ifdef HONE_LZMA
    lzma_stream xz;
#endif
};

static const struct {
    const char *name, *end, *magic;
    size_t n_magic;
} kinds[] = {[CODEC_NONE] = {"plain", "", "", 0},
             [CODEC_GZIP] = {"gzip", ".gz", "\x1f\x8b", 2},
             [CODEC_ZSTD] = {"zstd", ".zst", "\x28\xb5\x2f\xfd", 4},
             [CODEC_XZ] = {"xz", ".xz",
                           "\xfd"
                           "7zXZ\0",
                           6}};

const char *codec_name(enum codec_kind kind)
{
    return kinds[kind].name;
}

enum codec_kind codec_of_content(const void *head, size_t n)
{
    for (enum codec_kind kind = CODEC_GZIP; kind <= CODEC_XZ; kind++)
        if (n >= kinds[kind].n_magic && memcmp(head, kinds[kind].magic, kinds[kind].n_magic) == 0)
            return kind;
    return CODEC_NONE;
}

bool codec_could_be(const void *head, size_t n)
{
    for (enum codec_kind kind = CODEC_GZIP; kind <= CODEC_XZ; kind++)
        if (memcmp(head, kinds[kind].magic, n < kinds[kind].n_magic ? n : kinds[kind].n_magic) == 0)
            return true;
    return false;
}

enum codec_kind codec_of_name(const char *name, size_t *stem)
{
    size_t n = strlen(name);
    for (enum codec_kind kind = CODEC_GZIP; kind <= CODEC_XZ; kind++) {
        size_t k = strlen(kinds[kind].end);
        if (n <= k || strcasecmp(name + n - k, kinds[kind].end) != 0)
            continue;
        if (stem)
            *stem = n - k;
        return kind;
    }
    if (stem)
        *stem = n;
    return CODEC_NONE;
}

const char *codec_version(enum codec_kind kind)
{
    const char *version = NULL;
#ifdef HONE_ZLIB
    version = kind == CODEC_GZIP ? zlibVersion() : version;
#endif
#ifdef HONE_ZSTD
    version = kind == CODEC_ZSTD ? ZSTD_versionString() : version;
#endif
#ifdef HONE_LZMA
    version = kind == CODEC_XZ ? lzma_version_string() : version;
#endif
    (void)kind;
    return version;
}

/* ---- gzip ---- */

#ifdef HONE_ZLIB
#define GZIP_FORM (15 + 16) /* the largest window, and gzip's header */

static bool open_gzip(struct codec *c)
{
    return c->compress ? deflateInit2(&c->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORM, 8,
                                      Z_DEFAULT_STRATEGY) == Z_OK
                       : inflateInit2(&c->gzip, GZIP_FORM) == Z_OK;
}

static bool run_gzip(struct codec *c, const char **in, size_t *n_in, char **out, size_t *n_out, bool last,
                     bool *ended)
{
    if (!c->compress && c->fresh && *n_in > 0 && inflateReset(&c->gzip) != Z_OK)
        return false;
    c->gzip.next_in = (Bytef *)*in;
    c->gzip.avail_in = *n_in < 1u << 30 ? (uInt)*n_in : 1u << 30;
    c->gzip.next_out = (Bytef *)*out;
    c->gzip.avail_out = *n_out < 1u << 30 ? (uInt)*n_out : 1u << 30;
    int status = c->compress              ? deflate(&c->gzip, last ? Z_FINISH : Z_NO_FLUSH)
                 : c->fresh && *n_in == 0 ? Z_STREAM_END
                                          : inflate(&c->gzip, Z_NO_FLUSH);
    *n_in -= (size_t)((const char *)c->gzip.next_in - *in);
    *n_out -= (size_t)((char *)c->gzip.next_out - *out);
    *in = (const char *)c->gzip.next_in;
    *out = (char *)c->gzip.next_out;
    *ended = c->fresh = status == Z_STREAM_END;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}
#endif

/* ---- zstd ---- */

#ifdef HONE_ZSTD
static bool open_zstd(struct codec *c)
{
    if (c->compress)
        c->writer = ZSTD_createCCtx();
    else
        c->reader = ZSTD_createDCtx();
    return c->writer || c->reader;
}

static bool run_zstd(struct codec *c, const char **in, size_t *n_in, char **out, size_t *n_out, bool last,
                     bool *ended)
{
    ZSTD_inBuffer from = {*in, *n_in, 0};
    ZSTD_outBuffer to = {*out, *n_out, 0};
    size_t left = c->compress
                      ? ZSTD_compressStream2(c->writer, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue)
                  : c->fresh && *n_in == 0 ? 0
                                           : ZSTD_decompressStream(c->reader, &to, &from);
    *in += from.pos;
    *n_in -= from.pos;
    *out += to.pos;
    *n_out -= to.pos;
    *ended = c->fresh = left == 0;
    return !ZSTD_isError(left);
}
#endif

/* ---- xz ---- */

#ifdef HONE_LZMA
#define MOST_MEMORY ((uint64_t)1 << 30) /* a file can ask for any amount */

static bool open_xz(struct codec *c)
{
    return (c->compress ? lzma_easy_encoder(&c->xz, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64)
                        : lzma_stream_decoder(&c->xz, MOST_MEMORY, LZMA_CONCATENATED)) == LZMA_OK;
}

static bool run_xz(struct codec *c, const char **in, size_t *n_in, char **out, size_t *n_out, bool last,
                   bool *ended)
{
    c->xz.next_in = (const uint8_t *)*in;
    c->xz.avail_in = *n_in;
    c->xz.next_out = (uint8_t *)*out;
    c->xz.avail_out = *n_out;
    lzma_ret status = lzma_code(&c->xz, last ? LZMA_FINISH : LZMA_RUN);
    *in = (const char *)c->xz.next_in;
    *n_in = c->xz.avail_in;
    *out = (char *)c->xz.next_out;
    *n_out = c->xz.avail_out;
    *ended = status == LZMA_STREAM_END;
    return status == LZMA_OK || status == LZMA_STREAM_END || status == LZMA_BUF_ERROR;
}
#endif

/* ---- all ---- */

struct codec *codec_open(enum codec_kind kind, bool compress, const char **why)
{
    struct codec *c = calloc(1, sizeof *c);
    bool known = false, ok = false;
    *why = "out of memory";
    if (!c)
        return NULL;
    c->kind = kind;
    c->compress = compress;
#ifdef HONE_ZLIB
    if (kind == CODEC_GZIP)
        ok = known = open_gzip(c);
#endif
#ifdef HONE_ZSTD
    if (kind == CODEC_ZSTD)
        ok = known = open_zstd(c);
#endif
#ifdef HONE_LZMA
    if (kind == CODEC_XZ)
        ok = known = open_xz(c);
#endif
    if (ok)
        return c;
    if (!known)
        *why = "this hone was built without the library for it";
    codec_close(c);
    return NULL;
}

void codec_close(struct codec *c)
{
    if (!c)
        return;
#ifdef HONE_ZLIB
    if (c->kind == CODEC_GZIP)
        (void)(c->compress ? deflateEnd(&c->gzip) : inflateEnd(&c->gzip));
#endif
#ifdef HONE_ZSTD
    ZSTD_freeCCtx(c->writer);
    ZSTD_freeDCtx(c->reader);
#endif
#ifdef HONE_LZMA
    if (c->kind == CODEC_XZ)
        lzma_end(&c->xz);
#endif
    free(c);
}

bool codec_run(struct codec *c, const char **in, size_t *n_in, char **out, size_t *n_out, bool last,
               bool *ended)
{
    *ended = false;
#ifdef HONE_ZLIB
    if (c->kind == CODEC_GZIP)
        return run_gzip(c, in, n_in, out, n_out, last, ended);
#endif
#ifdef HONE_ZSTD
    if (c->kind == CODEC_ZSTD)
        return run_zstd(c, in, n_in, out, n_out, last, ended);
#endif
#ifdef HONE_LZMA
    if (c->kind == CODEC_XZ)
        return run_xz(c, in, n_in, out, n_out, last, ended);
#endif
    (void)c; /* a build without any of the three */
    (void)in;
    (void)n_in;
    (void)out;
    (void)n_out;
    (void)last;
    return false;
}
