#include "tokenizer/template/chat/abilities.h"

#include "tokenizer/text/fail.h"

#include <stdlib.h>
#include <string.h>

#define NEEDLE    "hone-needle"
#define CALL_NAME "probe_name"
#define CALL_KEY  "probe_key"
#define RESULT    "probe-result"
#define LONG_ID   "call_0123456789abcdef"
#define SHORT_ID  "call00001"

enum chat_role chat_role_named(const char *name)
{
    static const char *const names[CHAT_ROLES] = {"system", "developer", "user", "assistant", "tool"};
    size_t i = 0;
    while (i < CHAT_ROLES && (!name || strcmp(names[i], name) != 0))
        i++;
    return (enum chat_role)i;
}

/* ---- rendering ---------------------------------------------------------------------------------------------------- */

/* What all conversations together may do. They have a few words each, with which the longest templates that are known (20 KB,
 * 50 conversations) do less than a hundredth of it. */
#define PROBE_WORK (JINJA_WORK / 4)

struct probe {
    const struct jinja *jinja;
    uint64_t work; /* left; 0: it was not enough */
    bool no_memory;
};

static json_t *probe_tools(void)
{
    return json_pack("[{s:s,s:{s:s,s:s,s:{s:s,s:{s:{s:s,s:s}},s:[s]}}}]", "type", "function", "function",
                     "name", CALL_NAME, "description", "probes", "parameters", "type", "object", "properties",
                     CALL_KEY, "type", "integer", "description", "a number", "required", CALL_KEY);
}

/* What the template makes of messages and tools, which are taken over; to be freed. NULL: it refuses them. variable: that
 * holds the tools, or NULL. */
static char *render_tools(struct probe *probe, json_t *messages, const char *variable, json_t *tools)
{
    struct hone_error why;
    char *text = NULL;
    size_t size;
    json_t *variables = json_pack("{s:o,s:n,s:n,s:b,s:s,s:s,s:s,s:s}", "messages", messages, "tools",
                                  "documents", "add_generation_prompt", 0, "bos_token", "", "eos_token", "",
                                  "pad_token", "", "unk_token", "");
    if (variables && variable)
        json_object_set(variables, variable, tools);
    json_decref(tools);
    if (variables && !jinja_render(probe->jinja, variables, 0, &probe->work, &text, &size, &why)) {
        probe->no_memory |= why.status == HONE_FAILED;
        text = NULL;
    }
    probe->no_memory |= !variables;
    json_decref(variables);
    return text;
}

/* tools: the variable that holds some, or NULL. */
static char *render_with(struct probe *probe, json_t *messages, const char *tools)
{
    return render_tools(probe, messages, tools, tools ? probe_tools() : NULL);
}

static char *render(struct probe *probe, json_t *messages, bool with_tools)
{
    return render_with(probe, messages, with_tools ? "tools" : NULL);
}

static json_t *message(const char *role, json_t *content)
{
    return json_pack("{s:s,s:o}", "role", role, "content", content);
}

