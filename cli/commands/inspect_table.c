#include "cli/commands/inspect.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct table_column two_columns[] = {{"", 14, false}, {"", 0, false}};

/* "22,713,216" */
static const char *grouped(uint64_t n, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *p = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

static const char *megabytes(uint64_t size, char out[32])
{
    if (size < 1000000)
        snprintf(out, 32, "%.1f kB", (double)size / 1e3);
    else if (size < 1000000000)
        snprintf(out, 32, "%.1f MB", (double)size / 1e6);
    else
        snprintf(out, 32, "%.2f GB", (double)size / 1e9);
    return out;
}

static void heading(const struct subject *s, const char *title)
{
    bool colour = table_has_colour(s->o);
    output_format(s->o, "\n%s", colour ? "\033[1m" : "");
    text_write_plain(s->o, text_from(title), SIZE_MAX);
    output_format(s->o, "%s\n", colour ? "\033[0m" : "");
}

static void fact(struct table *t, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fact(struct table *t, const char *name, const char *format, ...)
{
    char value[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    table_cell(t, text_from(name));
    table_cell(t, text_from(value));
}

/* What keys and values take, of one token and of a full context. */
static void show_cache(const struct subject *s, struct table *t)
{
    static const struct {
        const char *name;
        enum hone_kv kv;
    } kinds[] = {{"f32", HONE_KV_F32}, {"f16", HONE_KV_F16}, {"int8", HONE_KV_INT8}};
    const size_t block = 32, context = s->info->max_length;
    for (size_t i = 0; i < 3; i++)
        fact(t, i ? "" : "KV cache", "%s: %.1f kB a token, %.1f MB for 4096, %.1f MB for the context of %zu",
             kinds[i].name, (double)hone_kv_bytes(s->model, kinds[i].kv, block) / (double)block / 1e3,
             (double)hone_kv_bytes(s->model, kinds[i].kv, 4096) / 1e6,
             (double)hone_kv_bytes(s->model, kinds[i].kv, context) / 1e6, context);
}

static void show_task(const struct subject *s, struct table *t)
{
    const struct hone_model_info *info = s->info;
    if (info->task == HONE_TASK_EMBED) {
        if (strcmp(info->pooling, "splade") == 0)
            fact(t, "task", "embed: a text to weights for %zu words", info->n_dims);
        else
            fact(t, "task", "embed: %s to a vector of %zu numbers",
                 strcmp(info->pooling, "tokens") == 0 ? "each token" : "a text", info->n_dims);
        if (info->fills_masks)
            fact(t, "", "fill: words where a text has the mask token, such as [MASK]");
        fact(t, "pooling", "%s%s", info->pooling, info->normalize ? ", normalised to length 1" : "");
    } else if (info->task == HONE_TASK_GENERATE) {
        fact(t, "task", "generate: a text that goes on");
        if (s->options->show_kv)
            show_cache(s, t);
    } else if (info->task == HONE_TASK_ANSWER) {
        fact(t, "task", "answer: where a question is answered in a text");
    } else if (info->task == HONE_TASK_RERANK) {
        fact(t, "task", "rerank: a query and all documents together to a score for each");
    } else if (info->task == HONE_TASK_FIND_SPANS) {
        fact(t, "task", "classify: spans of a text that labels of your own name");
    } else {
        fact(t, "task", "%s",
             info->task == HONE_TASK_CLASSIFY_TOKENS ? "classify: what a text names, by labels of its tokens"
             : info->n_labels == 1                   ? "rerank: a query and a document to a score"
                                                     : "classify: a text to a score for each label");
        fact(t, "scores by", "%s", info->activation);
    }
    for (size_t i = 0; i < info->n_labels; i++)
        fact(t, i ? "" : "labels", "%s", hone_model_label(s->model, i));
    for (size_t i = 0; i < info->n_prompts; i++) {
        const char *text = "", *name = hone_model_prompt(s->model, i, &text);
        fact(t, i ? "" : "prompts", "%s: \"%s\"", name, text);
    }
    for (size_t i = 0; hone_model_adaptation(s->model, i); i++)
        fact(t, i ? "" : "tasks", "%s", hone_model_adaptation(s->model, i));
}

/* Of a router: who reads what. */
static void show_routes(const struct subject *s, struct table *t)
{
    static const struct {
        enum hone_role role;
        const char *texts;
    } roles[] = {{HONE_ROLE_NONE, "others"}, {HONE_ROLE_QUERY, "queries"}, {HONE_ROLE_DOCUMENT, "documents"}};
    for (size_t i = 0; i < 3 && *s->info->route; i++) {
        const struct hone_model *reader = hone_model_route(s->model, roles[i].role);
        const struct hone_model_info *info = reader ? hone_model_info(reader) : NULL;
        if (info)
            fact(t, i ? "" : "routes", "%s: %s, %s, at most %zu tokens", roles[i].texts, info->route,
                 info->architecture, info->max_length);
        else
            fact(t, i ? "" : "routes", "%s: none", roles[i].texts);
    }
}

static void show_model(const struct subject *s, struct table *t)
{
    const struct hone_model_info *info = s->info;
    const char *asked = s->options->compute ? s->options->compute : "auto";
    char number[32];
    fact(t, "architecture", "%s", info->architecture);
    show_routes(s, t);
    show_task(s, t);
    fact(t, "max length", "%s tokens", grouped(info->max_length, number));
    fact(t, "vocabulary", "%s tokens", grouped(info->n_vocab, number));
    fact(t, "parameters", "%s", grouped(info->n_params, number));
    fact(t, "layers", "%zu, of %zu heads, %zu numbers a token, %zu inside", info->n_layers, info->n_heads,
         info->n_embd, info->n_ff);
    if (info->n_kv_heads > 0)
        fact(t, "heads", "of %zu numbers; %zu of keys and values", info->head_dim, info->n_kv_heads);
    if (info->n_local > 0)
        fact(t, "window", "%zu tokens, in %zu of the layers", info->window, info->n_local);
    if (*info->positions)
        fact(t, "positions", "%s", info->positions);
    fact(t, "runs on", "%zu thread%s, %s instructions", info->n_threads, info->n_threads == 1 ? "" : "s",
         info->cpu);
    fact(t, "compute", "%s is %s: %s", asked, info->compute,
         strcmp(info->compute, "blas") == 0 ? "float32 products by OpenBLAS"
         : strcmp(info->compute, "int8") == 0
             ? "bytes with a scale for every 128, exact integer sums; cosine to f32 above 0.999"
         : strcmp(info->compute, "bf16") == 0
             ? "bfloat16 products summed in float32; cosine to f32 above 0.9999"
             : "float32, and a result never depends on its batch");
}

static double in_megabytes(size_t n)
{
    return (double)n / 1e6;
}

/* What it takes of memory while it is open; a server's caches come on top. */
static void show_need(const struct subject *s, struct table *t)
{
    struct hone_need n;
    char number[32];
    if (hone_model_need(s->model, &n, NULL) != HONE_OK)
        return;
    size_t all = n.weights + n.tables + n.vocabulary + n.activations + n.kv;
    fact(t, "needs",
         "%s of memory: weights %.1f MB, tables read in the file %.1f, tokenizer %.1f, activations %.1f, "
         "keys and values %.1f",
         megabytes(all, number), in_megabytes(n.weights), in_megabytes(n.tables), in_megabytes(n.vocabulary),
         in_megabytes(n.activations), in_megabytes(n.kv));
    if (n.experts > 0)
        fact(t, "experts",
             "%.1f MB of the weights, of which a token goes through %.1f: what is not chosen may stay on the "
             "disk",
             in_megabytes(n.experts), in_megabytes(n.experts_token));
}

static void show_metadata(const struct subject *s)
{
    struct table_column columns[] = {{"", 0, false}, {"", 0, false}};
    struct table t;
    heading(s, "Metadata");
    for (size_t i = 0; i < hone_file_n_keys(s->file); i++) {
        size_t width = text_columns(text_from(hone_file_key(s->file, i, NULL)));
        columns[0].width = width > columns[0].width ? width : columns[0].width;
    }
    table_begin(&t, s->o, columns, 2, false);
    for (size_t i = 0; i < hone_file_n_keys(s->file); i++) {
        char *value;
        table_cell(&t, text_from(hone_file_key(s->file, i, &value)));
        table_cell(&t, text_from(value ? value : ""));
        hone_free(value);
    }
}

static void show_types(const struct subject *s)
{
    static const struct table_column columns[] = {
        {"type", 8, false}, {"tensors", 8, true}, {"bytes", 16, true}, {"", 0, false}};
    struct type_count counts[MAX_TYPES];
    size_t n = inspect_types(s->file, counts);
    char number[32];
    struct table t;
    output_text(s->o, "\n");
    table_begin(&t, s->o, columns, 4, true);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, text_from(counts[i].name));
        table_format(&t, "%zu", counts[i].n);
        table_cell(&t, text_from(grouped(counts[i].size, number)));
        table_cell(&t, text_from(megabytes(counts[i].size, number)));
    }
}

static void show_tensors(const struct subject *s)
{
    struct table_column columns[] = {
        {"tensor", 6, false}, {"type", 8, false}, {"bytes", 16, true}, {"shape", 0, false}};
    size_t n = hone_file_n_tensors(s->file);
    char number[32];
    struct table t;
    output_text(s->o, "\n");
    for (size_t i = 0; i < n; i++) {
        size_t width = text_columns(text_from(hone_file_tensor(s->file, i).name));
        columns[0].width = width > columns[0].width ? width : columns[0].width;
    }
    table_begin(&t, s->o, columns, 4, true);
    for (size_t i = 0; i < n; i++) {
        struct hone_file_tensor tensor = hone_file_tensor(s->file, i);
        char shape[96] = "";
        for (unsigned d = 0; d < tensor.n_dims; d++)
            snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%llu", d ? " x " : "",
                     (unsigned long long)tensor.dims[d]);
        table_cell(&t, text_from(tensor.name));
        table_cell(&t, text_from(tensor.type));
        table_cell(&t, text_from(grouped(tensor.size, number)));
        table_cell(&t, text_from(shape));
    }
}

void inspect_show_tables(const struct subject *s)
{
    struct table t;
    char number[32];
    table_begin(&t, s->o, two_columns, 2, false);
    fact(&t, "model", "%s", s->options->operand);
    if (s->model && *s->info->name)
        fact(&t, "name", "%s", s->info->name);
    fact(&t, "size", "%s in %zu tensors", megabytes(inspect_size(s->file), number),
         hone_file_n_tensors(s->file));
    if (s->model) {
        show_model(s, &t);
        show_need(s, &t);
    } else {
        fact(&t, "cannot run", "%s", s->why.message);
    }
    if (hone_file_n_tensors(s->file) > 0)
        show_types(s);
    show_metadata(s);
    if (s->options->tensors)
        show_tensors(s);
}
