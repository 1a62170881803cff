#include "cli/load/reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void reply_begin(struct reply *r, const struct load_dialect *dialect)
{
    *r = (struct reply){.dialect = dialect,
                        .in = r->in,
                        .n_room = r->n_room,
                        .body = r->body,
                        .body_room = r->body_room,
                        .keeps = true};
}

void reply_release(struct reply *r)
{
    free(r->in);
    free(r->body);
    *r = (struct reply){0};
}

/* Puts n bytes behind those that are there, and a NUL. */
static bool put(char **to, size_t *n_to, size_t *room, const char *data, size_t n, size_t most)
{
    if (n > most - *n_to)
        return false;
    if (*n_to + n + 1 > *room) {
        size_t more = 2 * (*n_to + n) + 256;
        char *bigger = realloc(*to, more);
        if (!bigger)
            return false;
        *to = bigger;
        *room = more;
    }
    memcpy(*to + *n_to, data, n);
    *n_to += n;
    (*to)[*n_to] = '\0';
    return true;
}

/* ---- the body ---- */

static void read_line(struct reply *r, const char *line, size_t n, uint64_t now)
{
    if (n && line[n - 1] == '\r')
        n--;
    struct load_event event = load_dialect_line(r->dialect, line, n);
    r->n_events += event.has_text;
    if (event.has_text && !r->first)
        r->first = now;
    r->n_tokens = event.n_tokens ? event.n_tokens : r->n_tokens;
    r->ended |= event.is_end;
    r->failed |= event.is_error;
}

static void read_body(struct reply *r, const char *data, size_t n, uint64_t now)
{
    const size_t most = r->streams ? REPLY_MAX_LINE : REPLY_MAX_BODY;
    const char *end;
    while (r->streams && (end = memchr(data, '\n', n))) {
        size_t n_line = (size_t)(end - data);
        bool is_whole = r->n_body == 0;
        if (is_whole ? n_line > most : !put(&r->body, &r->n_body, &r->body_room, data, n_line, most)) {
            r->state = REPLY_BAD;
            return;
        }
        read_line(r, is_whole ? data : r->body, is_whole ? n_line : r->n_body, now);
        r->n_body = 0;
        data += n_line + 1;
        n -= n_line + 1;
    }
    if (!put(&r->body, &r->n_body, &r->body_room, data, n, most))
        r->state = REPLY_BAD;
}

static void finish(struct reply *r, uint64_t now)
{
    if (r->streams && r->n_body) /* a last line that nothing ends */
        read_line(r, r->body, r->n_body, now);
    if (r->state == REPLY_BODY)
        r->state = REPLY_DONE;
}

/* Takes a line of n bytes from *data into r->in; true: it is complete. */
static bool take_line(struct reply *r, const char **data, size_t *n)
{
    const char *end = memchr(*data, '\n', *n);
    size_t n_part = end ? (size_t)(end - *data) + 1 : *n;
    if (!put(&r->in, &r->n_in, &r->n_room, *data, n_part, REPLY_MAX_HEAD))
        r->state = REPLY_BAD;
    *data += n_part;
    *n -= n_part;
    return end && r->state != REPLY_BAD;
}

/* "1a;name=value": the size of a chunk. */
static void read_chunk_size(struct reply *r)
{
    char *end;
    unsigned long long size = strtoull(r->in, &end, 16);
    bool well = isxdigit((unsigned char)r->in[0]) && strchr("; \t\r\n", *end) && size <= REPLY_MAX_BODY;
    r->state = well ? r->state : REPLY_BAD;
    r->left = (size_t)size;
    r->chunk = size ? CHUNK_DATA : CHUNK_TRAILER;
    r->n_in = 0;
}

static void read_chunks(struct reply *r, const char *data, size_t n, uint64_t now)
{
    while (n && r->state == REPLY_BODY) {
        if (r->chunk == CHUNK_DATA) {
            size_t part = n < r->left ? n : r->left;
            read_body(r, data, part, now);
            data += part;
            n -= part;
            r->left -= part;
            r->chunk = r->left ? CHUNK_DATA : CHUNK_END;
            continue;
        }
        if (!take_line(r, &data, &n))
            continue;
        bool is_empty = r->in[0] == '\n' || strcmp(r->in, "\r\n") == 0;
        if (r->chunk == CHUNK_SIZE)
            read_chunk_size(r);
        else if (r->chunk == CHUNK_END) {
            r->state = is_empty ? r->state : REPLY_BAD;
            r->chunk = CHUNK_SIZE;
        } else if (is_empty)
            finish(r, now);
        r->n_in = 0;
    }
    if (n && r->state ==
                 REPLY_DONE) /* bytes that nobody asked for: what comes next on this connection is not ours */
        r->keeps = false;
}

