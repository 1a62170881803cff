#include "cli/commands/inspect.h"
#include "cli/io/text.h"

static const char *task_name(enum hone_task task)
{
    static const char *const names[] = {"none",   "embed",      "classify", "generate", "classify-tokens",
                                        "answer", "find-spans", "rerank"};
    return names[task];
}

static void json_text(struct output *o, const char *key, const char *value)
{
    output_format(o, "\"%s\": ", key);
    text_write_json(o, text_from(value));
}

static void json_labels(const struct subject *s)
{
    output_text(s->o, "\"labels\": [");
    for (size_t i = 0; i < s->info->n_labels; i++) {
        output_text(s->o, i ? ", " : "");
        text_write_json(s->o, text_from(hone_model_label(s->model, i)));
    }
    output_text(s->o, "], \"prompts\": {");
    for (size_t i = 0; i < s->info->n_prompts; i++) {
        const char *text = "", *name = hone_model_prompt(s->model, i, &text);
        output_text(s->o, i ? ", " : "");
        text_write_json(s->o, text_from(name));
        output_text(s->o, ": ");
        text_write_json(s->o, text_from(text));
    }
    output_text(s->o, "}, \"tasks\": [");
    for (size_t i = 0; hone_model_adaptation(s->model, i); i++) {
        output_text(s->o, i ? ", " : "");
        text_write_json(s->o, text_from(hone_model_adaptation(s->model, i)));
    }
    output_text(s->o, "]");
}

static void json_need(const struct subject *s)
{
    struct hone_need n;
    if (hone_model_need(s->model, &n, NULL) == HONE_OK)
        output_format(
            s->o,
            "\"need\": {\"weights\": %zu, \"tables\": %zu, \"vocabulary\": %zu, \"activations\": %zu, "
            "\"kv\": %zu, \"kv_token\": %zu, \"experts\": %zu, \"experts_token\": %zu}, ",
            n.weights, n.tables, n.vocabulary, n.activations, n.kv, n.kv_token, n.experts, n.experts_token);
}

/* Of a router: {"query": "route", ...}. */
static void json_routes(const struct subject *s)
{
    static const char *const roles[] = {
        [HONE_ROLE_NONE] = "", [HONE_ROLE_QUERY] = "query", [HONE_ROLE_DOCUMENT] = "document"};
    bool first = true;
    if (!*s->info->route)
        return;
    output_text(s->o, ", \"routes\": {");
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const struct hone_model *reader = hone_model_route(s->model, (enum hone_role)i);
        if (!reader)
            continue;
        output_format(s->o, "%s\"%s\": ", first ? "" : ", ", roles[i]);
        text_write_json(s->o, text_from(hone_model_info(reader)->route));
        first = false;
    }
    output_text(s->o, "}");
}

static void json_model(const struct subject *s)
{
    const struct hone_model_info *info = s->info;
    const struct {
        const char *name, *value;
    } texts[] = {
        {"name", info->name},       {"architecture", info->architecture}, {"task", task_name(info->task)},
        {"pooling", info->pooling}, {"activation", info->activation},     {"compute", info->compute},
        {"cpu", info->cpu},         {"positions", info->positions}};
    const struct {
        const char *name;
        size_t value;
    } sizes[] = {
        {"n_params", info->n_params},     {"n_vocab", info->n_vocab},     {"n_layers", info->n_layers},
        {"n_embd", info->n_embd},         {"n_heads", info->n_heads},     {"n_ff", info->n_ff},
        {"n_kv_heads", info->n_kv_heads}, {"head_dim", info->head_dim},   {"n_local", info->n_local},
        {"window", info->window},         {"n_threads", info->n_threads}, {"max_length", info->max_length}};
    output_text(s->o, "{");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_text(s->o, texts[i].name, texts[i].value);
        output_text(s->o, ", ");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        output_format(s->o, "\"%s\": %zu, ", sizes[i].name, sizes[i].value);
    json_need(s);
    output_format(s->o, "\"normalize\": %s, ", info->normalize ? "true" : "false");
    json_labels(s);
    json_routes(s);
    output_text(s->o, "}");
}

static void json_metadata(const struct subject *s)
{
    output_text(s->o, ", \"metadata\": {");
    for (size_t i = 0; i < hone_file_n_keys(s->file); i++) {
        char *value;
        const char *key = hone_file_key(s->file, i, &value);
        output_text(s->o, i ? ", " : "");
        text_write_json(s->o, text_from(key));
        output_text(s->o, ": ");
        output_text(s->o, value ? value : "null");
        hone_free(value);
    }
    output_text(s->o, "}");
}

static void json_types(const struct subject *s)
{
    struct type_count counts[MAX_TYPES];
    size_t n = inspect_types(s->file, counts);
    output_text(s->o, ", \"types\": {");
    for (size_t i = 0; i < n; i++) {
        output_text(s->o, i ? ", " : "");
        text_write_json(s->o, text_from(counts[i].name));
        output_format(s->o, ": {\"tensors\": %zu, \"bytes\": %llu}", counts[i].n,
                      (unsigned long long)counts[i].size);
    }
    output_text(s->o, "}");
}

static void json_tensors(const struct subject *s)
{
    output_text(s->o, ", \"tensors\": [");
    for (size_t i = 0; i < hone_file_n_tensors(s->file); i++) {
        struct hone_file_tensor t = hone_file_tensor(s->file, i);
        output_text(s->o, i ? ", {" : "{");
        json_text(s->o, "name", t.name);
        output_text(s->o, ", ");
        json_text(s->o, "type", t.type);
        output_text(s->o, ", \"dims\": [");
        for (unsigned d = 0; d < t.n_dims; d++)
            output_format(s->o, "%s%llu", d ? ", " : "", (unsigned long long)t.dims[d]);
        output_format(s->o, "], \"bytes\": %llu}", (unsigned long long)t.size);
    }
    output_text(s->o, "]");
}

void inspect_show_json(const struct subject *s)
{
    output_text(s->o, "{");
    json_text(s->o, "path", s->options->operand);
    output_format(s->o, ", \"tensor_bytes\": %llu, \"model\": ", (unsigned long long)inspect_size(s->file));
    if (s->model) {
        json_model(s);
    } else {
        output_text(s->o, "null, ");
        json_text(s->o, "error", s->why.message);
    }
    json_metadata(s);
    json_types(s);
    if (s->options->tensors)
        json_tensors(s);
    output_text(s->o, "}\n");
}
