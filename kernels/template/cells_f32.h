/* Cells of one float32: the words of attention.h for products in float32. */

#define CELL_LEN 1
#define MR_CELLS MR_F32

typedef vf va_cell, vb_cells;

static ALWAYS_INLINE va_cell va_cell_load(const float *p)
{
    return vf_set1(*p);
}

static ALWAYS_INLINE vb_cells vb_cells_load(const float *p)
{
    return vf_load(p);
}

static ALWAYS_INLINE vf vf_dot_cells(vf sum, va_cell a, vb_cells b)
{
    return vf_fma(a, b, sum);
}

static ALWAYS_INLINE vf cells_of_run(const vf x[CELL_LEN])
{
    return x[0];
}

static ALWAYS_INLINE vf cells_of_rows(const vf x[CELL_LEN])
{
    return x[0];
}

static ALWAYS_INLINE void store_weights(float *p, size_t j, vf e0, vf e1, vf sum[2])
{
    vf_store(p + j, e0);
    vf_store(p + j + VL, e1);
    sum[0] = sum[0] + e0;
    sum[1] = sum[1] + e1;
}

static ALWAYS_INLINE vf vf_weight(vf x)
{
    return vf_exp(x);
}
