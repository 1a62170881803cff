#include "cli/jobs/score_line.h"
#include "cli/io/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static bool fail(struct score_line *line, const char *why)
{
    line->status = HONE_REFUSED;
    snprintf(line->why, sizeof line->why, "%s", why);
    return false;
}

/* The request's texts: a string, or an array of them. */
static bool take_texts(struct score_line *line, const json_t *json)
{
    line->n_texts = json_is_array(json) ? json_array_size(json) : 1;
    line->texts = calloc(line->n_texts + 1, sizeof *line->texts);
    if (!line->texts)
        return fail(line, "out of memory");
    for (size_t i = 0; i < line->n_texts; i++) {
        const json_t *text = json_is_array(json) ? json_array_get(json, i) : json;
        if (!json_is_string(text))
            return fail(line, "a text is not a JSON string");
        line->texts[i] = (struct hone_text){json_string_value(text), json_string_length(text)};
    }
    return line->n_texts > 0 || fail(line, "there is no text");
}

static bool read_form(struct score_line *line)
{
    const json_t *json = line->json, *query = json_object_get(json, "query");
    static const struct {
        const char *key;
        bool has_query;
        enum score_form form;
    } forms[] = {{"text", false, SCORE_TEXT},
                 {"document", true, SCORE_DOCUMENT},
                 {"documents", true, SCORE_DOCUMENTS},
                 {"texts", false, SCORE_PAIR}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const json_t *texts = json_object_get(json, forms[i].key);
        if (!texts || forms[i].has_query != (query != NULL))
            continue;
        line->form = forms[i].form;
        if (query && !json_is_string(query))
            return fail(line, "the query is not a JSON string");
        if (json_is_array(texts) != (line->form == SCORE_DOCUMENTS || line->form == SCORE_PAIR))
            return fail(line, "'text' and 'document' are strings, 'texts' and 'documents' arrays of them");
        if (!take_texts(line, texts))
            return false;
        if (query)
            line->request.query = (struct hone_text){json_string_value(query), json_string_length(query)};
        return line->form != SCORE_PAIR || line->n_texts == 2 || fail(line, "'texts' are not two");
    }
    return fail(
        line, "expected an object with 'text', 'texts', 'query' and 'document' or 'documents', 'prompt', or "
              "'messages'");
}

static bool read_json(struct score_line *line, struct hone_text text, struct hone_model *model,
                      const struct hone_model_info *info)
{
    json_error_t error;
    line->json = json_loadb(text.data, text.size, JSON_ALLOW_NUL, &error);
    if (line->json && score_prompt_is(line->json)) {
        line->form = SCORE_PROMPT;
        line->status = HONE_REFUSED;
        return score_prompt_read(&line->prompt, line->json, model, info, line->why);
    }
    if (line->json)
        return read_form(line);
    snprintf(line->why, sizeof line->why, "this is not JSON: %.200s", error.text);
    line->status = HONE_REFUSED;
    return false;
}

static void make_request(struct score_line *line, const struct hone_model_info *info)
{
    struct hone_request *r = &line->request;
    bool embeds = info->task != HONE_TASK_CLASSIFY, pair = line->form == SCORE_PAIR;
    bool reranks = line->form == SCORE_DOCUMENT || line->form == SCORE_DOCUMENTS;
    r->kind = reranks ? HONE_REQUEST_RERANK : embeds ? HONE_REQUEST_EMBED : HONE_REQUEST_CLASSIFY;
    r->priority = HONE_PRIORITY_BULK;
    r->how = (struct hone_run_options)HONE_RUN_DEFAULTS;
    if (line->form == SCORE_PROMPT) {
        r->kind = HONE_REQUEST_GENERATE;
        r->generation = &line->prompt.g;
        return;
    }
    r->texts = line->texts;
    r->n_texts = pair && !embeds ? 1 : line->n_texts;
    r->pairs = pair && !embeds ? line->texts + 1 : NULL;
    if (pair)
        r->how.normalize = 1;
    line->n_values = r->n_texts * (reranks ? 1 : embeds ? info->n_dims : info->n_labels);
}

bool score_line_read(struct score_line *line, struct hone_text text, struct hone_model *model,
                     const struct hone_model_info *info)
{
    memset(line, 0, sizeof *line);
    if (!read_json(line, text, model, info))
        return false;
    make_request(line, info);
    line->values = calloc(line->n_values + 1, sizeof *line->values);
    line->request.out = line->values;
    return line->values || fail(line, "out of memory");
}

void score_line_finish(struct score_line *line, const struct hone_run_options *how,
                       void (*on_reply)(void *arg, const struct hone_reply *reply), void *arg)
{
    line->request.how.raw = how->raw;
    line->request.how.as = how->as;
    line->request.on_reply = on_reply;
    line->request.arg = arg;
}

void score_line_release(struct score_line *line)
{
    if (line->form == SCORE_PROMPT)
        score_prompt_release(&line->prompt);
    json_decref(line->json);
    free(line->texts);
    free(line->values);
    memset(line, 0, sizeof *line);
}

/* ---- writing ---- */

static void write_numbers(struct output *o, const char *name, const float *values, size_t n)
{
    output_format(o, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++) {
        output_text(o, i ? ", " : "");
        text_write_json_float(o, values[i]);
    }
    output_text(o, "]");
}

static void write_labels(struct output *o, const struct score_line *line, const struct hone_model *model)
{
    output_text(o, ", \"labels\": {");
    for (size_t k = 0; k < line->n_values; k++) {
        output_text(o, k ? ", " : "");
        text_write_json(o, text_from(hone_model_label(model, k)));
        output_text(o, ": ");
        text_write_json_float(o, line->values[k]);
    }
    output_text(o, "}");
}

static void write_score(struct output *o, float score)
{
    output_text(o, ", \"score\": ");
    text_write_json_float(o, score);
}

/* Of two vectors of length 1, one behind the other. */
static float cosine(const float *values, size_t n_dims)
{
    double sum = 0;
    for (size_t i = 0; i < n_dims; i++)
        sum += (double)values[i] * (double)values[n_dims + i];
    return (float)sum;
}

static void write_id(struct output *o, const json_t *id)
{
    char *text = id ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (text) {
        output_text(o, ", \"id\": ");
        output_text(o, text);
    }
    free(text);
}

void score_line_write_begin(const struct score_line *line, struct output *o, size_t index)
{
    output_format(o, "{\"index\": %zu", index);
    write_id(o, json_object_get(line->json, "id"));
}

void score_line_write(const struct score_line *line, struct output *o, size_t index,
                      const struct hone_model *model)
{
    bool embeds = line->request.kind == HONE_REQUEST_EMBED, pair = line->form == SCORE_PAIR;
    score_line_write_begin(line, o, index);
    if (line->form == SCORE_PROMPT)
        score_prompt_write(&line->prompt, o);
    else if (line->form == SCORE_DOCUMENTS)
        write_numbers(o, "scores", line->values, line->n_values);
    else if (pair && embeds)
        write_score(o, cosine(line->values, line->n_values / 2));
    else if (line->form == SCORE_DOCUMENT || (pair && line->n_values == 1))
        write_score(o, line->values[0]);
    else if (embeds)
        write_numbers(o, "embedding", line->values, line->n_values);
    else
        write_labels(o, line, model);
    output_text(o, "}\n");
}

void score_line_write_error(const struct score_line *line, struct output *o, size_t index, const char *why)
{
    score_line_write_begin(line, o, index);
    output_text(o, ", \"error\": ");
    text_write_json(o, text_from(why));
    output_text(o, "}\n");
}
