#include "cli/hub/fail.h"
#include "cli/hub/listing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define USUAL "Q4_K_M" /* of several quantisations: small, and what most people take */

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcasecmp(path + n - k, end) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* How many files one model was cut into, of which this is number *i: "...-00001-of-00003". 0: none such. */
static size_t cut_into(const char *path, const char *end, unsigned *i)
{
    unsigned n;
    int used = 0;
    const char *name = base_name(path);
    size_t size = strlen(name), tail = strlen("-00001-of-00001") + strlen(end);
    if (!ends_with(name, end) || size < tail)
        return 0;
    return sscanf(name + size - tail, "-%5u-of-%5u%n", i, &n, &used) == 2 && used == 15 && *i >= 1 && *i <= n
               ? n
               : 0;
}

static size_t parts_of(const char *path, const char *end)
{
    unsigned i;
    return cut_into(path, end, &i);
}

/* Of such files the first stands for all. */
static bool is_later_part(const char *path)
{
    unsigned i;
    return cut_into(path, ".gguf", &i) > 1 && i > 1;
}

/* ---- one GGUF file ---- */

/* A model by itself, and not what reads pictures for one. */
static bool is_gguf(const char *path)
{
    return ends_with(path, ".gguf") && strncasecmp(base_name(path), "mmproj", 6) != 0;
}

bool listing_says(const char *path, const char *quantisation)
{
    const char *name = base_name(path);
    size_t n = strlen(name), k = strlen(quantisation), end = strlen(".gguf");
    if (n < k + end || !ends_with(name, ".gguf"))
        return false;
    if (parts_of(name, ".gguf") > 1)
        end += strlen("-00001-of-00001");
    if (n < k + end)
        return false;
    const char *at = name + n - end - k;
    return strncasecmp(at, quantisation, k) == 0 && (at == name || !isalnum((unsigned char)at[-1]));
}

static bool fits(const struct hub_file *f, const char *pick)
{
    return is_gguf(f->path) && !is_later_part(f->path) && (!*pick || listing_says(f->path, pick));
}

static enum hone_status not_one(const struct hub_listing *l, const struct hub_name *name, size_t n_fitting,
                                struct hone_error *err)
{
    char names[640] = "";
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!is_gguf(l->files[i].path) || is_later_part(l->files[i].path))
            continue;
        size_t used = strlen(names);
        if (used + strlen(l->files[i].path) + 8 < sizeof names)
            snprintf(names + used, sizeof names - used, "%s%s", n ? ", " : "", l->files[i].path);
        n++;
    }
    if (n_fitting == 0)
        return hub_fail(err, HONE_USAGE, "%s has no file '%s'%s%s", name->repo, name->pick,
                        n ? "; its GGUF files: " : " and no GGUF file", names);
    return hub_fail(err, HONE_USAGE, "%s has several models; name one of them, %s:FILE: %s", name->repo,
                    name->repo, names);
}

/* All files that the model of `path` was cut into, the first one last: where it is, the others are. */
static enum hone_status choose_parts(struct hub_listing *l, const char *path, struct hone_error *err)
{
    const size_t n = parts_of(path, ".gguf"), same = strlen(path) - strlen("00001-of-00001.gguf");
    size_t n_there = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct hub_file *f = &l->files[i];
        f->chosen = strncmp(f->path, path, same) == 0 && parts_of(f->path, ".gguf") == n &&
                    strlen(f->path) == strlen(path);
        n_there += f->chosen;
    }
    for (size_t i = 0; i < l->n; i++)
        if (l->files[i].chosen && !is_later_part(l->files[i].path)) {
            const struct hub_file first = l->files[i];
            l->files[i] = l->files[l->n - 1];
            l->files[l->n - 1] = first;
            l->gguf = first.path;
            break;
        }
    return n_there == n && l->gguf
               ? HONE_OK
               : hub_fail(err, HONE_USAGE, "%s is one of %zu parts of a model, of which %zu are there", path,
                          n, n_there);
}

static enum hone_status pick_gguf(struct hub_listing *l, const struct hub_name *name, const char *pick,
                                  struct hone_error *err)
{
    size_t n = 0;
    struct hub_file *found = NULL;
    for (size_t i = 0; i < l->n; i++) {
        bool exact = *pick && strcmp(l->files[i].path, pick) == 0;
        if (!exact && !fits(&l->files[i], pick))
            continue;
        n = exact ? 1 : n + 1;
        found = &l->files[i];
        if (exact)
            break;
    }
    if (n != 1 && !*pick)
        return pick_gguf(l, name, USUAL, err) == HONE_OK ? HONE_OK : not_one(l, name, 2, err);
    if (n != 1)
        return not_one(l, name, n, err);
    if (!ends_with(found->path, ".gguf"))
        return hub_fail(err, HONE_USAGE, "%s is no GGUF file; '%s' alone names the model's folder",
                        found->path, name->repo);
    if (parts_of(found->path, ".gguf") > 1)
        return choose_parts(l, found->path, err);
    found->chosen = true;
    l->gguf = found->path;
    return HONE_OK;
}

