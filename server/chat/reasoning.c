#include "server/chat/reasoning.h"

#include "runtime/base/text.h"

#include <string.h>

/* DeepSeek, Qwen and most others; Mistral; Command; Seed; MiniMax M3; Apertus. */
static const struct reasoning marks[] = {{"<think>", "</think>", false},
                                         {"[THINK]", "[/THINK]", false},
                                         {"<|START_THINKING|>", "<|END_THINKING|>", false},
                                         {"<seed:think>", "</seed:think>", false},
                                         {"<mm:think>", "</mm:think>", false},
                                         {"<|inner_prefix|>", "<|inner_suffix|>", false}};

static bool is_blank(char c)
{
    return c && strchr(" \t\r\n", c);
}

struct reasoning reasoning_of(struct hone_text chat_template, struct hone_text prompt)
{
    struct reasoning found = {NULL, NULL, false};
    for (size_t i = 0; i < sizeof marks / sizeof *marks && !found.open && chat_template.data; i++)
        if (memmem(chat_template.data, chat_template.size, marks[i].close, strlen(marks[i].close)))
            found = marks[i];
    size_t end = prompt.size, n = found.open ? strlen(found.open) : 0;
    while (end > 0 && is_blank(prompt.data[end - 1]))
        end--;
    found.begun = n > 0 && end >= n && memcmp(prompt.data + end - n, found.open, n) == 0;
    return found;
}

/* How many bytes at the end may be the beginning of the mark. */
static size_t begun(const char *text, size_t size, const char *mark)
{
    size_t n = strlen(mark) < size ? strlen(mark) : size;
    while (n > 0 && memcmp(text + size - n, mark, n) != 0)
        n--;
    return n;
}

static size_t skip_blanks(const char *text, size_t size, size_t i)
{
    while (i < size && is_blank(text[i]))
        i++;
    return i;
}

static bool starts_with(const char *text, size_t size, const char *mark)
{
    return text_begins((struct hone_text){text, size}, mark);
}

/* Whether all that there is may become the mark. */
static bool is_begun(const char *text, size_t size, const char *mark)
{
    return size < strlen(mark) && memcmp(text, mark, size) == 0;
}

struct thoughts reasoning_split(const struct reasoning *r, const char *text, size_t size, bool whole)
{
    struct thoughts t = {0, 0, 0};
    size_t n = r->open ? strlen(r->open) : 0, at = skip_blanks(text, size, 0);
    bool opens = n > 0 && starts_with(text + at, size - at, r->open);
    if (n == 0)
        return t;
    bool may_open = !opens && !whole && is_begun(text + at, size - at, r->open);
    if (may_open || (!opens && !r->begun)) {
        /* Models that may think say that they have not by the closing mark alone (MiniMax M3). */
        size_t closed = starts_with(text + at, size - at, r->close) ? at + strlen(r->close) : 0;
        bool may_close = !closed && !whole && is_begun(text + at, size - at, r->close);
        t.content = may_open || may_close ? size : closed ? skip_blanks(text, size, closed) : 0;
        return t;
    }
    t.begin = skip_blanks(text, size, opens ? at + n : at);
    const char *close = memmem(text + t.begin, size - t.begin, r->close, strlen(r->close));
    t.content = close ? skip_blanks(text, size, (size_t)(close - text) + strlen(r->close)) : size;
    t.end =
        close ? (size_t)(close - text) : size - (whole ? 0 : begun(text + t.begin, size - t.begin, r->close));
    while (t.end > t.begin && is_blank(text[t.end - 1]))
        t.end--;
    return t;
}
