/* What hone makes of conversations, for tests/cli/test_templates.py to compare with transformers: HONE_CHATS names a file
 * {"templates": {name: source}, "conversations": {name: {"messages", "tools", "variables", "continue"}}, "variables"}, and
 * HONE_CHATS_OUT the one that is written: {template: {conversation: {"messages", "variable", "text" or "refused"}}}. Without them
 * there is nothing to do. */
#include "runtime/base/json.h"
#include "tests/support.h"
#include "tokenizer/template/chat/abilities.h"
#include "tokenizer/template/chat/messages.h"
#include "tokenizer/template/chat_template.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1753488000

static struct hone_text bytes_of(const json_t *string)
{
    return (struct hone_text){json_string_value(string), json_string_length(string)};
}

/* {"messages", "variable": what the template knows tools by, "text" or "refused": the sentence} */
static json_t *render(const struct chat_template *t, const struct abilities *a, const json_t *conversation,
                      const json_t *tokens)
{
    struct hone_error why = {0};
    char *text;
    size_t size;
    json_t *variables = json_copy((json_t *)tokens);
    json_object_update(variables, json_object_get(conversation, "variables"));
    const json_t *messages = json_object_get(conversation, "messages");
    struct chat_request request = {
        .messages = messages,
        .tools = json_object_get(conversation, "tools"),
        .variables = variables,
        .add_generation_prompt = !json_object_get(conversation, "continue"),
        .continue_last = json_object_get(conversation, "continue") != NULL,
        .now = NOW,
    };
    bool ok = chat_template_render(t, &request, &text, &size, &why);
    json_decref(variables);
    struct hone_error other;
    json_t *converted = messages_convert(a, messages, &other);
    json_t *out = json_pack("{s:o?,s:s}", "messages", converted, "variable", a->tools_variable);
    json_object_set_new(out, ok ? "text" : "refused",
                        ok ? json_stringn(text, size) : json_string(why.message));
    free(text);
    return out;
}

/* {template: {conversation: what came out}} */
static json_t *render_all(const json_t *file)
{
    json_t *all = json_object(), *source, *conversation;
    const char *name, *said;
    json_object_foreach (json_object_get(file, "templates"), name, source) {
        struct hone_error why = {0};
        struct jinja *jinja = jinja_new(bytes_of(source), &why);
        struct chat_template *t = chat_template_new(bytes_of(source), &why);
        struct abilities a;
        json_t *made = json_object();
        if (jinja)
            (void)abilities_find(jinja, &a, &why);
        json_object_foreach (json_object_get(file, "conversations"), said, conversation) {
            json_t *one = t && jinja ? render(t, &a, conversation, json_object_get(file, "variables"))
                                     : json_pack("{s:s}", "refused", why.message);
            json_object_set_new(made, said, one);
        }
        json_object_set_new(all, name, made);
        chat_template_free(t);
        jinja_free(jinja);
    }
    return all;
}

static void test_chats(void **state)
{
    (void)state;
    const char *in = getenv("HONE_CHATS"), *out = getenv("HONE_CHATS_OUT");
    if (!in || !out)
        skip();
    json_t *file = read_json(in), *made = render_all(file);
    char *text = json_write(made, 0);
    FILE *f = fopen(out, "w");
    assert_non_null(text);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    free(text);
    json_decref(made);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
