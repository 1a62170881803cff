/* Functions of one element, over a row in place. */

static ALWAYS_INLINE void map(float *y, size_t n, vf (*f)(vf))
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, f(vf_load(y + i)));
    if (i < n)
        vf_store_n(y + i, f(vf_load_n(y + i, n - i)), n - i);
}

#define ACTIVATION(slot)                                                                                     \
    static void slot##_row(float *y, size_t n)                                                               \
    {                                                                                                        \
        map(y, n, vf_##slot);                                                                                \
    }
ACTIVATION(gelu)
ACTIVATION(gelu_tanh)
ACTIVATION(silu)
ACTIVATION(relu)
ACTIVATION(tanh)
ACTIVATION(sigmoid)
#undef ACTIVATION
