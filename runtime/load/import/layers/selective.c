/* Of a folder with Mamba's scan of channels: its numbers, and of Jamba which layers attend and which have experts. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the scan ---- */

/* "auto", or nothing: a sixteenth of the width, rounded up. */
static enum hone_status import_rank(struct folder *f, struct hone_error *err)
{
    static const char name[] = "time_step_rank|mamba_dt_rank";
    const char *word = json_string_value(json_at(f->config, name));
    double n = ceil(folder_number(f, "hidden_size|d_model", 0) / 16);
    if (!word || strcmp(word, "auto") != 0)
        n = folder_number(f, name, n);
    return folder_set_count(f, "ssm.time_step_rank", n, 1 << 15,
                            json_at(f->config, "mamba_dt_rank") ? "mamba_dt_rank" : "time_step_rank", err);
}

static enum hone_status import_scan(struct folder *f, struct hone_error *err)
{
    static const char own[] = "hone.recurrent_inputs_eps";
    char key[128];
    const double width =
        folder_number(f, "mamba_expand|expand", 2) * folder_number(f, "hidden_size|d_model", 0);
    enum hone_status status = folder_set_count(
        f, "ssm.inner_size", f->arch->recurs_alone ? folder_number(f, "intermediate_size", width) : width,
        1 << 16, f->arch->recurs_alone ? "expand' or 'intermediate_size" : "mamba_expand", err);
    if (status == HONE_OK)
        status = import_rank(f, err);
    if (status != HONE_OK || !f->form->inputs_eps)
        return status;
    const double eps = folder_number(f, f->form->inputs_eps, 1e-6);
    if (!(eps >= 0 && eps < 1e30))
        return folder_refuse(f, f->form->inputs_eps, "should be a number from 0 on", err);
    snprintf(key, sizeof key, "%s.ssm.dt_b_c_rms", f->arch->name);
    status = folder_set(gguf_set_bool(f->g, key, true), key, err);
    return status == HONE_OK ? folder_set(gguf_set_f32(f->g, own, (float)eps), own, err) : status;
}

/* ---- layers by turns ---- */

/* Every so many layers, from one on. */
static enum hone_status by_turns(const struct folder *f, const char *period, int usual_period,
                                 const char *offset, int usual_offset, bool *list, size_t n,
                                 struct hone_error *err)
{
    const double every = folder_number(f, period, usual_period),
                 first = folder_number(f, offset, usual_offset);
    if (!(every >= 1 && every <= MAX_LAYERS && every == floor(every)))
        return folder_refuse(f, period, "should be a number of layers", err);
    if (!(first >= 0 && first < every && first == floor(first)))
        return folder_refuse(f, offset, "should be a layer of the first turn", err);
    for (size_t i = 0; i < n; i++)
        list[i] = i % (size_t)every == (size_t)first;
    return HONE_OK;
}

/* One expert is none. */
static enum hone_status import_routed(struct folder *f, size_t n, struct hone_error *err)
{
    static const char own[] = "hone.routed_layers";
    bool routed[MAX_LAYERS];
    const double n_experts = folder_number(f, "num_experts|num_local_experts", 16);
    if (!json_equal(json_at(f->config, "num_experts|num_local_experts"),
                    json_at(f->config, "num_local_experts|num_experts")) &&
        json_at(f->config, "num_experts|num_local_experts"))
        return folder_refuse(f, "num_local_experts", "says something else than 'num_experts'", err);
    if (n_experts == 0 || n_experts == 1)
        return HONE_OK;
    enum hone_status status = folder_set_count(f, "expert_count", n_experts, 1 << 12, "num_experts", err);
    if (status == HONE_OK)
        status = folder_set_count(f, "expert_used_count", folder_number(f, "num_experts_per_tok", 2), 1 << 12,
                                  "num_experts_per_tok", err);
    if (status == HONE_OK)
        status = by_turns(f, "expert_layer_period", 2, "expert_layer_offset", 1, routed, n, err);
    return status == HONE_OK ? folder_set(gguf_set_array(f->g, own, GGUF_BOOL, routed, n), own, err) : status;
}

static enum hone_status import_turns(struct folder *f, struct hone_error *err)
{
    char key[128];
    bool attends[MAX_LAYERS];
    size_t n = 0;
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, MAX_LAYERS, &n, err);
    if (status == HONE_OK)
        status = by_turns(f, "attn_layer_period", 8, "attn_layer_offset", 4, attends, n, err);
    if (status == HONE_OK)
        status = import_attending(f, attends, n, err);
    if (status == HONE_OK)
        status = folder_set_count(f, "feed_forward_length", folder_number(f, "intermediate_size", 14336),
                                  1 << 18, "intermediate_size", err);
    return status == HONE_OK ? import_routed(f, n, err) : status;
}

enum hone_status import_selective(struct folder *f, struct hone_error *err)
{
    enum hone_status status = import_scan(f, err);
    return status == HONE_OK && !f->arch->recurs_alone ? import_turns(f, err) : status;
}
