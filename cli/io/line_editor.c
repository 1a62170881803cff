#include "cli/io/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000 /* twice what bash keeps by default */
#define CTRL_D        4

struct line_editor {
    EditLine *editor; /* NULL: standard input is no terminal */
    History *history;
    const char *prompt;
    sigset_t signals; /* that are blocked outside */
    char *line;       /* what was read last */
    size_t room;
};

static char *show_prompt(EditLine *editor)
{
    struct line_editor *e;
    el_get(editor, EL_CLIENTDATA, &e);
    return (char *)e->prompt;
}

/* A character, waiting for it with the signals that were let through before line_editor_read: one that comes at any other
 * moment is not lost. */
static int get_char(EditLine *editor, wchar_t *out)
{
    struct line_editor *e;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    mbstate_t state = {0};
    char byte;
    el_get(editor, EL_CLIENTDATA, &e);
    for (;;) {
        if (ppoll(&input, 1, NULL, &e->signals) < 0)
            return -1;
        if (read(STDIN_FILENO, &byte, 1) != 1)
            return 0;
        size_t n = mbrtowc(out, &byte, 1, &state);
        if (n == 0) /* Ctrl-D, typed before the terminal was the editor's: Linux turns it into NUL */
            *out = CTRL_D;
        if (n <= 1)
            return 1;
        if (n == (size_t)-1)
            state = (mbstate_t){0};
    }
}

static bool open_terminal(struct line_editor *e)
{
    HistEvent event;
    setlocale(LC_CTYPE, ""); /* what a character is; numbers stay as they are */
    e->editor = el_init("hone", stdin, stderr, stderr);
    e->history = history_init();
    if (!e->editor || !e->history)
        return false;
    history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->editor, EL_CLIENTDATA, e);
    el_set(e->editor, EL_PROMPT, show_prompt);
    el_set(e->editor, EL_EDITOR, "emacs");
    el_set(e->editor, EL_SIGNAL, 0);
    el_wset(e->editor, EL_GETCFN, get_char);
    el_set(e->editor, EL_HIST, history, e->history);
    el_source(e->editor, NULL); /* ~/.editrc */
    return true;
}

struct line_editor *line_editor_open(void)
{
    struct line_editor *e = calloc(1, sizeof *e);
    if (!e || !isatty(STDIN_FILENO) || open_terminal(e))
        return e;
    line_editor_close(e);
    return NULL;
}

void line_editor_close(struct line_editor *e)
{
    if (!e)
        return;
    if (e->history)
        history_end(e->history);
    if (e->editor)
        el_end(e->editor);
    free(e->line);
    free(e);
}

bool line_editor_is_terminal(const struct line_editor *e)
{
    return e->editor != NULL;
}

static enum line_end read_terminal(struct line_editor *e, const char *prompt, size_t *size)
{
    HistEvent event;
    int n;
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    e->prompt = prompt;
    errno = 0;
    pthread_sigmask(SIG_BLOCK, &blocked, &e->signals);
    const char *line = el_gets(e->editor, &n);
    bool interrupted = n < 0 && errno == EINTR;
    pthread_sigmask(SIG_SETMASK, &e->signals, NULL);
    if (!line || n <= 0) {
        (void)fputs("\n", stderr);
        el_reset(e->editor);
        return interrupted ? LINE_INTERRUPTED : LINE_END;
    }
    if (line[0] != '\n')
        history(e->history, &event, H_ENTER, line);
    free(e->line);
    e->line = strndup(line, (size_t)n);
    *size = (size_t)n;
    return e->line ? LINE_READ : LINE_END;
}

static enum line_end read_input(struct line_editor *e, size_t *size)
{
    errno = 0;
    ssize_t n = getline(&e->line, &e->room, stdin);
    bool interrupted = n < 0 && errno == EINTR;
    if (interrupted)
        clearerr(stdin);
    *size = n < 0 ? 0 : (size_t)n;
    return n >= 0 ? LINE_READ : interrupted ? LINE_INTERRUPTED : LINE_END;
}

enum line_end line_editor_read(struct line_editor *e, const char *prompt, const char **line, size_t *size)
{
    enum line_end end = e->editor ? read_terminal(e, prompt, size) : read_input(e, size);
    if (end != LINE_READ)
        return end;
    *size -= *size > 0 && e->line[*size - 1] == '\n';
    e->line[*size] = '\0';
    *line = e->line;
    return LINE_READ;
}
