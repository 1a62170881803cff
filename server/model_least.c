#include "server/model_least.h"
#include "server/http/fail.h"
#include "server/settings_check.h"

#include <stdio.h>

/* Tokens of a text of one letter, or of two such texts together, with what the model adds to it. 0: nobody knows, and it is
 * seen when somebody asks. */
static size_t count(const struct served_model *m, bool pair)
{
    static const struct hone_text text = {"a", 1};
    int32_t *ids = NULL;
    size_t *starts = NULL, n = 0;
    if (hone_tokenize(m->light, &text, pair ? &text : NULL, 1, true, &ids, &starts, NULL, NULL) == HONE_OK)
        n = starts[1];
    hone_free(ids);
    hone_free(starts);
    return n;
}

/* A text that is cut to nothing but special tokens says the same of all texts: that is no answer, either. */
struct least {
    size_t length, kv; /* tokens of max-length and kv-tokens */
    const char *what;  /* takes them */
};

static struct least find(const struct served_model *m)
{
    const struct hone_model_info *info = m->info;
    if (info->task == HONE_TASK_GENERATE &&
        info->has_decoder) { /* it begins with a token of its own, and writes one */
        size_t n = count(m, false);
        return (struct least){n > 2 ? n : 2, 2,
                              "a prompt of one letter and a token behind its decoder's first one"};
    }
    if (info->task == HONE_TASK_GENERATE) {
        size_t n = count(m, false) + 1;
        return (struct least){n, n, "a prompt of one letter and one token of an answer"};
    }
    bool pair = info->n_labels == 1 || info->task == HONE_TASK_ANSWER;
    return (struct least){count(m, pair), 0,
                          pair ? "a pair of texts of one letter each" : "a text of one letter"};
}

static enum hone_status check(const char *name, const char *model, size_t said, size_t least,
                              const char *what, const char *place, struct hone_error *err)
{
    if (said == 0 || said >= least)
        return HONE_OK;
    return fail(err, HONE_USAGE, "%s%s is %zu, but '%s' takes %zu tokens at least, for %s", place, name, said,
                model, least, what);
}

enum hone_status model_least_check(const struct served_model *m, const struct model_options *o,
                                   const char *where, const struct settings *s, struct hone_error *err)
{
    char own[264], length[256], kv[256];
    if (m->options.max_length == 0 && m->options.kv_tokens == 0)
        return HONE_OK;
    const struct least least = find(m);
    snprintf(own, sizeof own, "%.255s: ", where);
    settings_place(s, SETTING_MAX_LENGTH, length);
    settings_place(s, SETTING_KV_TOKENS, kv);
    enum hone_status status = check("max-length", m->name, m->options.max_length, least.length, least.what,
                                    o->has_max_length ? own : length, err);
    if (status != HONE_OK)
        return status;
    return check("kv-tokens", m->name, m->options.kv_tokens, least.kv, least.what,
                 o->has_kv_tokens ? own : kv, err);
}
