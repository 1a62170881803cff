#include "runtime/generate/compiled.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The one that was used last comes first. Those in it are held by it. */
static struct {
    pthread_mutex_t lock;
    struct compiled *first, *last;
    size_t n, memory;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void destroy(struct compiled *c)
{
    if (!c)
        return;
    grammar_free(c->grammar);
    free(c->notes);
    free(c->source);
    free(c);
}

/* ---- the list; with the lock ---- */

static void unlink_kept(struct compiled *c)
{
    *(c->prev ? &c->prev->next : &kept.first) = c->next;
    *(c->next ? &c->next->prev : &kept.last) = c->prev;
    kept.n--;
    kept.memory -= c->memory;
}

static void link_first(struct compiled *c)
{
    c->prev = NULL;
    c->next = kept.first;
    *(kept.first ? &kept.first->prev : &kept.last) = c;
    kept.first = c;
    kept.n++;
    kept.memory += c->memory;
}

static struct compiled *find(const char *source, uint64_t hash, bool is_schema)
{
    struct compiled *c = kept.first;
    while (c && (c->hash != hash || c->is_schema != is_schema || strcmp(c->source, source) != 0))
        c = c->next;
    if (!c)
        return NULL;
    unlink_kept(c);
    link_first(c);
    c->n_holders++;
    return c;
}

/* Takes those out that are too many; returns one that nobody holds any more, to be destroyed without the lock. */
static struct compiled *drop_last(void)
{
    while (kept.n > COMPILED_MOST || (kept.n > 0 && kept.memory > COMPILED_MEMORY)) {
        struct compiled *c = kept.last;
        unlink_kept(c);
        if (--c->n_holders == 0)
            return c;
    }
    return NULL;
}

static void keep(struct compiled *c)
{
    struct compiled *over;
    pthread_mutex_lock(&kept.lock);
    c->n_holders++;
    link_first(c);
    while ((over = drop_last())) {
        pthread_mutex_unlock(&kept.lock);
        destroy(over);
        pthread_mutex_lock(&kept.lock);
    }
    pthread_mutex_unlock(&kept.lock);
}

/* ---- all ---- */

static enum hone_status compile(struct compiled **out, const char *source, bool is_schema,
                                const struct schema_waiting *waiting, struct hone_error *err)
{
    size_t size = strlen(source);
    struct compiled *c = calloc(1, sizeof *c);
    if (!c || !(c->source = strdup(source))) {
        free(c);
        return hone_no_memory(err, "a grammar", size);
    }
    struct hone_text text = {source, size};
    enum hone_status status = is_schema ? grammar_from_schema(&c->grammar, text, waiting, &c->notes, err)
                                        : grammar_parse(&c->grammar, text, err);
    if (status != HONE_OK) {
        destroy(c);
        return status;
    }
    c->is_schema = is_schema;
    c->hash = XXH3_64bits(source, size);
    c->memory = sizeof *c + size + grammar_memory(c->grammar);
    c->n_holders = 1;
    *out = c;
    return HONE_OK;
}

enum hone_status compiled_of(struct compiled **out, const struct hone_generation *g,
                             const struct schema_waiting *waiting, struct hone_error *err)
{
    const char *source = g->json_schema ? g->json_schema : g->grammar;
    *out = NULL;
    if (!source)
        return HONE_OK;
    if (g->grammar && g->json_schema)
        return hone_fail(err, HONE_USAGE, "a text follows a grammar or a JSON Schema, not both");
    uint64_t hash = XXH3_64bits(source, strlen(source));
    pthread_mutex_lock(&kept.lock);
    *out = find(source, hash, source == g->json_schema);
    pthread_mutex_unlock(&kept.lock);
    if (*out)
        return HONE_OK;
    enum hone_status status = compile(out, source, source == g->json_schema, waiting, err);
    if (status == HONE_OK)
        keep(*out);
    return status;
}

void compiled_hold(struct compiled *c)
{
    pthread_mutex_lock(&kept.lock);
    c->n_holders++;
    pthread_mutex_unlock(&kept.lock);
}

void compiled_release(struct compiled *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&kept.lock);
    bool is_last = --c->n_holders == 0;
    pthread_mutex_unlock(&kept.lock);
    if (is_last)
        destroy(c);
}
