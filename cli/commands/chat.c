#include "cli/commands.h"
#include "cli/commands/conversation.h"
#include "cli/commands/generation.h"
#include "cli/commands/kv_file.h"
#include "cli/io/line_editor.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"
#include "runtime/base/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct chat_session {
    struct hone_model *model;
    const char *variables; /* of the template */
    struct cli_generation how;
    struct chat_conversation said;
    struct line_editor *editor;
    bool to_terminal, is_over;
    size_t n_prompt, n_cached, n_written; /* tokens of the last answer, */
    double seconds;                       /* and how long it took */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* A terminal gets no control characters, which it would obey, but for line ends and tabs. */
static void show(const struct chat_session *c, struct hone_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_control = byte < 0x20 || byte == 0x7f;
        if (c->to_terminal && is_control && byte != '\n' && byte != '\t')
            (void)fputs("\xef\xbf\xbd", stdout);
        else
            (void)putchar(byte);
    }
}

static bool on_token(void *arg, const struct hone_token *token)
{
    show(arg, token->text);
    return fflush(stdout) == 0 && !interrupted;
}

/* ---- answers ---- */

/* What was said, as the model reads it; to be freed. */
static enum hone_status render(const struct chat_session *c, bool answer, char **text, size_t *size,
                               struct hone_error *err)
{
    struct hone_chat chat = {
        .messages = c->said.messages, .n_messages = c->said.n, .variables = c->variables, .answer = answer};
    return hone_chat_prompt(c->model, &chat, text, size, err);
}

static enum hone_status answer(struct chat_session *c)
{
    struct hone_error err = {0};
    struct hone_generation g = c->how.g;
    char *prompt;
    enum hone_status status = render(c, true, &prompt, &g.prompt.size, &err);
    double begun = progress_clock();
    g.prompt.data = prompt;
    g.no_special = true;
    g.on_token = on_token;
    g.arg = c;
    if (status == HONE_OK)
        status = hone_generate(c->model, &g, 1, NULL, &err);
    c->seconds = progress_clock() - begun;
    c->n_prompt = g.n_prompt;
    c->n_cached = g.n_cached;
    c->n_written = g.n_out;
    if (status != HONE_OK)
        report_failure(&err);
    else if (putchar('\n') == EOF || fflush(stdout) != 0 ||
             !conversation_say(&c->said, "assistant", (struct hone_text){g.text, g.text_size}))
        status = HONE_FAILED;
    hone_generation_release(&g);
    hone_free(prompt);
    return status;
}

/* An answer to what the user said last, which is forgotten where there can be none. */
static enum hone_status reply(struct chat_session *c)
{
    enum hone_status status = answer(c);
    if (status != HONE_OK)
        conversation_cut(&c->said, conversation_last(&c->said, "user"));
    /* At a terminal one may say something else: what was too long for the context, shorter. */
    bool may_go_on = status == HONE_USAGE || status == HONE_REFUSED;
    return may_go_on && line_editor_is_terminal(c->editor) ? HONE_OK : status;
}

/* ---- commands ---- */

static enum hone_status do_clear(struct chat_session *c, const char *rest)
{
    (void)rest;
    conversation_cut(&c->said, c->said.n > 0 && strcmp(c->said.messages[0].role, "system") == 0);
    return HONE_OK;
}

static enum hone_status do_system(struct chat_session *c, const char *rest)
{
    conversation_cut(&c->said, 0);
    return !*rest || conversation_say(&c->said, "system", text_from(rest)) ? HONE_OK : HONE_FAILED;
}

static enum hone_status do_again(struct chat_session *c, const char *rest)
{
    size_t last = conversation_last(&c->said, "user");
    (void)rest;
    if (last == c->said.n) {
        report_note("nothing was said yet that could be answered again");
        return HONE_OK;
    }
    conversation_cut(&c->said, last + 1);
    c->how.g.sampling.seed++;
    return reply(c);
}

static enum hone_status do_undo(struct chat_session *c, const char *rest)
{
    size_t last = conversation_last(&c->said, "user");
    (void)rest;
    if (last == c->said.n)
        report_note("nothing was said yet that could be forgotten");
    conversation_cut(&c->said, last);
    return HONE_OK;
}

static enum hone_status do_history(struct chat_session *c, const char *rest)
{
    (void)rest;
    for (size_t i = 0; i < c->said.n; i++) {
        const struct hone_message *m = &c->said.messages[i];
        (void)fprintf(stderr, "%s: %.*s\n", m->role, (int)m->content.size, m->content.data);
    }
    return HONE_OK;
}

static enum hone_status do_stats(struct chat_session *c, const char *rest)
{
    (void)rest;
    (void)fprintf(stderr, "%zu tokens were read, %zu of them known already; %zu were written; %.1f s\n",
                  c->n_prompt, c->n_cached, c->n_written, c->seconds);
    return HONE_OK;
}

static enum hone_status do_exit(struct chat_session *c, const char *rest)
{
    (void)rest;
    c->is_over = true;
    return HONE_OK;
}

static enum hone_status do_help(struct chat_session *c, const char *rest);

