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
    for (size_t i = 0; i < COMPILED_MATCHERS; i++)
        matcher_free(c->matchers[i]);
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
    struct compiled *c = (struct compiled *)entry;
    c->is_kept = false;
    if (--c->n_holders > 0)
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

/* The lock is let go. */
static void unlock(void)
{
    struct lru_entry *dead = kept.dead;
    kept.dead = NULL;
    pthread_mutex_unlock(&kept.lock);
    for (struct lru_entry *next; dead; dead = next) {
        next = dead->older;
        destroy((struct compiled *)dead);
    }
}

/* ---- all ---- */

/* Unless it is there already, by another thread that compiled it meanwhile. */
static void keep(struct compiled *c, const struct source *source)
{
    uint64_t hash = hash_of(source);
    size_t memory = sizeof *c + source->text.size + grammar_memory(c->grammar);
    pthread_mutex_lock(&kept.lock);
    if (!lru_find(&kept.lru, hash, source) && lru_add(&kept.lru, &c->lru, hash, memory)) {
        c->n_holders++;
        c->is_kept = true;
    }
    unlock();
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

/* ---- matchers ---- */

enum hone_status compiled_take_matcher(struct compiled *c, const struct token_trie *t, struct matcher **out,
                                       struct hone_error *err)
{
    *out = NULL;
    pthread_mutex_lock(&kept.lock);
    for (size_t i = 0; i < COMPILED_MATCHERS && !*out; i++)
        if (c->matchers[i] && matcher_fits(c->matchers[i], t)) {
            *out = c->matchers[i];
            c->matchers[i] = NULL;
            if (c->is_kept)
                lru_resize(&kept.lru, &c->lru, c->lru.bytes - matcher_memory(*out));
        }
    unlock();
    return *out ? HONE_OK : matcher_new(out, c->grammar, err);
}

/* Where no place is free the last one's is: it may be of a vocabulary that is gone. */
void compiled_give_matcher(struct compiled *c, struct matcher *m)
{
    struct hone_error err;
    if (!m)
        return;
    bool ok = matcher_reset(m, &err) == HONE_OK;
    size_t memory = matcher_memory(m), i = 0;
    pthread_mutex_lock(&kept.lock);
    ok = ok && c->is_kept && memory <= COMPILED_PER_MATCHER;
    while (i < COMPILED_MATCHERS - 1 && c->matchers[i])
        i++;
    size_t gone = c->matchers[i] ? matcher_memory(c->matchers[i]) : 0;
    if (ok && lru_resize(&kept.lru, &c->lru, c->lru.bytes - gone + memory)) {
        struct matcher *last = c->matchers[i];
        c->matchers[i] = m;
        m = last;
    }
    unlock();
    matcher_free(m);
}