/* ---- a folder ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* What is read beside the weights (runtime/load/import). */
static const char *const root_files[] = {"config.json",
                                         "generation_config.json",
                                         "chat_template.jinja",
                                         "additional_chat_templates/tool_use.jinja",
                                         "additional_chat_templates/rag.jinja",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "added_tokens.json",
                                         "vocab.json",
                                         "merges.txt",
                                         "vocab.txt",
                                         "spiece.model",
                                         "spm.model",
                                         "sentencepiece.bpe.model",
                                         "tokenizer.model",
                                         "modules.json",
                                         "sentence_bert_config.json",
                                         "config_sentence_transformers.json",
                                         NULL};

/* How weights may come: one file, or several and an index; the first that is there is read (runtime/load/import). */
static const struct weights_form {
    const char *single, *index, *parts, *end; /* parts: what the names of several begin with */
} forms[] = {{"model.safetensors", "model.safetensors.index.json", "model-", ".safetensors"},
             {"pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-", ".bin"}};

static bool has(const struct hub_listing *l, const char *path)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->files[i].path, path) == 0)
            return true;
    return false;
}

/* How many files the file is one of: 1 where it is all of the weights, 0 where it is no weights of this form. */
static size_t weights_of(const struct weights_form *form, const char *path)
{
    if (strcmp(path, form->single) == 0)
        return 1;
    return strncmp(path, form->parts, strlen(form->parts)) == 0 && !strchr(path, '/')
               ? parts_of(path, form->end)
               : 0;
}

/* The form of the weights, how many files they are, and how many of these are there. NULL: there are none. */
static const struct weights_form *find_weights(const struct hub_listing *l, size_t *n, size_t *n_there)
{
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        const bool single = has(l, forms[k].single);
        *n = *n_there = single;
        for (size_t i = 0; i < l->n && !single; i++) {
            size_t parts = weights_of(&forms[k], l->files[i].path);
            *n = parts > *n ? parts : *n;
            *n_there += parts > 0;
        }
        if (*n > 0)
            return &forms[k];
    }
    return NULL;
}

/* single: there is such a file. */
static bool is_chosen_weights(const struct weights_form *form, bool single, const char *path)
{
    if (single)
        return strcmp(path, form->single) == 0;
    return strcmp(path, form->index) == 0 || weights_of(form, path) > 0;
}

/* sentence-transformers keeps each module in a folder of its own, "1_Pooling" or "2_Dense". */
static bool is_of_module(const struct hub_listing *l, const char *path)
{
    char better[HUB_PATH];
    const char *slash = strchr(path, '/');
    if (!slash || !isdigit((unsigned char)path[0]) || !memchr(path, '_', (size_t)(slash - path)))
        return false;
    if (strcmp(slash + 1, forms[1].single) == 0)
        return hub_format(better, "%.*s/%s", (int)(slash - path), path, forms[0].single) && !has(l, better);
    return strcmp(slash + 1, "config.json") == 0 || strcmp(slash + 1, forms[0].single) == 0;
}

/* Weights last, else by path. */
static int compare(const void *a, const void *b)
{
    const struct hub_file *x = a, *y = b;
    int late = (weights_of(&forms[0], x->path) || weights_of(&forms[1], x->path)) -
               (weights_of(&forms[0], y->path) || weights_of(&forms[1], y->path));
    return late ? late : strcmp(x->path, y->path);
}

bool listing_is_whole(const struct hub_listing *l)
{
    size_t n, n_there;
    return l->gguf || (find_weights(l, &n, &n_there) && n_there >= n && has(l, "config.json"));
}

enum hone_status listing_pick(struct hub_listing *l, const struct hub_name *name, struct hone_error *err)
{
    size_t n, n_there, n_gguf = 0;
    if (*name->pick)
        return pick_gguf(l, name, name->pick, err);
    for (size_t i = 0; i < l->n; i++)
        n_gguf += is_gguf(l->files[i].path);
    const struct weights_form *form = find_weights(l, &n, &n_there);
    if (n_gguf > 0 && (!form || !has(l, "config.json")))
        return pick_gguf(l, name, "", err);
    if (!form)
        return hub_fail(err, HONE_BAD_MODEL, "%s has neither %s, %s nor a GGUF file", name->repo,
                        forms[0].single, forms[1].single);
    const bool single = has(l, form->single);
    for (size_t i = 0; i < l->n; i++) {
        const char *path = l->files[i].path;
        l->files[i].chosen =
            is_chosen_weights(form, single, path) || is_one_of(path, root_files) || is_of_module(l, path);
    }
    qsort(l->files, l->n, sizeof *l->files, compare);
    return HONE_OK;
}
