/* The form of a template's calls, learned from one that it renders. */
#include "server/chat/reasoning.h"
#include "server/chat/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME   "probe_name"
#define SECOND "probe_other"
#define KEY1   "probe_key"
#define VALUE1 "probe_value"
#define KEY2   "probe_two"
#define VALUE2 "probe_else"

static const char user[] = "{\"role\":\"user\",\"content\":\"x\"}";
static const char call[] =
    "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"call00001\",\"type\":"
    "\"function\",\"function\":{\"name\":\"" NAME "\",\"arguments\":{\"" KEY1 "\":\"" VALUE1 "\",\"" KEY2
    "\":\"" VALUE2 "\"}}}";
static const char further[] = ",{\"id\":\"call00002\",\"type\":\"function\",\"function\":{\"name\":\"" SECOND
                              "\",\"arguments\":{\"" KEY1 "\":\"" VALUE1 "\"}}}";
static const char tools[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"" NAME
    "\",\"description\":\"d\",\"parameters\":{\"type\":"
    "\"object\",\"properties\":{\"" KEY1 "\":{\"type\":\"string\",\"description\":\"d\"},\"" KEY2
    "\":{\"type\":\"string\",\"description\":\"d\"}},\"required\":[]}}}]";

static bool is_blank(char c)
{
    return c && strchr(" \t\r\n", c);
}

/* What the template writes for the assistant, to be freed; NULL: it has no calls. */
static char *render_call(const struct hone_model *model, bool two)
{
    char before[sizeof user + 8], both[sizeof user + sizeof call + sizeof further + 16],
        *start = NULL, *text = NULL, *out = NULL;
    size_t size, n = 0;
    struct hone_chat chat = {.json_messages = before, .tools = tools, .answer = true};
    snprintf(before, sizeof before, "[%s]", user);
    snprintf(both, sizeof both, "[%s,%s%s]}]", user, call, two ? further : "");
    if (hone_chat_prompt(model, &chat, &start, &size, NULL) != HONE_OK)
        return NULL;
    chat.json_messages = both;
    chat.answer = false;
    if (hone_chat_prompt(model, &chat, &text, &size, NULL) == HONE_OK) {
        while (start[n] && start[n] == text[n])
            n++;
        /* Where the prompt's end and the call begin with the same letters of a tag, it is the call's. */
        for (size_t i = n; i > 0 && start[i - 1] != '>' && !is_blank(start[i - 1]); i--)
            n = start[i - 1] == '<' ? i - 1 : n;
        out = strdup(text + n);
    }
    hone_free(start);
    hone_free(text);
    return out;
}

/* ---- marks -------------------------------------------------------------------------------------------------------- */

/* Without the blanks around it. false: too long. */
static bool set_mark(char out[TOOL_MARK], const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    size_t size = (size_t)(end - begin);
    if (size >= TOOL_MARK)
        return false;
    memcpy(out, begin, size);
    out[size] = '\0';
    return true;
}

/* The end of a block of code, as which DeepSeek R1 writes arguments, and a tag, that the text behind a call begins with. */
static bool set_close(char out[TOOL_MARK], const char *rest)
{
    rest += strspn(rest, " \t\r\n");
    const char *tag = strncmp(rest, "```", 3) == 0 ? rest + 3 : rest;
    const char *end = *tag == '<' ? strchr(tag, '>') : NULL;
    return set_mark(out, rest, end ? end + 1 : tag);
}

/* The key of the JSON object whose value begins at `value`, as in "name": "..."; "": there is none. */
static void set_key(char out[32], const char *text, const char *value)
{
    const char *end = value, *begin;
    *out = '\0';
    while (end > text && is_blank(end[-1]))
        end--;
    if (end == text || end[-1] != ':')
        return;
    for (end--; end > text && is_blank(end[-1]);)
        end--;
    if (end == text || end[-1] != '"')
        return;
    for (begin = --end; begin > text && begin[-1] != '"';)
        begin--;
    if (end - begin < 32) {
        memcpy(out, begin, (size_t)(end - begin));
        out[end - begin] = '\0';
    }
}

/* ---- the syntaxes ------------------------------------------------------------------------------------------------- */

/* name: where it stands; key: that of the first argument. */
static bool learn_json(const char *text, const char *name, const char *key, struct tool_form *form)
{
    const char *object = key - 1, *begin = text;
    json_error_t error;
    set_key(form->name, text, name - 1);
    while (object > text && *object != '{')
        object--;
    set_key(form->arguments, text, object);
    while (begin < name && *begin != '{' && !(*begin == '[' && (begin[1] == '{' || is_blank(begin[1]))))
        begin++;
    json_t *whole = json_loadb(begin, strlen(begin), JSON_DISABLE_EOF_CHECK, &error);
    bool learned = whole && *form->name && *form->arguments && set_mark(form->open, text, begin) &&
                   set_close(form->close, begin + error.position);
    form->bare = json_is_array(whole) && *form->open == '[';
    json_decref(whole);
    form->syntax = TOOL_JSON;
    return learned;
}

/* [{"name": {"key": ...}}] */
static bool learn_keyed(const char *text, const char *name, struct tool_form *form)
{
    static const char shape[] = NAME "\": {\"" KEY1 "\"";
    const char *begin = name - 1, *object = name + strlen(NAME "\": ");
    json_error_t error;
    if (begin == text || *begin != '"' || strncmp(name, shape, strlen(shape)) != 0)
        return false;
    for (begin--; begin > text && (is_blank(*begin) || *begin == '{');)
        begin--;
    begin += *begin != '[';
    json_t *whole = json_loadb(begin, strlen(begin), JSON_DISABLE_EOF_CHECK, &error);
    bool learned = whole && object[0] == '{' && set_mark(form->open, text, begin) &&
                   set_close(form->close, begin + error.position);
    json_decref(whole);
    form->syntax = TOOL_JSON;
    *form->name = *form->arguments = '\0';
    return learned;
}

static bool learn_named(const char *text, const char *name, const char *key, struct tool_form *form)
{
    json_error_t error;
    const char *object = key;
    while (object > name && *object != '{')
        object--;
    json_t *whole = json_loadb(object, strlen(object), JSON_DISABLE_EOF_CHECK, &error);
    const char *rest = whole ? object + error.position : "";
    bool learned = whole && set_mark(form->open, text, name) && set_close(form->close, rest);
    json_decref(whole);
    form->syntax = TOOL_NAMED;
    return learned;
}

/* Attributes that follow a name may differ (DeepSeek V3.2 says there whether the value is a text). */
static bool set_key_close(struct tool_form *form, const char *begin, const char *end)
{
    const char *blank = memchr(begin, ' ', (size_t)(end - begin));
    form->attributes = blank && blank > begin && memchr(blank, '=', (size_t)(end - blank)) && end[-1] == '>';
    return set_mark(form->key_close, begin, form->attributes ? blank : end);
}

/* name, key, value, second key, second value; what is between them tells the tags. */
static bool learn_tags(const char *text, const char *name, const char *key, struct tool_form *form)
{
    const char *value = strstr(key, VALUE1), *key2 = value ? strstr(value, KEY2) : NULL;
    const char *value2 = key2 ? strstr(key2, VALUE2) : NULL;
    if (!value2)
        return false;
    const char *between = value + strlen(VALUE1), *tail = value2 + strlen(VALUE2), *tag = key2;
    while (tag > between && *tag != '<')
        tag--;
    size_t n = 0, last = 0;
    for (; between + n < tag && between[n] == tail[n]; n++)
        last = between[n] == '>' ? n + 1 : last;
    const char *open = name, *rest = tail + last;
    while (open > text && *open != '<')
        open--;
    form->syntax = TOOL_TAGS;
    if (!set_mark(form->wrap, text, open) || !set_close(form->close, rest))
        return false;
    const char *closed = strstr(rest, form->close) + strlen(form->close);
    return set_close(form->wrap_close, *form->wrap ? closed : "") && last > 0 && *tag == '<' &&
           *open == '<' && set_mark(form->open, open, name) && set_mark(form->key_open, tag, key2) &&
           set_key_close(form, key + strlen(KEY1), value) &&
           set_mark(form->value_close, between, between + last);
}

/* What closes the wrap: up to the end of the tag that follows, where the calls have one around them. */
static bool set_wrap_close(struct tool_form *form, const char *rest)
{
    const char *tag = *form->wrap ? strstr(rest, "</") : NULL, *end = tag ? strchr(tag, '>') : NULL;
    return set_mark(form->wrap_close, rest, end ? end + 1 : rest);
}

/* <key>value</key>, with a mark of the template's own before each tag, or none. */
static bool learn_nested(const char *text, const char *name, const char *key, struct tool_form *form)
{
    static const char element[] = KEY1 ">" VALUE1, end_tag[] = "</" KEY1 ">", next[] = "<" KEY2 ">";
    const char *close =
        strncmp(key, element, strlen(element)) == 0 && key[-1] == '<' ? key + strlen(element) : NULL;
    const char *end = close ? strstr(close, end_tag) : NULL, *key2 = end ? strstr(end, next) : NULL;
    const char *value2 = key2 ? strstr(key2, VALUE2) : NULL, *behind = end ? end + strlen(end_tag) : NULL;
    size_t mark = close && end ? (size_t)(end - close) : 0, n = 0;
    if (!value2 || mark >= TOOL_MARK / 2)
        return false;
    const char *rest = strstr(value2, "</" KEY2 ">");
    const char *open = name;
    while (open > text && *open != '<')
        open--;
    while (n < mark && open > text && open[-1] == close[mark - 1 - n]) {
        open--;
        n++;
    }
    form->syntax = TOOL_NESTED;
    if (!rest || n < mark || *open == '\0' || behind > key2)
        return false;
    rest += strlen("</" KEY2 ">");
    const char *tag = strstr(rest, "</"), *tag_end = tag ? strchr(tag, '>') : NULL;
    if (!tag_end)
        return false;
    return set_mark(form->wrap, text, open) && set_mark(form->open, open, name) &&
           set_mark(form->key_open, close, end + 1) && set_mark(form->close, rest, tag_end + 1) &&
           set_wrap_close(form, tag_end + 1);
}

/* [name(key='value', other=1)] */
static bool learn_python(const char *text, const char *name, struct tool_form *form)
{
    static const char shape[] = NAME "(" KEY1;
    const char *list = name > text && name[-1] == '[' ? name - 1 : NULL,
               *end = list ? strchr(name, ']') : NULL;
    form->syntax = TOOL_PYTHON;
    return end && strncmp(name, shape, strlen(shape)) == 0 && set_mark(form->open, text, list) &&
           set_close(form->close, end + 1);
}

/* name{key:"value",other:"else"}, with marks of its own instead of quotes */
static bool learn_bare(const char *text, const char *name, struct tool_form *form)
{
    static const char shape[] = NAME "{" KEY1 ":";
    const char *quote = name + strlen(shape), *value = strstr(name, VALUE1), *last = strstr(name, VALUE2);
    if (strncmp(name, shape, strlen(shape)) != 0 || !value || value <= quote || !last ||
        !set_mark(form->value_close, quote, value))
        return false;
    const char *end = last + strlen(VALUE2) + (value - quote);
    form->syntax = TOOL_BARE;
    return strncmp(last + strlen(VALUE2), quote, (size_t)(value - quote)) == 0 && *end == '}' &&
           set_mark(form->open, text, name) && *form->open && set_close(form->close, end + 1);
}

/* Behind the head of a message to the tool, where its name is said again in the call itself (channels.h). */
static const char *skip_head(const char *text)
{
    static const char to[] = "to=" NAME "<|message|>";
    const char *head = strstr(text, to);
    return head && strstr(head + strlen(to), NAME) ? head + strlen(to) : text;
}

static bool learn(const char *text, struct tool_form *form)
{
    text = skip_head(text);
    /* Without the thoughts before it, which are none here. */
    struct hone_text before = {text, strstr(text, NAME) ? (size_t)(strstr(text, NAME) - text) : 0};
    const char *close = reasoning_of(before, (struct hone_text){"", 0}).close;
    text = close ? strstr(text, close) + strlen(close) : text;
    const char *name = strstr(text, NAME), *key = name ? strstr(name, KEY1) : NULL;
    if (!key)
        return false;
    if (key[-1] == '"' && name > text && name[-1] == '"' && learn_json(text, name, key, form))
        return true;
    if (key[-1] == '"' && (learn_keyed(text, name, form) || learn_named(text, name, key, form)))
        return true;
    return learn_nested(text, name, key, form) || learn_python(text, name, form) ||
           learn_bare(text, name, form) || learn_tags(text, name, key, form);
}

/* Where two calls stand one behind the other, each has its own marks within those of both. */
static void refine_named(const char *text, struct tool_form *form)
{
    static const char second[] = SECOND;
    const char *name = text ? strstr(text, NAME) : NULL, *args = name ? strchr(name, '{') : NULL;
    const char *other = args ? strstr(args, second) : NULL, *args2 = other ? strchr(other, '{') : NULL;
    json_error_t e1 = {0}, e2 = {0};
    json_t *one = args2 ? json_loadb(args, strlen(args), JSON_DISABLE_EOF_CHECK, &e1) : NULL;
    json_t *two = one ? json_loadb(args2, strlen(args2), JSON_DISABLE_EOF_CHECK, &e2) : NULL;
    const char *between = two ? args + e1.position : NULL, *behind = two ? args2 + e2.position : NULL;
    size_t n = 0, k = 0, end = 0;
    struct tool_form refined = *form;
    bool told = two && between < other;
    while (told && n < (size_t)(name - text) && n < (size_t)(other - between) &&
           name[-1 - (long)n] == other[-1 - (long)n])
        n++;
    const char *open = told ? memchr(name - n, '<', n) : NULL;
    for (; told && between + k < other && behind[k] && between[k] == behind[k]; k++)
        end = between[k] == '>' ? k + 1 : end;
    if (open && end > 0 && set_mark(refined.open, open, name) && set_mark(refined.wrap, text, open) &&
        set_mark(refined.close, between, between + end) && set_close(refined.wrap_close, behind + end))
        *form = refined;
    json_decref(one);
    json_decref(two);
}

bool tool_form_of(const struct hone_model *model, struct tool_form *out)
{
    char *text = render_call(model, false), *both;
    *out = (struct tool_form){0};
    bool learned = text && learn(text, out);
    if (learned && out->syntax == TOOL_NAMED && (both = render_call(model, true))) {
        refine_named(both, out);
        free(both);
    }
    /* Phi-4-mini is told to write this before its list, which calls of the past are shown without. */
    struct hone_text template = hone_model_info(model)->chat_template;
    if (learned && tool_form_is_unmarked(out) && memmem(template.data, template.size, "functools[", 10))
        snprintf(out->open, sizeof out->open, "functools");
    if (learned && out->syntax == TOOL_JSON)
        memcpy(out->prompt, out->open, sizeof out->prompt);
    free(text);
    return learned;
}
