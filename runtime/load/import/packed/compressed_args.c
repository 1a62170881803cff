/* What quantization_config of compressed-tensors says of weights: groups of modules, each with its bits and blocks. Which group a
 * module is in is told by patterns and classes; what its tensors can be by their shapes leaves no choice but among these. */
#include "runtime/base/json.h"
#include "runtime/load/import/packed/packed.h"

#include <string.h>

static json_t *groups_of(const struct packed_folder *p)
{
    json_t *groups = json_object_get(p->config, "config_groups");
    return json_object_size(groups) > 0 ? groups : NULL;
}

bool packed_args_know(const struct packed_folder *p, const char *key, size_t value, bool otherwise)
{
    json_t *groups = groups_of(p), *group;
    const char *name;
    json_object_foreach (groups, name, group) {
        const json_t *x = json_object_get(json_object_get(group, "weights"), key);
        if (json_is_integer(x) && json_integer_value(x) == (json_int_t)value)
            return true;
    }
    return !groups && otherwise;
}

const json_t *packed_args_find(const struct packed_folder *p, const char *key)
{
    json_t *group;
    const char *name;
    json_object_foreach (groups_of(p), name, group) {
        const json_t *x = json_object_get(json_object_get(group, "weights"), key);
        if (x && !json_is_null(x))
            return x;
    }
    return NULL;
}

static bool is_one_of(const json_t *value, const char *const *names)
{
    const char *text = json_string_value(value);
    while (text && *names && strcmp(text, *names) != 0)
        names++;
    return !text || *names;
}

static enum hone_status check_group(const struct packed_folder *p, const char *name, json_t *group,
                                    struct hone_error *err)
{
    static const char *const strategies[] = {"tensor", "channel", "group", "block", "tensor_group", NULL},
                             *const types[] = {"int", "float", NULL};
    json_t *weights = json_object_get(group, "weights");
    const json_t *strategy = json_object_get(weights, "strategy"), *type = json_object_get(weights, "type");
    const json_int_t bits = packed_number(weights, "num_bits", 8);
    if (!is_one_of(strategy, strategies) || !is_one_of(type, types))
        return packed_refuse(p, err, "weights of '%.60s' have the strategy '%.40s' and type '%.40s'", name,
                             json_is_string(strategy) ? json_string_value(strategy) : "(none)",
                             json_is_string(type) ? json_string_value(type) : "(none)");
    if (bits < 1 || bits > 8)
        return packed_refuse(p, err, "weights of '%.60s' have %lld bits, expected 1 to 8", name,
                             (long long)bits);
    return HONE_OK;
}

enum hone_status packed_args_check(const struct packed_folder *p, struct hone_error *err)
{
    static const char *const formats[] = {"dense",
                                          "pack-quantized",
                                          "int-quantized",
                                          "float-quantized",
                                          "naive-quantized",
                                          "mixed-precision",
                                          "nvfp4-pack-quantized",
                                          "mxfp4-pack-quantized",
                                          "mxfp8-quantized",
                                          NULL};
    const json_t *format = json_object_get(p->config, "format"),
                 *turns = json_object_get(json_object_get(p->config, "transform_config"), "config_groups");
    json_t *group;
    const char *name;
    enum hone_status status = HONE_OK;
    if (!is_one_of(format, formats))
        return packed_refuse(p, err, "the format '%.60s' is not supported", json_string_value(format));
    if (json_object_size(turns) > 0)
        return packed_refuse(p, err, "weights that were turned ('transform_config') are not supported");
    json_object_foreach (groups_of(p), name, group) {
        if (status == HONE_OK && !is_one_of(json_object_get(group, "format"), formats))
            status = packed_refuse(p, err, "the format of '%.60s' is not supported", name);
        if (status == HONE_OK)
            status = check_group(p, name, group, err);
    }
    return status;
}