static json_t *says(const char *role, const char *text)
{
    return message(role, json_string(text));
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

struct call_form {
    bool argument_text, short_id;
    enum empty_content empty;
    const char *text; /* instead of the empty content; NULL: none */
};

static json_t *call_of(const struct call_form *form)
{
    json_t *arguments =
        form->argument_text ? json_string("{\"" CALL_KEY "\": 7}") : json_pack("{s:i}", CALL_KEY, 7);
    json_t *call = json_pack("{s:s,s:s,s:{s:s,s:o}}", "id", form->short_id ? SHORT_ID : LONG_ID, "type",
                             "function", "function", "name", CALL_NAME, "arguments", arguments);
    json_t *all = json_pack("{s:s,s:[o]}", "role", "assistant", "tool_calls", call);
    if (form->text)
        json_object_set_new(all, "content", json_string(form->text));
    else if (form->empty != CONTENT_ABSENT)
        json_object_set_new(all, "content", form->empty == CONTENT_NULL ? json_null() : json_string(""));
    return all;
}

/* A conversation with a call and its result, whose content is taken over. Where a text stands beside or before the call,
 * another answer follows: then some templates take the text for thoughts, and leave it out. */
static json_t *conversation(const struct call_form *form, const char *before, json_t *result,
                            const char *name)
{
    json_t *all = json_pack("[o]", says("user", "probe-question"));
    json_t *answer = message("tool", result);
    json_object_set_new(answer, "tool_call_id", json_string(form && form->short_id ? SHORT_ID : LONG_ID));
    if (name)
        json_object_set_new(answer, "name", json_string(name));
    if (before)
        json_array_append_new(all, says("assistant", before));
    json_array_append_new(all, call_of(form));
    json_array_append_new(all, answer);
    if (before || form->text)
        json_array_append_new(all, says("assistant", "probe-end"));
    return all;
}

/* Whether the call is there with its arguments, which were neither printed as Python does nor quoted twice. */
static bool shows_call(const char *text)
{
    const char *asked = text ? strstr(text, "probe-question") : NULL;
    asked = asked ? asked : text;
    const char *call = asked ? strstr(asked, CALL_NAME) : NULL;
    const char *key = call ? strstr(asked, CALL_KEY) : NULL;
    return key && !strstr(asked, "'" CALL_KEY "'") && !strstr(asked, "\\\"" CALL_KEY) &&
           !strstr(asked, "None") && !strstr(asked, "content\": null");
}

static bool takes_call(struct probe *probe, const struct call_form *form, const char *before)
{
    char *text = render(probe, conversation(form, before, json_string(RESULT), NULL), true);
    bool taken = shows_call(text) && (!form->text || strstr(text, form->text)) &&
                 (!before || (strstr(text, before) && strstr(text, "probe-end")));
    free(text);
    return taken;
}

/* Whether results show the name that is theirs, which may be another one than the call's. */
static bool shows_result_name(struct probe *probe, const struct call_form *form)
{
    char *text = render(probe, conversation(form, NULL, json_string(RESULT), NEEDLE), true);
    bool shown = text && strstr(text, NEEDLE);
    free(text);
    return shown;
}

static void find_calls(struct probe *probe, struct abilities *a, struct call_form *form)
{
    for (int i = 0; i < 4 * CONTENT_FORMS && !a->calls; i++) {
        *form = (struct call_form){
            .argument_text = i % 2, .short_id = i / 2 % 2, .empty = (enum empty_content)(i / 4)};
        a->calls = takes_call(probe, form, NULL);
    }
    if (!a->calls)
        return;
    struct call_form other = *form;
    a->argument_text = form->argument_text;
    a->short_ids = form->short_id;
    for (int i = 0; i < CONTENT_FORMS; i++) {
        other.empty = (enum empty_content)i;
        a->empty[i] = takes_call(probe, &other, NULL);
    }
    other.text = NEEDLE;
    a->text_with_calls = takes_call(probe, &other, NULL);
    a->text_before_calls = !a->text_with_calls && takes_call(probe, form, NEEDLE);
    a->result_names = shows_result_name(probe, form);
}

/* ---- contents ----------------------------------------------------------------------------------------------------- */

/* A message of that role where one may stand. */
static json_t *with_role(enum chat_role role, json_t *content, const struct call_form *form)
{
    switch (role) {
    case CHAT_SYSTEM:
        return json_pack("[o,o]", message("system", content), says("user", "probe-question"));
    case CHAT_DEVELOPER:
        return json_pack("[o,o]", message("developer", content), says("user", "probe-question"));
    case CHAT_ASSISTANT:
        return json_pack("[o,o,o]", says("user", "probe-question"), message("assistant", content),
                         says("user", "probe-end"));
    case CHAT_TOOL:
        return conversation(form, NULL, content, NULL);
    default:
        return json_pack("[o]", message("user", content));
    }
}

/* Whether the text holds the needle by itself: not in quotes, as where a list was printed. */
static bool shows_needle(const char *text)
{
    for (const char *at = text; at && (at = strstr(at, NEEDLE)); at++)
        if (at == text || (at[-1] != '\'' && at[-1] != '"'))
            return true;
    return false;
}

static bool shows_text(struct probe *probe, enum chat_role role, const struct call_form *form)
{
    char *text = render(probe, with_role(role, json_string(NEEDLE), form), role == CHAT_TOOL);
    bool shown = text && strstr(text, NEEDLE);
    free(text);
    return shown;
}

/* Of two parts both, as some templates look at the first one alone. */
static bool shows_parts(struct probe *probe, enum chat_role role, const struct call_form *form)
{
    json_t *parts = json_pack("[{s:s,s:s},{s:s,s:s}]", "type", "text", "text", "probe-first", "type", "text",
                              "text", NEEDLE);
    char *text = render(probe, with_role(role, parts, form), role == CHAT_TOOL);
    bool shown = shows_needle(text) && strstr(text, "probe-first");
    free(text);
    return shown;
}

static bool shows_two_systems(struct probe *probe)
{
    json_t *messages = json_pack("[o,o,o]", says("system", "probe-first"), says("system", NEEDLE),
                                 says("user", "probe-question"));
    char *text = render(probe, messages, false);
    bool shown = text && strstr(text, "probe-first") && strstr(text, NEEDLE);
    free(text);
    return shown;
}

/* A template that writes any role between its marks does not know this one: both come out as the same text. */
static bool knows_developer(struct probe *probe)
{
    static const char stranger[] = "strangerx"; /* as long as the name of the role */
    char *known = render(probe, with_role(CHAT_DEVELOPER, json_string(NEEDLE), NULL), false);
    char *unknown =
        render(probe, json_pack("[o,o]", says(stranger, NEEDLE), says("user", "probe-question")), false);
    for (char *at = unknown ? strstr(unknown, stranger) : NULL; at; at = strstr(at, stranger))
        memcpy(at, "developer", strlen(stranger));
    bool knows = known && strstr(known, NEEDLE) && !(unknown && strcmp(known, unknown) == 0);
    free(known);
    free(unknown);
    return knows;
}

/* Whether tools can have a name alone, as they may for OpenAI and Anthropic. */
static bool takes_bare_tools(struct probe *probe, const char *variable)
{
    json_t *messages = json_pack("[o]", says("user", "probe-question"));
    char *text =
        render_tools(probe, messages, variable,
                     json_pack("[{s:s,s:{s:s}}]", "type", "function", "function", "name", CALL_NAME));
    bool taken = text && strstr(text, CALL_NAME);
    free(text);
    return taken;
}

/* SmolLM3 has its tools where others have none; where neither name shows them, the usual one. What it says of them tells how
 * calls are written, where it shows none itself. */
static void find_tools(struct probe *probe, struct abilities *a)
{
    static const char *const names[] = {"tools", "xml_tools"};
    a->tools_variable = names[0];
    for (size_t i = 0; i < 2; i++) {
        char *text = render_with(probe, json_pack("[o]", says("user", "probe-question")), names[i]);
        bool shown = text && strstr(text, CALL_NAME);
        if (shown) {
            a->tools_variable = names[i];
            a->call_text = a->calls ? NULL : call_text_form(text);
            a->whole_tools = !takes_bare_tools(probe, names[i]);
        }
        free(text);
        if (shown)
            return;
    }
}

bool abilities_find(const struct jinja *jinja, struct abilities *out, struct hone_error *err)
{
    struct probe all = {.jinja = jinja, .work = PROBE_WORK}, *probe = &all;
    struct call_form form = {0};
    *out = (struct abilities){0};
    find_calls(probe, out, &form);
    for (int i = 0; i < CHAT_ROLES; i++) {
        enum chat_role role = (enum chat_role)i;
        out->content[i].parts = shows_parts(probe, role, &form);
        out->content[i].text = !out->content[i].parts || shows_text(probe, role, &form);
    }
    find_tools(probe, out);
    out->two_systems = shows_two_systems(probe);
    out->knows_developer = knows_developer(probe);
    if (probe->no_memory)
        return tok_no_memory(err);
    if (!probe->work)
        return tok_fail(err, HONE_BAD_MODEL, "chat template: conversations of a few words take too long");
    return true;
}
