/* adapter_config.json of PEFT's folders. */
#ifndef RUNTIME_LOAD_LORA_CONFIG_H
#define RUNTIME_LOAD_LORA_CONFIG_H

#include "runtime/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct lora_config {
    const char *dir;
    json_t *json;          /* to be released with json_decref, however reading ends */
    bool root;             /* alpha is divided by the rank's root (rsLoRA) */
    bool dora;             /* rows of the sums have lengths */
    bool bias;             /* products may have a bias */
    bool saves_embeddings; /* a table of token embeddings, or the head, is among modules_to_save */
    bool keeps_ties;       /* a head that is tied to the token embeddings stays so */
};

extern const char lora_config_name[];

enum hone_status lora_config_read(struct lora_config *c, const char *dir, struct hone_error *err);
/* What the product of a matrix ("....weight", by its module's name in the model) of that rank is multiplied by. */
enum hone_status lora_config_scale(const struct lora_config *c, const char *name, size_t rank, float *scale,
                                   struct hone_error *err);

#endif
