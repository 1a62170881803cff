/* An answer of a model, in which calls of tools and thoughts are looked for; the first byte says how they are written. Told bit
 * by bit it is the same as told as a whole. */
#include "server/chat/answer.h"
#include "tests/fuzz/harness.h"

#include <string.h>

static const struct tool_form forms[] = {
    {.syntax = TOOL_JSON,
     .open = "<tool_call>",
     .close = "</tool_call>",
     .name = "name",
     .arguments = "arguments"},
    {.syntax = TOOL_JSON, .name = "name", .arguments = "parameters"},
    {.syntax = TOOL_JSON, .open = "[TOOL_CALLS]", .bare = true, .name = "name", .arguments = "arguments"},
    {.syntax = TOOL_NAMED, .open = "<call>", .close = "</call>"},
    {.syntax = TOOL_PYTHON, .open = "<|python|>", .close = "<|end|>"},
    {.syntax = TOOL_PYTHON},
    {.syntax = TOOL_TAGS,
     .open = "<function=",
     .close = "</function>",
     .wrap = "<tool_call>",
     .wrap_close = "</tool_call>",
     .key_open = "<parameter=",
     .key_close = ">",
     .value_close = "</parameter>"},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static const json_t *offered(void)
{
    static json_t *tools;
    if (!tools)
        tools = json_loads(
            "[{\"type\":\"function\",\"function\":{\"name\":\"find\",\"parameters\":{\"type\":\"object\","
            "\"properties\":{\"text\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}},"
            "{\"type\":\"function\",\"function\":{\"name\":\"find.all\"}}]",
            0, NULL);
    return tools;
}

/* What was told, in order, as text; more of the same kind of text follows without a mark. */
struct transcript {
    struct reply_buffer text, said;
    enum answer_kind last;
    size_t n_calls;
};

static void release(struct transcript *t)
{
    reply_buffer_release(&t->text);
    reply_buffer_release(&t->said);
}

static void write_down(void *arg, const struct answer_part *part)
{
    struct transcript *t = arg;
    bool goes_on = t->text.size > 0 && t->last == part->kind && part->kind != ANSWER_CALL;
    if (!goes_on)
        reply_buffer_format(&t->text, "\n--- %d ", (int)part->kind);
    if (part->kind == ANSWER_CALL) {
        FUZZ_CHECK(part->call == t->n_calls++ && strlen(part->id) == 9);
        FUZZ_CHECK(strcmp(part->name, "find") == 0 || strcmp(part->name, "find.all") == 0);
        reply_buffer_format(&t->text, "%s %s", part->id, part->name);
    } else if (part->kind != ANSWER_CALLED) {
        FUZZ_CHECK(part->kind != ANSWER_ARGUMENTS || part->call + 1 == t->n_calls);
        reply_buffer_write(&t->text, part->text.data, part->text.size);
        if (part->kind == ANSWER_TEXT)
            reply_buffer_write(&t->said, part->text.data, part->text.size);
    }
    t->last = part->kind;
}

/* step: bytes that come at once */
static struct transcript tell(const struct answer_form *form, const char *text, size_t size, size_t step)
{
    struct answer a = {.number = 0};
    struct transcript t = {.text = {0}};
    for (size_t at = 0; at < size; at += step)
        answer_add(&a, form, (struct hone_text){text + at, size - at < step ? size - at : step}, write_down,
                   &t);
    answer_end(&a, form, write_down, &t);
    answer_release(&a);
    return t;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 5};
    if (size == 0)
        return;
    struct answer_form form = {.reasoning = {"<think>", "</think>", data[0] & 16},
                               .calls = forms[(data[0] & 7) % N_FORMS],
                               .tools = offered(),
                               .one_call = data[0] & 32,
                               .id = "abcdefghijklmnopqrstuvwxyz"};
    const char *text = (const char *)data + 1;
    struct transcript whole = tell(&form, text, size - 1, size);
    /* A name of a tool in what is said may be that of a call that turned out to be none, which is too late where it has been told
     * already. */
    bool is_plain = !whole.said.data || !memmem(whole.said.data, whole.said.size, "find", 4);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && size < 2000; i++) {
        struct transcript pieces = tell(&form, text, size - 1, steps[i]);
        bool same = pieces.text.size == whole.text.size &&
                    (whole.text.size == 0 || memcmp(pieces.text.data, whole.text.data, whole.text.size) == 0);
        FUZZ_CHECK(same || !is_plain);
        release(&pieces);
    }
    release(&whole);
}

FUZZ_SEEDS(
    FUZZ_TEXT("HI look. <tool_call>\n{\"name\": \"find\", \"arguments\": {\"text\": \"a\\n\", \"n\": "
              "3}}\n</tool_call>"),
    FUZZ_TEXT("A<think>x</think>{\"name\": \"find\", \"parameters\": {}}; {\"name\": \"find.all\", "
              "\"parameters\": {\"a\": [1]}}"),
    FUZZ_TEXT("B[{\"name\": \"find\", \"arguments\": {\"n\": 1}}]"),
    FUZZ_TEXT("Ca <call>find{\"text\": \"b\"}</call><call>find.all\n```json\n{}\n```</call>"),
    FUZZ_TEXT("D<|python|>[find(text='a\\'b', n=-3), find.all(x=[1, {'k': None}], y=True)]<|end|>"),
    FUZZ_TEXT("E[find(text=\"\"\"a\"\"\")]"),
    FUZZ_TEXT(
        "F<tool_call>\n<function=find>\n<parameter=text>\na\n</parameter>\n<parameter=n>3</parameter>\n</"
        "function>\n"
        "</tool_call>"),
    FUZZ_TEXT(/* Told otherwise bit by bit once: a thought that opens twice), FUZZ_TEXT(a second call that is left out and cut short), FUZZ_TEXT(a name that
         * begins a longer one), FUZZ_TEXT(the mark behind a call within an argument), FUZZ_TEXT(a wrap that is none. */
              "Q<think>x</think>a"),
    FUZZ_TEXT("d<|python|>[find(n=1), find.all(x=[1"), FUZZ_TEXT("D<|python|>[find.all(n=1)]<|end|>"),
    FUZZ_TEXT("F<function=find>\n<parameter=text>\n</function>\n</parameter>\n</function>"),
    FUZZ_TEXT("F<tool_call>\n<funct<tool_call>\n<function=find>\n<parameter=n>3</parameter>\n</function>\n</"
              "tool_call>"))

FUZZ_NO_SHAPE
