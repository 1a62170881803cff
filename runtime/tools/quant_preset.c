#include "runtime/tools/quant_preset.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a tensor is for. */
enum role { OTHER, OUTPUT, TOKENS, ATTENTION_V, ATTENTION_OUTPUT, FFN_DOWN };

/* In which layers a rule holds. */
enum layers {
    ALL,
    FIRST_2,
    FIRST_4,
    FIRST_SIXTEENTH,
    FIRST_EIGHTH,
    MORE_BITS, /* the first and the last eighth, and every third between */
};

enum condition { ALWAYS, IF_GROUPED, IF_IMPORTANCE, IF_NO_IMPORTANCE };

struct preset_rule {
    enum role role;
    enum layers layers;
    enum condition condition;
    uint32_t type;
};

#define MAX_RULES 5 /* what q3_k_m has, the longest; fewer end with one of zeros */

struct quant_preset {
    const char *name, *alias;
    uint32_t file_type; /* LLAMA_FTYPE_... in llama.h */
    uint32_t type;      /* of tensors without a rule */
    struct preset_rule rules[MAX_RULES];
};

/* The first rule that holds counts. */
static const struct quant_preset mixes[] = {
    {"f32", NULL, 0, QUANT_F32, {{0}}},
    {"f16", NULL, 1, QUANT_F16, {{0}}},
    {"bf16", NULL, 32, QUANT_BF16, {{0}}},
    {"q8_0", NULL, 7, QUANT_Q8_0, {{0}}},
    {"q4_0", NULL, 2, QUANT_Q4_0, {{FFN_DOWN, FIRST_EIGHTH, IF_IMPORTANCE, QUANT_Q4_1}}},
    {"q4_1", NULL, 3, QUANT_Q4_1, {{0}}},
    {"q5_0", NULL, 8, QUANT_Q5_0, {{FFN_DOWN, FIRST_EIGHTH, IF_IMPORTANCE, QUANT_Q5_1}}},
    {"q5_1", NULL, 9, QUANT_Q5_1, {{0}}},
    {"q2_k",
     NULL,
     10,
     QUANT_Q2_K,
     {{ATTENTION_V, ALL, IF_GROUPED, QUANT_Q4_K},
      {ATTENTION_V, ALL, ALWAYS, QUANT_Q3_K},
      {ATTENTION_OUTPUT, ALL, ALWAYS, QUANT_Q3_K},
      {FFN_DOWN, ALL, ALWAYS, QUANT_Q3_K}}},
    {"q3_k_s", NULL, 11, QUANT_Q3_K, {{0}}},
    {"q3_k_m",
     "q3_k",
     12,
     QUANT_Q3_K,
     {{ATTENTION_V, FIRST_2, ALWAYS, QUANT_Q5_K},
      {ATTENTION_V, ALL, ALWAYS, QUANT_Q4_K},
      {ATTENTION_OUTPUT, ALL, ALWAYS, QUANT_Q4_K},
      {FFN_DOWN, FIRST_SIXTEENTH, ALWAYS, QUANT_Q5_K},
      {FFN_DOWN, ALL, ALWAYS, QUANT_Q4_K}}},
    {"q3_k_l",
     NULL,
     13,
     QUANT_Q3_K,
     {{ATTENTION_V, ALL, ALWAYS, QUANT_Q5_K},
      {ATTENTION_OUTPUT, ALL, ALWAYS, QUANT_Q5_K},
      {FFN_DOWN, ALL, ALWAYS, QUANT_Q5_K}}},
    {"q4_k_s",
     NULL,
     14,
     QUANT_Q4_K,
     {{ATTENTION_V, FIRST_4, ALWAYS, QUANT_Q5_K}, {FFN_DOWN, FIRST_EIGHTH, ALWAYS, QUANT_Q5_K}}},
    {"q4_k_m",
     "q4_k",
     15,
     QUANT_Q4_K,
     {{ATTENTION_V, MORE_BITS, ALWAYS, QUANT_Q6_K}, {FFN_DOWN, MORE_BITS, ALWAYS, QUANT_Q6_K}}},
    {"q5_k_s", NULL, 16, QUANT_Q5_K, {{0}}},
    {"q5_k_m",
     "q5_k",
     17,
     QUANT_Q5_K,
     {{ATTENTION_V, MORE_BITS, ALWAYS, QUANT_Q6_K}, {FFN_DOWN, MORE_BITS, ALWAYS, QUANT_Q6_K}}},
    {"q6_k", NULL, 18, QUANT_Q6_K, {{0}}},
    {"iq4_nl",
     NULL,
     25,
     QUANT_IQ4_NL,
     {{ATTENTION_V, ALL, IF_GROUPED, QUANT_Q5_K}, {FFN_DOWN, FIRST_EIGHTH, IF_NO_IMPORTANCE, QUANT_Q5_K}}},
    {"iq4_xs",
     NULL,
     30,
     QUANT_IQ4_XS,
     {{ATTENTION_V, ALL, IF_GROUPED, QUANT_Q5_K}, {FFN_DOWN, FIRST_EIGHTH, IF_NO_IMPORTANCE, QUANT_Q5_K}}},
};

