#include "runtime/generate/compiled.h"

#include "runtime/base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct source {
    struct hone_text text;
    bool is_schema;
};

static bool same_source(const struct hash_node *node, const void *key)
{
    const struct compiled *c = (const struct compiled *)node;
    const struct source *source = key;
    return c->is_schema == source->is_schema && strcmp(c->source, source->text.data) == 0;
}

static void let_go(struct lru_entry *entry);

/* Those in it are held by it. */
static struct {
    pthread_mutex_t lock;
    struct lru lru;
    struct lru_entry
        *dead; /* left, and held by nobody: to be destroyed without the lock, as that takes long */
} kept = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .lru = {
        .max_bytes = COMPILED_MEMORY, .max_entries = COMPILED_MOST, .same = same_source, .release = let_go}};

static void destroy(struct compiled *c)
{
    if (!c)
        return;
    grammar_free(c->grammar);
    free(c->notes);
    free(c->source);
    free(c);
}

static uint64_t hash_of(const struct source *source)
{
    return hash_bytes(source->text.data, source->text.size);
}

/* ---- with the lock ---- */

static void let_go(struct lru_entry *entry)
{
    if (--((struct compiled *)entry)->n_holders > 0)
        return;
    entry->older = kept.dead;
    kept.dead = entry;
}

static struct compiled *find(const struct source *source)
{
    struct lru_entry *entry = lru_find(&kept.lru, hash_of(source), source);
    if (!entry)
        return NULL;
    lru_use(&kept.lru, entry);
    struct compiled *c = (struct compiled *)entry;
    c->n_holders++;
    return c;
}

/* ---- all ---- */

/* Unless it is there already, by another thread that compiled it meanwhile. */
static void keep(struct compiled *c, const struct source *source)
{
    uint64_t hash = hash_of(source);
    size_t memory = sizeof *c + source->text.size + grammar_memory(c->grammar);
    pthread_mutex_lock(&kept.lock);
    if (!lru_find(&kept.lru, hash, source) && lru_add(&kept.lru, &c->lru, hash, memory))
        c->n_holders++;
    struct lru_entry *dead = kept.dead;
    kept.dead = NULL;
    pthread_mutex_unlock(&kept.lock);
    for (struct lru_entry *next; dead; dead = next) {
        next = dead->older;
        destroy((struct compiled *)dead);
    }
}

static enum hone_status compile(struct compiled **out, const struct source *source,
                                const struct schema_waiting *waiting, struct hone_error *err)
{
    struct compiled *c = calloc(1, sizeof *c);
    if (!c || !(c->source = strdup(source->text.data))) {
        free(c);
        return hone_no_memory(err, "a grammar", source->text.size);
    }
    enum hone_status status = source->is_schema
                                  ? grammar_from_schema(&c->grammar, source->text, waiting, &c->notes, err)
                                  : grammar_parse(&c->grammar, source->text, err);
    if (status != HONE_OK) {
        destroy(c);
        return status;
    }
    c->is_schema = source->is_schema;
    c->n_holders = 1;
    *out = c;
    return HONE_OK;
}

enum hone_status compiled_of(struct compiled **out, const struct hone_generation *g,
                             const struct schema_waiting *waiting, struct hone_error *err)
{
    const char *text = g->json_schema ? g->json_schema : g->grammar;
    *out = NULL;
    if (!text)
        return HONE_OK;
    if (g->grammar && g->json_schema)
        return hone_fail(err, HONE_USAGE, "a text follows a grammar or a JSON Schema, not both");
    struct source source = {{text, strlen(text)}, text == g->json_schema};
    pthread_mutex_lock(&kept.lock);
    *out = find(&source);
    pthread_mutex_unlock(&kept.lock);
    if (*out)
        return HONE_OK;
    enum hone_status status = compile(out, &source, waiting, err);
    if (status == HONE_OK)
        keep(*out, &source);
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