static void read_by_length(struct reply *r, const char *data, size_t n, uint64_t now)
{
    size_t part = r->by == BY_LENGTH && n > r->left ? r->left : n;
    read_body(r, data, part, now);
    if (r->by == BY_END)
        return;
    r->left -= part;
    r->keeps &= part == n;
    if (r->left == 0)
        finish(r, now);
}

/* ---- the head ---- */

/* The value of the header line, if it is of that name. */
static const char *header(const char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

static bool says(const char *value, const char *word)
{
    size_t n = strlen(word);
    for (; *value && *value != '\n'; value++)
        if (strncasecmp(value, word, n) == 0)
            return true;
    return false;
}

static void read_header(struct reply *r, const char *line, bool *has_length)
{
    const char *value;
    char *end;
    if ((value = header(line, "content-length"))) {
        unsigned long long length = strtoull(value, &end, 10);
        bool well = isdigit((unsigned char)*value) && strchr(" \t\r\n", *end) && length <= REPLY_MAX_BODY;
        r->state = well ? r->state : REPLY_BAD;
        r->left = (size_t)length;
        *has_length = true;
    } else if ((value = header(line, "transfer-encoding")) && says(value, "chunked"))
        r->by = BY_CHUNKS;
    else if ((value = header(line, "connection")) && says(value, "close"))
        r->keeps = false;
}

static bool read_status(struct reply *r)
{
    if (r->n_in < 12 || strncmp(r->in, "HTTP/1.", 7) != 0 || r->in[8] != ' ')
        return false;
    r->status = atoi(r->in + 9);
    r->keeps = r->in[7] != '0';
    return r->status >= 100 && r->status < LOAD_STATUSES;
}

/* r->in is the whole head, its lines end with \n. */
static void read_head(struct reply *r, uint64_t now)
{
    bool has_length = false;
    r->by = BY_END;
    r->state = REPLY_BODY;
    if (!read_status(r)) {
        r->state = REPLY_BAD;
        return;
    }
    for (const char *line = strchr(r->in, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        read_header(r, line + 1, &has_length);
    if (r->state == REPLY_BAD)
        return;
    r->n_in = 0;
    if (r->status < 200) { /* 100 Continue, and the like: the answer is still to come */
        r->state = REPLY_HEAD;
        return;
    }
    bool is_empty = r->status == 204 || r->status == 304;
    r->by = r->by == BY_CHUNKS ? BY_CHUNKS : has_length || is_empty ? BY_LENGTH : BY_END;
    r->left = is_empty ? 0 : r->left;
    r->streams = r->status == 200 && r->dialect && load_dialect_streams(r->dialect);
    r->keeps &= r->by != BY_END;
    if (r->by == BY_LENGTH && r->left == 0)
        finish(r, now);
}

/* Whether the last line is empty. */
static bool head_is_complete(const struct reply *r)
{
    size_t n = r->n_in;
    return (n >= 2 && r->in[n - 1] == '\n' && r->in[n - 2] == '\n') ||
           (n >= 4 && memcmp(r->in + n - 4, "\r\n\r\n", 4) == 0) ||
           (n >= 3 && memcmp(r->in + n - 3, "\n\r\n", 3) == 0);
}

void reply_read(struct reply *r, const char *data, size_t n, uint64_t now)
{
    r->has_begun |= n > 0;
    while (n && r->state == REPLY_HEAD)
        if (take_line(r, &data, &n) && head_is_complete(r))
            read_head(r, now);
    if (n == 0 || r->state == REPLY_BAD)
        return;
    if (r->state == REPLY_DONE)
        r->keeps = false;
    else if (r->by == BY_CHUNKS)
        read_chunks(r, data, n, now);
    else
        read_by_length(r, data, n, now);
}

void reply_end(struct reply *r, uint64_t now)
{
    r->keeps = false;
    if (r->state == REPLY_BODY && r->by == BY_END)
        finish(r, now);
}

struct load_result reply_result(const struct reply *r)
{
    struct load_result result = {.outcome = LOAD_GOOD, .status = r->status, .first = r->first};
    if (r->state == REPLY_BAD)
        result.outcome = LOAD_MALFORMED;
    else if (r->state != REPLY_DONE)
        result.outcome = LOAD_CLOSED;
    else if (r->status != 200)
        result.outcome = LOAD_STATUS;
    else if (r->streams) {
        result.n_tokens = r->n_tokens ? r->n_tokens : r->n_events;
        if (r->failed || !r->ended)
            result.outcome = LOAD_WRONG;
    } else if (r->dialect &&
               !load_dialect_check(r->dialect, r->n_body ? r->body : "", r->n_body, &result.n_tokens))
        result.outcome = LOAD_WRONG;
    return result;
}