static const struct {
    const char *name, *help;
    enum hone_status (*run)(struct chat_session *c, const char *rest);
} chat_commands[] = {
    {"/again", "another answer to what was said last", do_again},
    {"/undo", "forgets that and its answer", do_undo},
    {"/clear", "forgets all but the system's message", do_clear},
    {"/system", "[TEXT] begins anew with that as the system's message, or without one", do_system},
    {"/history", "shows what was said", do_history},
    {"/stats", "tells of the last answer", do_stats},
    {"/exit", "ends, as Ctrl-D does", do_exit},
    {"/help", "this list", do_help},
};

static enum hone_status do_help(struct chat_session *c, const char *rest)
{
    (void)c, (void)rest;
    for (size_t i = 0; i < sizeof chat_commands / sizeof *chat_commands; i++)
        (void)fprintf(stderr, "%-9s %s\n", chat_commands[i].name, chat_commands[i].help);
    (void)fputs("Ctrl-C stops an answer; a line that ends with \\ goes on in the next one.\n", stderr);
    return HONE_OK;
}

static enum hone_status obey(struct chat_session *c, const char *line)
{
    size_t size = strcspn(line, " ");
    for (size_t i = 0; i < sizeof chat_commands / sizeof *chat_commands; i++)
        if (text_is((struct hone_text){line, size}, chat_commands[i].name))
            return chat_commands[i].run(c, line + size + strspn(line + size, " "));
    report_note("there is no command '%.*s'; /help lists them", size < 64 ? (int)size : 64, line);
    return HONE_OK;
}

/* ---- the conversation ---- */

/* What was typed, lines that end with a backslash joined; to be freed. NULL: the end, or out of memory. */
static char *read_text(struct chat_session *c, size_t *size)
{
    char *text = calloc(1, 1);
    bool goes_on = true;
    *size = 0;
    while (text && goes_on) {
        const char *line;
        size_t n;
        enum line_end end = line_editor_read(c->editor, *size ? ". " : "> ", &line, &n);
        if (end == LINE_INTERRUPTED) {
            *size = 0;
            interrupted = 0;
            (void)fputs("(Ctrl-D ends)\n", stderr);
            continue;
        }
        char *grown = end == LINE_READ ? realloc(text, *size + n + 2) : NULL;
        if (!grown) {
            free(text);
            return NULL;
        }
        text = grown;
        memcpy(text + *size, line, n);
        *size += n;
        goes_on = n > 0 && line[n - 1] == '\\';
        if (goes_on)
            text[*size - 1] = '\n';
        text[*size] = '\0';
    }
    return text;
}

static enum hone_status converse(struct chat_session *c)
{
    enum hone_status status = HONE_OK;
    while (status == HONE_OK && !c->is_over) {
        size_t size;
        interrupted = 0; /* from here on Ctrl-C is for the next answer */
        char *text = read_text(c, &size);
        if (!text)
            break;
        if (*text == '/')
            status = obey(c, text);
        else if (size > 0)
            status =
                conversation_say(&c->said, "user", (struct hone_text){text, size}) ? reply(c) : HONE_FAILED;
        free(text);
    }
    return status;
}

/* Whether one can talk with the model at all. */
static enum hone_status check_template(const struct chat_session *c)
{
    struct hone_error err = {0};
    const struct hone_message hello = {"user", {"hello", 5}};
    struct hone_chat chat = {.messages = &hello, .n_messages = 1, .variables = c->variables, .answer = true};
    char *text;
    size_t size;
    if (hone_chat_prompt(c->model, &chat, &text, &size, &err) != HONE_OK)
        return report_failure(&err);
    hone_free(text);
    return HONE_OK;
}

static enum hone_status keep(const struct chat_session *c, const char *path)
{
    struct hone_error err = {0};
    struct hone_generation g = {.no_special = true};
    char *text;
    if (!path || c->said.n == 0)
        return HONE_OK;
    if (render(c, false, &text, &g.prompt.size, &err) != HONE_OK)
        return report_failure(&err);
    g.prompt.data = text;
    enum hone_status status = kv_file_save(c->model, path, &g);
    hone_free(text);
    return status;
}

static enum hone_status run(struct chat_session *c, const struct options *options)
{
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    enum hone_status status = check_template(c);
    if (status == HONE_OK)
        status = kv_file_load(c->model, options->kv_file);
    if (status == HONE_OK && options->system &&
        !conversation_say(&c->said, "system", text_from(options->system)))
        status = HONE_FAILED;
    if (status != HONE_OK)
        return status;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    c->editor = line_editor_open();
    status = c->editor ? converse(c) : report_error(HONE_FAILED, "out of memory");
    if (status == HONE_OK)
        status = keep(c, options->kv_file);
    line_editor_close(c->editor);
    sigaction(SIGINT, &before, NULL);
    return status;
}

enum hone_status chat_run(const struct options *options)
{
    struct hone_error err = {0};
    struct chat_session c = {.variables = options->variables, .to_terminal = isatty(STDOUT_FILENO)};
    enum hone_status status = generation_open(&c.how, options);
    if (status == HONE_OK) {
        status = run_open_model(&c.model, options->model, options, RUN_WHOLE, &err);
        status = status == HONE_OK ? run(&c, options) : report_failure(&err);
        hone_model_close(&c.model);
    }
    conversation_release(&c.said);
    generation_close(&c.how);
    return status;
}
