/* The keys that quantization_config may have in each scheme: those that are read, and those that tell of how the weights were
 * found, of what other programs do with them, or which modules are packed, which the tensors tell. */
#include "runtime/load/import/keys.h"
#include "runtime/load/import/packed/packed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct key_spec all_keys[] = {{"quant_method", NULL},
                                           {"modules_to_not_convert", NULL},
                                           {"modules_to_convert", NULL},
                                           {"ignored_layers", NULL},
                                           {"backend", NULL},
                                           {"dequantize", NULL}, /* what transformers computes with */
                                           {NULL, NULL}};

static const struct key_spec gptq_keys[] = {
    /* read */
    {"bits", NULL},
    {"group_size", NULL},
    {"desc_act", NULL},
    {"checkpoint_format", NULL},
    {"format", NULL},
    /* known in one form */
    {"is_marlin_format", "false"},
    {"pack_dtype", "\"int32\""},
    {"data_type", "\"int\""},
    {"rotation", "null"},
    {"adapter", "null"},
    /* told by the tensors: other bits or groups of a module do not fit its shape */
    {"sym", NULL},
    {"lm_head", NULL},
    {"dynamic", NULL},
    {"static_groups", NULL},
    {"act_group_aware", NULL},
    {"block_name_to_quantize", NULL},
    {"modules_in_block_to_quantize", NULL},
    {"module_name_preceding_first_block", NULL},
    {"to_quant_block_names", NULL},
    /* how they were found */
    {"damp_*", NULL},
    {"true_sequential", NULL},
    {"mse", NULL},
    {"hyb_act", NULL},
    {"v2", NULL},
    {"v2_*", NULL},
    {"gptaq*", NULL},
    {"meta", NULL},
    {"model_name_or_path", NULL},
    {"model_file_base_name", NULL},
    {"dataset", NULL},
    {"tokenizer", NULL},
    {"max_input_length", NULL},
    {"model_seqlen", NULL},
    {"seqlen", NULL},
    {"nsamples", NULL},
    {"iters", NULL},
    {"lr", NULL},
    {"minmax_lr", NULL},
    {"batch_size", NULL},
    {"pad_token_id", NULL},
    {"cache_*", NULL},
    {"offload_to_disk*", NULL},
    {"autoround_version", NULL},
    {"enable_*", NULL},
    {"low_gpu_mem_usage", NULL},
    {"amp", NULL},
    {"scale_dtype", NULL},
    /* how others compute with them */
    {"use_exllama", NULL},
    {"disable_exllama", NULL},
    {"exllama_config", NULL},
    {"use_cuda_fp16", NULL},
    {"compile", NULL},
    {NULL, NULL}};

static const struct key_spec awq_keys[] = {{"bits", NULL},
                                           {"w_bit", NULL},
                                           {"group_size", NULL},
                                           {"q_group_size", NULL},
                                           {"version", NULL},
                                           {"format", NULL},
                                           {"checkpoint_format", "\"gemm\""},
                                           {"zero_point", "true"},
                                           {"desc_act", "false"},
                                           {"pack_dtype", "\"int32\""},
                                           {"sym", "false"},
                                           {"dynamic", "null"},
                                           {"adapter", "null"},
                                           {"lm_head", NULL},
                                           {"meta", NULL},
                                           {"do_fuse", NULL},
                                           {"fuse_max_seq_len", NULL},
                                           {"modules_to_fuse", NULL},
                                           {"exllama_config", NULL},
                                           {NULL, NULL}};

static const struct key_spec fp8_keys[] = {{"weight_block_size", NULL},
                                           {"activation_scheme", NULL},
                                           {"activation_scale_ub", NULL},
                                           {"fmt", "\"e4m3\"|\"float8_e4m3fn\""},
                                           {"expert_dtype", "\"fp8\""},
                                           {"scale_fmt", NULL}, /* the tensors tell */
                                           {"is_checkpoint_fp8_serialized", NULL},
                                           {"kv_cache_*", NULL},
                                           {NULL, NULL}};

static const struct key_spec bitsandbytes_keys[] = {
    /* the state beside each matrix tells */
    {"load_in_4bit", NULL},
    {"load_in_8bit", NULL},
    {"_load_in_4bit", NULL},
    {"_load_in_8bit", NULL},
    {"bnb_4bit_quant_type", NULL},
    {"bnb_4bit_use_double_quant", NULL},
    {"bnb_4bit_quant_storage", NULL},
    {"bnb_4bit_compute_dtype", NULL},
    {"llm_int8_*", NULL},
    {NULL, NULL}};

static const struct key_spec compressed_keys[] = {{"config_groups", NULL},
                                                  {"format", NULL},
                                                  {"ignore", NULL},
                                                  {"quantization_status", NULL},
                                                  {"sparsity_config", NULL},
                                                  {"transform_config", NULL},
                                                  {"global_compression_ratio", NULL},
                                                  {"kv_cache_scheme", NULL},
                                                  {"version", NULL},
                                                  {"run_compressed", NULL},
                                                  {"use_optimized_inference", NULL},
                                                  {NULL, NULL}};
static const struct key_spec group_keys[] = {{"targets", NULL},
                                             {"weights", NULL},
                                             {"format", NULL},
                                             {"input_activations", NULL},
                                             {"output_activations", NULL},
                                             {NULL, NULL}};
static const struct key_spec weights_keys[] = {
    {"num_bits", NULL}, {"group_size", NULL}, {"strategy", NULL}, {"block_structure", NULL},
    {"type", NULL},     {"symmetric", NULL},  {"actorder", NULL}, {"scale_dtype", NULL},
    {"zp_dtype", NULL}, {"dynamic", "false"}, {"observer", NULL}, {"observer_kwargs", NULL},
    {NULL, NULL}};

static const struct {
    const char *method;
    const struct key_spec *keys;
} schemes[] = {{"gptq", gptq_keys},
               {"awq", awq_keys},
               {"fp8", fp8_keys},
               {"fbgemm_fp8", fp8_keys},
               {"bitsandbytes", bitsandbytes_keys},
               {"compressed-tensors", compressed_keys}};

static enum hone_status check_groups(const struct packed_folder *p, const char *path, struct hone_error *err)
{
    char inside[PATH_MAX + 200];
    json_t *group;
    const char *name;
    enum hone_status status = HONE_OK;
    json_object_foreach (json_object_get(p->config, "config_groups"), name, group) {
        snprintf(inside, sizeof inside, "%.*s: config_groups.%.60s", PATH_MAX, path, name);
        if (status == HONE_OK)
            status = keys_check(p->f->keys, inside, group, (const struct key_spec *const[]){group_keys, NULL},
                                err);
        if (status == HONE_OK)
            status = keys_check(p->f->keys, inside, json_object_get(group, "weights"),
                                (const struct key_spec *const[]){weights_keys, NULL}, err);
    }
    return status;
}

enum hone_status packed_check_keys(const struct packed_folder *p, const char *method, struct hone_error *err)
{
    char path[PATH_MAX + 100];
    enum hone_status status = HONE_OK;
    snprintf(path, sizeof path, "%.*s/config.json: quantization_config of '%s'", PATH_MAX, p->f->dir, method);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes && status == HONE_OK; i++)
        if (strcmp(method, schemes[i].method) == 0)
            status = keys_check(p->f->keys, path, p->config,
                                (const struct key_spec *const[]){schemes[i].keys, all_keys, NULL}, err);
    return status == HONE_OK ? check_groups(p, path, err) : status;
}
