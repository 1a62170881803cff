#include "cli/commands.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/sampling.h"
#include "cli/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "/clear forgets what was said, /exit (or Ctrl-D) ends, Ctrl-C stops an answer.\n";

struct chat {
    struct hone_model *model;
    const struct options *options;
    struct hone_sampling sampling;
    struct hone_message *messages; /* [n]; contents are its own */
    size_t n, capacity;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static bool on_token(void *arg, const struct hone_token *token)
{
    const struct hone_text *text = &token->text;
    (void)arg;
    return fwrite(text->data, 1, text->size, stdout) == text->size && fflush(stdout) == 0 && !interrupted;
}

/* ---- what was said ---- */

static enum hone_status say(struct chat *c, const char *role, const char *text, size_t size)
{
    size_t capacity = c->n == c->capacity ? 2 * c->capacity + 8 : c->capacity;
    struct hone_message *grown = realloc(c->messages, capacity * sizeof *grown);
    c->messages = grown ? grown : c->messages;
    char *copy = malloc(size + 1);
    if (!grown || !copy) {
        free(copy);
        return report_error(HONE_FAILED, "out of memory");
    }
    c->capacity = capacity;
    memcpy(copy, text, size);
    c->messages[c->n++] = (struct hone_message){role, {copy, size}};
    return HONE_OK;
}

static void forget(struct chat *c, size_t n)
{
    while (c->n > n)
        free((char *)c->messages[--c->n].content.data);
}

static enum hone_status answer(struct chat *c)
{
    struct hone_error err;
    char *prompt;
    struct hone_generation g = {.sampling = c->sampling, .no_special = true, .on_token = on_token};
    g.max_tokens = c->options->n_tokens;
    struct hone_chat chat = {.messages = c->messages, .n_messages = c->n, .answer = true};
    enum hone_status status = hone_chat_prompt(c->model, &chat, &prompt, &g.prompt.size, &err);
    g.prompt.data = prompt;
    interrupted = 0;
    if (status == HONE_OK)
        status = hone_generate(c->model, &g, 1, NULL, &err);
    if (status != HONE_OK)
        report_failure(&err);
    else if (putchar('\n') != EOF)
        status = say(c, "assistant", g.text ? g.text : "", g.text_size);
    hone_generation_release(&g);
    hone_free(prompt);
    return status;
}

/* ---- the conversation ---- */

static enum hone_status converse(struct chat *c)
{
    char *line = NULL;
    size_t room = 0, kept = c->n;
    ssize_t size;
    bool terminal = isatty(STDIN_FILENO);
    enum hone_status status = HONE_OK;
    for (;;) {
        if (terminal)
            (void)fputs("> ", stderr);
        interrupted = 0;
        size = getline(&line, &room, stdin);
        if (size < 0 && interrupted && errno == EINTR) {
            clearerr(stdin);
            (void)fputs("\n(Ctrl-D ends)\n", stderr);
            continue;
        }
        if (size < 0 || strcmp(line, "/exit\n") == 0 || strcmp(line, "/exit") == 0)
            break;
        size -= size > 0 && line[size - 1] == '\n';
        line[size] = 0;
        if (strcmp(line, "/clear") == 0)
            forget(c, kept);
        else if (*line == '/')
            (void)fputs(help, stderr);
        else if (size > 0 && (status = say(c, "user", line, (size_t)size)) == HONE_OK)
            status = answer(c);
        if (status != HONE_OK)
            break;
    }
    free(line);
    return status;
}

enum hone_status chat_run(const struct options *options)
{
    struct hone_error err;
    struct chat c = {.options = options};
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    enum hone_status status = sampling_read(options, &c.sampling);
    if (status != HONE_OK)
        return status;
    status = run_open_model(&c.model, options->model, options, false, &err);
    if (status != HONE_OK)
        return report_failure(&err);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    if (options->system)
        status = say(&c, "system", options->system, strlen(options->system));
    if (status == HONE_OK)
        status = converse(&c);
    sigaction(SIGINT, &before, NULL);
    forget(&c, 0);
    free(c.messages);
    hone_model_close(&c.model);
    return status;
}