#define N_MIXES (sizeof mixes / sizeof *mixes)

enum hone_status quant_preset_find(const struct quant_preset **out, const char *name, struct hone_error *err)
{
    char names[512] = "";
    for (size_t i = 0; i < N_MIXES; i++) {
        const struct quant_preset *m = *out = &mixes[i];
        if (strcasecmp(name, m->name) == 0 || (m->alias && strcasecmp(name, m->alias) == 0))
            return HONE_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", m->name);
    }
    *out = NULL;
    return hone_fail(err, HONE_USAGE, "the type '%s' is not known, expected one of %s", name, names);
}

uint32_t quant_preset_file_type(const struct quant_preset *mix)
{
    return mix->file_type;
}

/* ---- tensors by their names ---- */

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static enum role role_of(const char *name)
{
    static const struct {
        const char *part;
        enum role role;
    } parts[] = {{"attn_qkv.weight", ATTENTION_V},
                 {"attn_kv_b.weight", ATTENTION_V},
                 {"attn_v.weight", ATTENTION_V},
                 {"attn_output.weight", ATTENTION_OUTPUT},
                 {"ffn_down", FFN_DOWN}};
    name = gguf_name_in_route(name);
    if (strcmp(name, "output.weight") == 0 || strncmp(name, "cls.", 4) == 0)
        return OUTPUT;
    if (strcmp(name, "token_embd.weight") == 0 || strcmp(name, "dec.token_embd.weight") == 0)
        return TOKENS;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (has(name, parts[i].part))
            return parts[i].role;
    return OTHER;
}

/* N of "blk.N.", "enc.blk.N.", ...; 0 without a number, and at most MAX_LAYER. */
static size_t layer_of(const char *name)
{
    enum { MAX_LAYER = 1 << 20 };
    const char *p = strstr(name, "blk.");
    size_t layer = 0;
    for (p = p ? p + 4 : ""; isdigit((unsigned char)*p) && layer < MAX_LAYER; p++)
        layer = 10 * layer + (size_t)(*p - '0');
    return layer;
}

bool quant_preset_keeps(const struct gguf_tensor *t)
{
    static const char *const parts[] = {"_norm.weight",
                                        "position_embd",
                                        "token_types.weight",
                                        "attn_rel_b.weight",
                                        "attn_rel_embd.weight",
                                        "ffn_gate_inp.weight",
                                        "ssm_conv1d",
                                        "shortconv.conv.weight",
                                        "altup",
                                        "laurel",
                                        "per_layer_model_proj"};
    static const char suffix[] = "weight";
    size_t length = strlen(t->name), n = sizeof suffix - 1;
    if (t->n_dims < 2 || length < n || strcmp(t->name + length - n, suffix) != 0)
        return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (has(t->name, parts[i]))
            return true;
    return false;
}

/* ---- choosing ---- */

static size_t get_number(const struct gguf *g, const char *architecture, const char *suffix, size_t otherwise)
{
    char key[256];
    size_t n = otherwise;
    snprintf(key, sizeof key, "%s.%s", architecture, suffix);
    return gguf_get_size(g, key, SIZE_MAX, &n, NULL) == HONE_OK && n ? n : otherwise;
}

