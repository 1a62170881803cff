/* What the program is told by others, without the network: the first byte says what. A reply to hone bench load, told at once and
 * bit by bit, is the same; of a listing of the hub's, behind a model's name and a NUL, only files inside the model's folder are
 * chosen; a list of parts that came says nothing of parts that there are not. */
#include "cli/hub/fetch/parts.h"
#include "cli/hub/listing.h"
#include "cli/load/reply.h"
#include "tests/fuzz/harness.h"

#include <string.h>
#include <unistd.h>

static struct load_result read_reply(const struct load_dialect *dialect, const uint8_t *data, size_t size,
                                     size_t step, bool *keeps)
{
    struct reply r = {0};
    reply_begin(&r, dialect);
    for (size_t at = 0; at < size; at += step)
        reply_read(&r, (const char *)data + at, size - at < step ? size - at : step, 7);
    reply_end(&r, 7);
    const struct load_result result = reply_result(&r);
    *keeps = r.keeps;
    reply_release(&r);
    return result;
}

static void check_reply(const char *path, const uint8_t *data, size_t size)
{
    size_t prefix;
    bool keeps[2];
    const struct load_dialect *dialect = load_dialect_find(path, NULL, NULL, &prefix);
    FUZZ_CHECK(dialect);
    const struct load_result whole = read_reply(dialect, data, size, size + 1, &keeps[0]),
                             bits = read_reply(dialect, data, size, 1 + size % 5, &keeps[1]);
    FUZZ_CHECK(whole.outcome == bits.outcome && whole.n_tokens == bits.n_tokens);
    FUZZ_CHECK(whole.outcome == LOAD_MALFORMED || (whole.status == bits.status && whole.first == bits.first));
    FUZZ_CHECK(keeps[0] == keeps[1]);
}

static void check_listing(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct hub_listing l;
    struct hub_name name;
    const char *json = memchr(data, 0, size);
    if (!json || hub_name_read(&name, (const char *)data, &err) != HONE_OK)
        return;
    json++;
    if (listing_read(&l, json, size - (size_t)(json - (const char *)data), &err) == HONE_OK) {
        bool has = false;
        (void)listing_is_whole(&l);
        const enum hone_status status = listing_pick(&l, &name, &err);
        FUZZ_CHECK(status == HONE_OK || *err.message);
        for (size_t i = 0; i < l.n; i++) {
            FUZZ_CHECK(hub_is_inside(l.files[i].path));
            FUZZ_CHECK(strlen(l.files[i].hash) == 40 || strlen(l.files[i].hash) == 64);
            has |= l.files[i].chosen;
        }
        FUZZ_CHECK(status != HONE_OK || (has && (!l.gguf || hub_is_inside(l.gguf))));
    } else {
        FUZZ_CHECK(*err.message);
    }
    listing_release(&l);
}

static void check_parts(const uint8_t *data, size_t size)
{
#ifdef HONE_CURL
    enum { SIZE = 1000, PART = 64, N = (SIZE + PART - 1) / PART };
    char path[FUZZ_PATH], list[FUZZ_PATH];
    struct parts p;
    struct hone_error err = {0};
    size_t n = 0, part;
    fuzz_write(fuzz_place(list, "file.parts"), data, size);
    FUZZ_CHECK(parts_open(&p, fuzz_place(path, "file"), SIZE, PART, &err) == HONE_OK);
    FUZZ_CHECK(p.n == N && p.n_done <= N && parts_bytes(&p) <= SIZE);
    for (; parts_take(&p, &part); n++) {
        FUZZ_CHECK(part < N && parts_start(&p, part) < parts_end(&p, part) && parts_end(&p, part) <= SIZE);
        FUZZ_CHECK(parts_finish(&p, part, &err) == HONE_OK);
    }
    FUZZ_CHECK(p.n_done == N && parts_bytes(&p) == SIZE);
    parts_close(&p, false);
    FUZZ_CHECK(parts_open(&p, path, SIZE, PART, &err) == HONE_OK && p.n_done == N); /* as it was left */
    parts_close(&p, true);
#else
    (void)data, (void)size;
#endif
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        "/v1/embeddings", "/embed",       "/v1/rerank", "/v1/chat/completions",
        "/v1/responses",  "/v1/messages", "/api/chat",  "/completion"};
    enum { N_PATHS = sizeof paths / sizeof *paths };
    if (size == 0)
        return;
    const unsigned which = *data % (N_PATHS + 2);
    if (which < N_PATHS)
        check_reply(paths[which], data + 1, size - 1);
    else if (which == N_PATHS)
        check_listing(data + 1, size - 1);
    else
        check_parts(data + 1, size - 1);
}

#define HEX40 "0123456789abcdef0123456789abcdef01234567"
#define HEX64 HEX40 "0123456789abcdef01234567"

/* 'F' is 70, from where on letters stand for what the first byte says. */
FUZZ_SEEDS(
    FUZZ_TEXT("FHTTP/1.1 200 OK\r\nContent-Length: 66\r\n\r\n{\"data\":[{\"embedding\":[1,2.5]}],\"usage\":{"
              "\"total_tokens\": 3}}     \n"),
    FUZZ_TEXT("GHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\n[[0,\r\n3\r\n1]]\r\n0\r\nX: "
              "y\r\n\r\n"),
    FUZZ_TEXT("HHTTP/1.0 200 OK\r\n\r\n{\"results\": [{\"index\":0}], \"total_tokens\": 12}"),
    FUZZ_TEXT("IHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: {\"choices\":"
              "[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"usage\":{\"completion_tokens\":4}}\n\n"
              "data: [DONE]\n\n"),
    FUZZ_TEXT("JHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1a\nevent: x\ndata: {\"delta\":\"\n"
              "7\ny\"}\n\n\nd\n0\n\n"),
    FUZZ_TEXT("KHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
    FUZZ_TEXT("LHTTP/1.1 200 OK\r\n\r\n{\"message\":{\"content\":\"a\"}}\n{\"done\":true,\"eval_count\":1}"),
    FUZZ_TEXT("MHTTP/1.1 200 OK\r\n\r\ndata: {\"error\":\"x\"}\n"),
    FUZZ_TEXT("Na/b\0{\"sha\":\"" HEX40 "\",\"siblings\":[{\"rfilename\":\"config.json\",\"size\":3,"
              "\"blobId\":\"" HEX40
              "\"},{\"rfilename\":\"model-00001-of-00002.safetensors\",\"size\":9,\"lfs\":"
              "{\"sha256\":\"" HEX64 "\"}},{\"rfilename\":\"1_Pooling/config.json\",\"size\":1,\"blobId\":"
              "\"" HEX40 "\"}]}"),
    FUZZ_TEXT("Na/b:q4_k_m@v1\0{\"sha\":\"" HEX40 "\",\"siblings\":[{\"rfilename\":\"m-Q4_K_M.gguf\",\"size\""
              ":3,\"lfs\":{\"oid\":\"" HEX64
              "\"}},{\"rfilename\":\"x-00001-of-00002.gguf\",\"size\":3,\"lfs\":{\"oid\":\"" HEX64 "\"}}]}"),
    FUZZ_TEXT("O1000 64\n0\n3\n15\n1"))

/* Of the listing alone. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    return size > 1 && *data == 'N' ? fuzz_shape_parts(data, size, capacity, 1) : 0;
}
