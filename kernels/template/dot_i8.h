/* sum_i8 of int8.h for instructions that add the products of four bytes, over these words:
 *
 *   va_i8, va_i8_load(p)    four unsigned bytes, for each element of a vector the same
 *   vb_i8, vb_i8_load(p)    4 VL signed bytes, four an element, from an address that is one of the vector's size
 *   vi_dot_i8(sum, a, b)    sum + the four products of each element, exactly
 */
#define GROUP_I8  4
#define OFFSET_I8 0

static ALWAYS_INLINE void sum_i8(vi sum[][NR_I8], const uint8_t *a, size_t ld_a, const int8_t *b,
                                 const int8_t *ahead, size_t step_ahead, const size_t rows)
{
    enum { GROUP = NR_I8 * VL * GROUP_I8 };
    for (size_t i = 0; i < I8_BLOCK; i += GROUP_I8, a += GROUP_I8, b += GROUP, ahead += step_ahead) {
        vb_i8 y[NR_I8];
        UNROLL
        for (size_t v = 0; v < NR_I8; v++)
            y[v] = vb_i8_load(b + v * VL * GROUP_I8);
        if (step_ahead == GROUP) { /* needed soon */
            UNROLL
            for (size_t line = 0; line < GROUP; line += 64)
                __builtin_prefetch(ahead + line, 0, 3);
        } else {
            __builtin_prefetch(ahead, 0, 2);
            __builtin_prefetch(ahead + step_ahead / 2, 0, 2);
        }
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const va_i8 x = va_i8_load(a + r * ld_a);
            UNROLL
            for (size_t v = 0; v < NR_I8; v++)
                sum[r][v] = vi_dot_i8(sum[r][v], x, y[v]);
        }
    }
}
