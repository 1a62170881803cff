/* Words that fit where a text has the mask token. */
#include "runtime/infer/ragged.h"
#include "runtime/infer/tasks.h"

enum hone_status fill_request(const struct hone_model *model, size_t n_words,
                              const struct hone_run_options *how, struct request *out, struct hone_error *err)
{
    size_t n_vocab = model->net.hp.n_vocab;
    if (!model->info.fills_masks)
        return hone_fail(err, HONE_USAGE, "%s tells no words: it has no head for them, or no mask token",
                         model->path);
    if (n_words == 0 || n_words > n_vocab)
        return hone_fail(err, HONE_USAGE, "%zu words were asked for, expected 1 to %zu", n_words, n_vocab);
    out->output = OUTPUT_FILLINGS;
    out->raw = how->raw;
    out->n_dims = n_words;
    out->inputs.max_length = model->net.hp.max_length;
    out->inputs.may_stop = !model->options.strict;
    out->inputs.cut = tokens_side(how->cut);
    return HONE_OK;
}

enum hone_status hone_fill_masks(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                 size_t n_words, const struct hone_run_options *run, struct hone_word **out,
                                 size_t **starts, struct hone_stats *stats, struct hone_error *err)
{
    struct ragged r;
    struct request request = {.inputs = {.n = n_texts, .first = texts}, .sink = ragged_keep_pairs, .arg = &r};
    struct hone_run_options how;
    void *words = NULL;
    *out = NULL;
    *starts = NULL;
    enum hone_status status = task_take_options(&how, run, err);
    request.run = &how;
    if (status == HONE_OK)
        status = fill_request(model, n_words, &how, &request, err);
    if (status == HONE_OK)
        status = ragged_run(model, &request, sizeof **out, &words, starts, stats, err);
    *out = words;
    return status;
}
