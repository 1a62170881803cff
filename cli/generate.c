#include "cli/commands.h"
#include "cli/ids.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/sampling.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const reasons[] = {"none", "stop", "length", "cancelled"};

/* Text goes out as it comes. */
static bool on_token(void *arg, const struct hone_token *token)
{
    struct output *o = arg;
    if (token->text.size == 0)
        return true;
    output_write(o, token->text.data, token->text.size);
    return output_flush(o) == HONE_OK;
}

static void write_json(struct output *o, const struct hone_generation *g)
{
    output_text(o, "{\"text\": ");
    text_write_json(o, (struct hone_text){g->text, g->text_size});
    output_text(o, ", \"ids\": [");
    for (size_t i = 0; i < g->n_out; i++)
        output_format(o, "%s%d", i ? ", " : "", (int)g->out_ids[i]);
    output_format(o, "], \"finish_reason\": \"%s\", \"prompt_tokens\": %zu}\n", reasons[g->finish],
                  g->n_prompt);
}

static enum hone_status generate(struct hone_model *model, struct hone_generation *g,
                                 const struct options *options)
{
    static struct output o;
    struct hone_error err;
    bool json = options->format && strcmp(options->format, "jsonl") == 0;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    g->on_token = json ? NULL : on_token;
    g->arg = &o;
    status = hone_generate(model, g, 1, NULL, &err);
    if (status != HONE_OK)
        report_failure(&err);
    else if (json)
        write_json(&o, g);
    else
        output_text(&o, "\n");
    hone_generation_release(g);
    enum hone_status closed = output_close(&o, status == HONE_OK);
    return status == HONE_OK ? closed : status;
}

enum hone_status generate_run(const struct options *options)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_generation g = {.max_tokens = options->n_tokens, .ignore_end = options->ignore_eos};
    struct hone_text stop = text_from(options->stop ? options->stop : "");
    struct hone_beams beams = {.n = options->beams, .length_penalty = 1};
    int32_t *ids = NULL, *decoder_ids = NULL;
    if (!options->text == !options->ids)
        return report_error(HONE_USAGE, "give either --prompt or --ids");
    enum hone_status status = sampling_read(options, &g.sampling);
    if (status == HONE_OK && options->ids)
        status = ids_read(options->ids, &ids, &g.n_ids);
    if (status == HONE_OK && options->decoder_ids)
        status = ids_read(options->decoder_ids, &decoder_ids, &g.n_decoder_ids);
    if (status != HONE_OK) {
        free(ids);
        return status;
    }
    if (options->length_penalty.given)
        beams.length_penalty = (float)options->length_penalty.value;
    g.beams = options->beams > 0 ? &beams : NULL;
    g.ids = ids;
    g.decoder_ids = decoder_ids;
    g.prompt = text_from(options->text ? options->text : "");
    g.stops = options->stop ? &stop : NULL;
    g.n_stops = options->stop ? 1 : 0;
    status = run_open_model(&model, options->model, options, false, &err);
    if (status == HONE_OK)
        status = generate(model, &g, options);
    else
        report_failure(&err);
    hone_model_close(&model);
    free(ids);
    free(decoder_ids);
    return status;
}
