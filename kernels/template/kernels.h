/* Every slot of struct kernels, written once over a vocabulary of vectors. A file of an instruction set defines the
 * vocabulary and then includes this one; everything here is static to that file.
 *
 *   VL                      floats a vector, a constant
 *   MR_F32                  rows a tile of the float32 product, 6, 8 or 12: 2 * MR_F32 + 3 vectors must fit the registers
 *   LEVEL_NAME, LEVEL_TABLE the string and the symbol of the table
 *   vf                      a vector of VL floats; + - * / work on it
 *   vf_set1(s)  vf_load(p)  vf_store(p, x)      any alignment
 *   vf_load_n(p, n)         the first n <= VL elements, zeros behind; touches no other memory
 *   vf_store_n(p, x, n)     only the first n <= VL elements
 *   vf_first(x, n)          the first n <= VL elements, zeros behind
 *   vf_fma(a, b, c)         a * b + c, rounded once
 *   vf_min(a, b)  vf_max(a, b)    b where a or b is NaN (b may be the NaN)
 *   vf_abs(x)  vf_copysign(x, sign)  vf_round(x)  to the nearest integer, ties to even
 *   vf_ldexp(x, n)          x * 2^n for integral n from -252 to 252, with overflow and underflow as usual
 *   vf_sum(x)  vf_max_of(x) of all elements; NaN are passed over by the latter
 *   vf_transpose(x)         of a square of VL vectors
 *   vf_load_f16(p)  vf_store_f16(p, x)  vf_load_bf16(p)  vf_store_bf16(p, x)    VL elements
 *
 * and, for int8, int4 and bfloat16 products, the words of int8.h, int4.h and bf16.h. Without those they stay scalar. Attention
 * is written over cells (cells.h), here of float32; a level with fast products of bfloat16 includes it once more.
 */
#include "kernels/scalar/scalar.h"
#include "kernels/template/compiler.h"

#include <math.h>
#include <string.h>

#include "kernels/template/math.h"
#include "kernels/template/parts.h"

#include "kernels/template/cells_f32.h"

#include "kernels/template/cells.h"

#include "kernels/template/activations.h"
#include "kernels/template/convert.h"
#include "kernels/template/gemm_f32.h"
#include "kernels/template/recurrence.h"
#include "kernels/template/rope.h"
#include "kernels/template/rows.h"

#include "kernels/template/attention.h"
#include "kernels/template/tile_attention.h"

#ifdef MR_I4
#include "kernels/template/int4.h"
#include "kernels/template/k_quants.h"
#endif
#ifdef MR_BF16
#include "kernels/template/bf16.h"
#endif
#ifdef MR_I8
#include "kernels/template/int8.h"
#endif

#include "kernels/template/table.h"