void quant_preset_look(struct quant_preset_model *m, const struct quant_preset *mix, const struct gguf *g,
                       bool has_importance)
{
    struct hone_text text = {"", 0};
    char architecture[64];
    *m = (struct quant_preset_model){.mix = mix, .has_importance = has_importance};
    gguf_get_text(g, "general.architecture", &text, NULL);
    snprintf(architecture, sizeof architecture, "%.*s", text.size < 64 ? (int)text.size : 0, text.data);
    size_t n_heads = get_number(g, architecture, "attention.head_count", 1);
    m->n_groups = n_heads / get_number(g, architecture, "attention.head_count_kv", n_heads);
    m->has_output = gguf_find_tensor(g, "output.weight") != NULL;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        size_t n = layer_of(gguf_tensor_at(g, i)->name) + 1;
        m->n_layers = n > m->n_layers ? n : m->n_layers;
    }
}

static bool layer_matches(enum layers layers, size_t i, size_t n)
{
    switch (layers) {
    case FIRST_2:
        return i < 2;
    case FIRST_4:
        return i < 4;
    case FIRST_SIXTEENTH:
        return i < n / 16;
    case FIRST_EIGHTH:
        return i < n / 8;
    case MORE_BITS:
        return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    default:
        return true;
    }
}

static bool condition_holds(enum condition condition, const struct quant_preset_model *m)
{
    switch (condition) {
    case IF_GROUPED:
        return m->n_groups >= 4;
    case IF_IMPORTANCE:
        return m->has_importance;
    case IF_NO_IMPORTANCE:
        return !m->has_importance;
    default:
        return true;
    }
}

/* The type by the rules, whatever the tensor's shape. */
static uint32_t type_by_rule(const struct quant_preset_model *m, const struct gguf_tensor *t)
{
    const struct quant_preset *mix = m->mix;
    const size_t block_len = quant_type_by_id(mix->type)->block_len, layer = layer_of(t->name);
    enum role role = role_of(t->name);
    uint32_t type = mix->type;
    if (block_len == 1)
        return type;
    if (role == OUTPUT || (role == TOKENS && !m->has_output))
        return type == QUANT_Q8_0 || t->dims[0] % block_len != 0 ? QUANT_Q8_0 : QUANT_Q6_K;
    for (size_t i = 0; i < MAX_RULES && mix->rules[i].role; i++) {
        const struct preset_rule *r = &mix->rules[i];
        if (r->role == role && layer_matches(r->layers, layer, m->n_layers) &&
            condition_holds(r->condition, m)) {
            type = r->type;
            break;
        }
    }
    /* Models of 70 billion parameters: eight heads share their values, which are few. */
    if (role == ATTENTION_V && m->n_layers == 80 && m->n_groups > 1 &&
        (type == QUANT_Q3_K || type == QUANT_Q4_K))
        type = QUANT_Q5_K;
    return type;
}

/* A type of about the same size with blocks of 32. */
static uint32_t smaller_blocks(uint32_t type)
{
    switch (type) {
    case QUANT_Q2_K:
    case QUANT_Q3_K:
        return QUANT_Q4_0;
    case QUANT_Q4_K:
        return QUANT_Q5_0;
    case QUANT_Q5_K:
        return QUANT_Q5_1;
    case QUANT_Q6_K:
        return QUANT_Q8_0;
    case QUANT_IQ4_XS:
        return QUANT_IQ4_NL;
    default:
        return type;
    }
}

const struct quant_type *quant_preset_type(const struct quant_preset_model *m, const struct gguf_tensor *t,
                                           const struct quant_type **wanted)
{
    const struct quant_type *first = quant_type_by_id(type_by_rule(m, t)), *type = first;
    if (t->dims[0] % type->block_len != 0)
        type = quant_type_by_id(smaller_blocks(type->id));
    if (t->dims[0] % type->block_len != 0)
        type = quant_type_by_id(QUANT_F16);
    if (wanted)
        *wanted = type == first ? NULL : first;
    return type;
}
