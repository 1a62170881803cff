/* AMX: tiles of bytes and of bfloat16. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#if KNOWS_AVXVNNI_AND_AMX

#define AMX_ISA                                                                                              \
    "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma,f16c,amx-tile,amx-int8,amx-bf16"

/* Not every compiler knows that these instructions read memory: what is stored before shall be there. */
#define STORED __asm__ volatile("" ::: "memory")

#define tile_configure(config)                                                                               \
    (__extension__({                                                                                         \
        STORED;                                                                                              \
        _tile_loadconfig(config);                                                                            \
    }))
#define tile_release() _tile_release()
#define tile_zero(t)   _tile_zero(t)
#define tile_load(t, p, stride)                                                                              \
    (__extension__({                                                                                         \
        STORED;                                                                                              \
        _tile_loadd(t, p, stride);                                                                           \
    }))
#define tile_store(t, p, stride) _tile_stored(t, p, stride)
#define tile_dot_u8i8(c, a, b)   _tile_dpbusd(c, a, b)
#define tile_dot_i8i8(c, a, b)   _tile_dpbssd(c, a, b)
#define tile_dot_bf16(c, a, b)   _tile_dpbf16ps(c, a, b)

#include "kernels/x86/amx.h"

void kernels_add_amx(struct kernels *k)
{
    add_amx(k);
}

#else

void kernels_add_amx(struct kernels *k)
{
    (void)k;
}

#endif
