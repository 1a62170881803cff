#include "cli/load/requests.h"
#include "cli/io/read_all.h"
#include "cli/io/report.h"
#include "cli/load/questions.h"
#include "runtime/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXTS 2048   /* of a request: as many as OpenAI's API takes for embeddings */
#define MAX_WORDS 100000 /* of a text: what a context of 128K tokens holds */

static enum hone_status read_own(struct load_requests *r, const char *path)
{
    size_t size, room = 0;
    enum hone_status status = read_all(path, &r->file, &size);
    for (char *line = r->file; status == HONE_OK && line && *line;) {
        char *end = strchr(line, '\n'), *next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (r->n_own == room) {
            char **more = realloc(r->own, (room = 2 * room + 64) * sizeof *more);
            if (!more)
                return report_error(HONE_FAILED, "%s: out of memory", path);
            r->own = more;
        }
        if (*line)
            r->own[r->n_own++] = line;
        line = next;
    }
    if (status == HONE_OK && r->n_own == 0)
        return report_error(HONE_USAGE, "%s has no line with a text", path);
    for (size_t i = 0; i < r->n_own && status == HONE_OK; i++) {
        json_t *text = json_string(r->own[i]); /* which takes UTF-8 alone */
        if (!text)
            status = report_error(HONE_USAGE, "%s: text %zu is not UTF-8", path, i + 1);
        json_decref(text);
    }
    return status;
}

enum hone_status load_requests_open(struct load_requests *r, const struct load_dialect *dialect,
                                    const struct options *options)
{
    bool has_documents = dialect->shape == LOAD_DOCUMENTS, is_one = dialect->shape > LOAD_DOCUMENTS;
    *r = (struct load_requests){.dialect = dialect,
                                .model = options->model,
                                .n_texts = options->texts  ? options->texts
                                           : has_documents ? 10
                                                           : 1,
                                .n_words = options->words,
                                .max_tokens = options->n_tokens ? options->n_tokens : 32,
                                .repeat = options->repeat,
                                .run = clock_now(&clock_monotonic) ^ (uint64_t)getpid() << 40};
    if (r->n_texts > MAX_TEXTS || r->n_words > MAX_WORDS)
        return report_error(HONE_USAGE, "--texts is %d at most, --words %d", MAX_TEXTS, MAX_WORDS);
    if (is_one && options->texts)
        return report_error(HONE_USAGE, "a request for %s has one text: leave --texts out", dialect->kind);
    return options->input ? read_own(r, options->input) : HONE_OK;
}

void load_requests_close(struct load_requests *r)
{
    free(r->own);
    free(r->file);
}

size_t load_requests_count(const struct load_requests *r)
{
    return r->own ? r->n_own : N_QUESTIONS;
}

/* Words of the questions and answers from `at` on, as many as are wanted, round and round. */
static void write_words(FILE *out, size_t at, size_t n_words)
{
    for (size_t n = 0; n < n_words; at++) {
        const struct load_question *q = &load_questions[at / 2 % N_QUESTIONS];
        for (const char *word = at % 2 ? q->answer : q->question; *word && n < n_words; n++) {
            size_t size = strcspn(word, " ");
            fprintf(out, "%s%.*s", n ? " " : "", (int)size, word);
            word += size + strspn(word + size, " ");
        }
    }
}

/* The number stands in front: behind, a cache of prefixes would know all of a prompt but its end. */
static char *make_text(const struct load_requests *r, size_t question, bool is_answer, size_t serial)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (!r->repeat)
        fprintf(out, "%06llx-%zu ", (unsigned long long)(r->run & 0xffffff), serial);
    if (r->own)
        fputs(r->own[question % r->n_own], out);
    else if (r->n_words)
        write_words(out, 2 * question + is_answer, r->n_words);
    else
        fputs(is_answer ? load_questions[question % N_QUESTIONS].answer
                        : load_questions[question % N_QUESTIONS].question,
              out);
    bool well = !ferror(out);
    if (fclose(out) != 0 || !well) {
        free(text);
        return NULL;
    }
    return text;
}

char *load_requests_body(void *arg, size_t serial)
{
    const struct load_requests *r = arg;
    bool has_query = r->dialect->shape == LOAD_DOCUMENTS, well = true;
    size_t n = r->n_texts + has_query;
    char **texts = calloc(n, sizeof *texts), *body = NULL;
    for (size_t i = 0; texts && well && i < n; i++) {
        /* The query, then its answer and the following ones; or as many questions. */
        size_t question = has_query ? serial + (i ? i - 1 : 0) : serial * n + i;
        texts[i] = make_text(r, question, has_query && i > 0, serial * n + i);
        well = texts[i] != NULL;
    }
    if (texts && well)
        body = load_dialect_body(r->dialect, (const char *const *)texts, n, r->model, r->max_tokens);
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
    return body;
}
