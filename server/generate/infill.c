/* Gaps in texts: what clients say of them, and POST /infill, as llama.cpp's server has it (tools/server/README.md there). */
#include "server/generate/llama_completion.h"

#include "runtime/base/text.h"
#include "server/endpoints/endpoints.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

void choices_read_suffix(struct fields *f, const char *name, struct choices *c)
{
    struct hone_text suffix = {0};
    field_text(f, name, &suffix);
    if (suffix.size == 0 || f->failed)
        return;
    if (!hone_model_infills(f->r->model->light))
        field_fail(f, PROBLEM_FIELD, name,
                   "is not possible: the vocabulary of '%s' has no marks of gaps in texts",
                   f->r->model->name);
    else if (c->lists)
        field_fail(f, PROBLEM_FIELD, name, "needs a prompt that is a text");
    c->gap.suffix = suffix;
    c->like.infill = &c->gap;
}

/* [{"filename": "a.py", "text": "..."}] */
static void read_files(struct fields *f, struct choices *c)
{
    const json_t *list = field_get(f, "input_extra");
    size_t n = json_array_size(list);
    if (list && !json_is_array(list))
        field_fail(f, PROBLEM_FIELD, "input_extra", "must be a list of objects");
    if (f->failed || n == 0)
        return;
    c->files = field_reserve(f, "input_extra", n, sizeof *c->files);
    for (size_t i = 0; c->files && i < n && !f->failed; i++) {
        struct fields file = fields_in(f->r, json_array_get(list, i));
        c->files[i].name = (struct hone_text){"tmp", 3};
        if (!json_is_object(json_array_get(list, i)))
            field_fail(f, PROBLEM_FIELD, "input_extra", "must be a list of objects");
        field_required(&file, "text");
        field_text(&file, "text", &c->files[i].text);
        field_text(&file, "filename", &c->files[i].name);
        f->failed = f->failed || file.failed;
    }
    c->gap.files = c->files;
    c->gap.n_files = c->files ? n : 0;
    /* Names that llama.cpp gives, since clients say none. */
    c->gap.project = (struct hone_text){"myproject", 9};
    c->gap.name = (struct hone_text){"filename", 8};
}

/* What stands before the gap: input_prefix, and what `prompt` says of the line that the gap is in. */
static void read_prefix(struct fields *f, struct choices *c)
{
    struct hone_text prefix = {"", 0}, line = {"", 0};
    field_required(f, "input_prefix");
    field_text(f, "input_prefix", &prefix);
    field_text(f, "prompt", &line);
    char *text = f->failed ? NULL : malloc(prefix.size + line.size + 1);
    if (text)
        text_put(text_put(text, prefix), line);
    if (!f->failed && (!text || !choices_add_prompt(c, text, prefix.size + line.size)))
        field_fail(f, PROBLEM_MEMORY, "input_prefix", "is too much for the memory there is");
}

void llama_infill_handle(struct http_request *r)
{
    struct fields f;
    struct choices *c = llama_completion_open(r, &f);
    if (!c)
        return;
    read_prefix(&f, c);
    field_required(&f, "input_suffix");
    field_text(&f, "input_suffix", &c->gap.suffix);
    read_files(&f, c);
    c->like.infill = &c->gap;
    if (!f.failed && !hone_model_infills(r->model->light))
        http_fail(r, PROBLEM_TASK, NULL,
                  "the vocabulary of '%s' has no marks of gaps in texts, such as <|fim_prefix|>",
                  r->model->name);
    else if (!f.failed)
        llama_completion_submit(r);
}
