#include "runtime/arch.h"

#include <stdio.h>
#include <string.h>

extern const struct arch arch_bert;

/* A further family is one row here. */
static const struct arch *const archs[] = {
    &arch_bert,
};
#define N_ARCHS (sizeof archs / sizeof *archs)

const struct arch *arch_by_name(const char *name)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i]->name, name) == 0)
            return archs[i];
    return NULL;
}

const struct arch *arch_by_hf_type(const char *hf_type)
{
    for (size_t i = 0; i < N_ARCHS; i++)
        if (strcmp(archs[i]->hf_type, hf_type) == 0)
            return archs[i];
    return NULL;
}

void arch_names(bool hf, char *out, size_t size)
{
    out[0] = 0;
    for (size_t i = 0; i < N_ARCHS; i++) {
        const char *name = hf ? archs[i]->hf_type : archs[i]->name;
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
    }
}
