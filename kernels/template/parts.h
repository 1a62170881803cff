/* Ends of rows that are no whole vectors. */
#ifndef KERNELS_TEMPLATE_PARTS_H
#define KERNELS_TEMPLATE_PARTS_H

/* What vector v of a row has of n elements. */
static ALWAYS_INLINE size_t nth_part(size_t n, size_t v)
{
    return n < v * VL ? 0 : n - v * VL < VL ? n - v * VL : VL;
}

/* [n] of n_vectors vectors at p. */
static ALWAYS_INLINE vf load_part(const float *p, size_t n, size_t v, const size_t n_vectors)
{
    return n == n_vectors * VL ? vf_load(p + v * VL) : vf_load_n(p + v * VL, nth_part(n, v));
}

static ALWAYS_INLINE void store_part(float *p, vf x, size_t n, size_t v, const size_t n_vectors)
{
    if (n == n_vectors * VL)
        vf_store(p + v * VL, x);
    else
        vf_store_n(p + v * VL, x, nth_part(n, v));
}

#endif
