/* What a chat template can say, found out by rendering small conversations whose words are looked for in what comes out:
 * how the content of each role may come, whether it knows the role developer, and the forms of tools' calls that it
 * reads. */
#ifndef TOKENIZER_TEMPLATE_CHAT_ABILITIES_H
#define TOKENIZER_TEMPLATE_CHAT_ABILITIES_H

#include "tokenizer/template/chat/call_text.h"
#include "tokenizer/template/template.h"

enum chat_role { CHAT_SYSTEM, CHAT_DEVELOPER, CHAT_USER, CHAT_ASSISTANT, CHAT_TOOL, CHAT_ROLES };

/* CHAT_ROLES: none of them. */
enum chat_role chat_role_named(const char *name);

/* What stands in `content` beside calls where the message says nothing. */
enum empty_content { CONTENT_NULL, CONTENT_TEXT, CONTENT_ABSENT, CONTENT_FORMS };

struct abilities {
    struct {
        bool text, parts; /* at least one of them; text where neither is shown */
    } content[CHAT_ROLES];
    bool knows_developer;                   /* apart from a role that nobody knows */
    bool two_systems;                       /* one behind the other are shown both */
    const char *tools_variable;             /* what the template knows tools by */
    bool whole_tools;                       /* it fails for one without a description or without parameters */
    const struct call_form_text *call_text; /* how calls are text, where the template shows none; or NULL */
    /* Of calls, where the template shows any: */
    bool calls;                /* it does, in one of these forms; the rest is meaningless without */
    bool argument_text;        /* arguments as JSON text; else as objects */
    bool short_ids;            /* ids have nine letters and digits (Mistral's) */
    bool empty[CONTENT_FORMS]; /* which contents may stand beside a call */
    bool text_with_calls;      /* a text beside a call is shown, */
    bool text_before_calls;    /* or else as a message of its own before it */
    bool result_names;         /* a result says the name of its tool */
};

/* False, with a sentence: the template does too much for a few words. */
bool abilities_find(const struct jinja *jinja, struct abilities *out, struct hone_error *err);

#endif
