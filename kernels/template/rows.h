/* Operations on one row. */

static void add(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(y + i) + vf_load(x + i));
    if (i < n)
        vf_store_n(y + i, vf_load_n(y + i, n - i) + vf_load_n(x + i, n - i), n - i);
}

static void mul(float *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(y + i) * vf_load(x + i));
    if (i < n)
        vf_store_n(y + i, vf_load_n(y + i, n - i) * vf_load_n(x + i, n - i), n - i);
}

static void scale(float *y, float s, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(y + i) * vf_set1(s));
    if (i < n)
        vf_store_n(y + i, vf_load_n(y + i, n - i) * vf_set1(s), n - i);
}

static float dot(const float *x, const float *y, size_t n)
{
    vf sum[4] = {vf_set1(0), vf_set1(0), vf_set1(0), vf_set1(0)};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) {
        UNROLL
        for (size_t j = 0; j < 4; j++)
            sum[j] = vf_fma(vf_load(x + i + j * VL), vf_load(y + i + j * VL), sum[j]);
    }
    for (; i + VL <= n; i += VL)
        sum[0] = vf_fma(vf_load(x + i), vf_load(y + i), sum[0]);
    if (i < n)
        sum[1] = vf_fma(vf_load_n(x + i, n - i), vf_load_n(y + i, n - i), sum[1]);
    return vf_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

static float max(const float *x, size_t n)
{
    if (n < VL)
        return scalar_max(x, n);
    vf m0 = vf_set1(-INFINITY), m1 = m0;
    for (size_t i = 0; i + VL < n; i += 2 * VL) {
        m0 = vf_max(vf_load(x + i), m0);
        m1 = vf_max(vf_load(x + (i + 2 * VL <= n ? i + VL : n - VL)), m1);
    }
    return vf_max_of(vf_max(vf_load(x + n - VL), vf_max(m0, m1)));
}

static void softmax(float *y, size_t n)
{
    const vf m = vf_set1(max(y, n));
    vf sum = vf_set1(0);
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        const vf e = vf_exp(vf_load(y + i) - m);
        vf_store(y + i, e);
        sum = sum + e;
    }
    if (i < n) {
        const vf e = vf_first(vf_exp(vf_load_n(y + i, n - i) - m), n - i);
        vf_store_n(y + i, e, n - i);
        sum = sum + e;
    }
    scale(y, 1 / vf_sum(sum), n);
}

/* The sum of (x - m) to *first and of its square to *second. */
static ALWAYS_INLINE void moments(const float *x, size_t n, float m, float *first, float *second)
{
    const vf mean = vf_set1(m);
    vf s0 = vf_set1(0), s1 = s0, ss0 = s0, ss1 = s0;
    size_t i = 0;
    for (; i + 2 * VL <= n; i += 2 * VL) {
        const vf d0 = vf_load(x + i) - mean, d1 = vf_load(x + i + VL) - mean;
        s0 = s0 + d0, s1 = s1 + d1;
        ss0 = vf_fma(d0, d0, ss0), ss1 = vf_fma(d1, d1, ss1);
    }
    for (; i < n; i += VL) {
        const size_t left = n - i < VL ? n - i : VL;
        const vf d = vf_first(vf_load_n(x + i, left) - mean, left);
        s0 = s0 + d;
        ss0 = vf_fma(d, d, ss0);
    }
    *first = vf_sum(s0 + s1);
    *second = vf_sum(ss0 + ss1);
}

/* Two passes: the mean, then the variance about it, corrected by what the rounded mean missed. */
static void layer_norm(float *y, const float *x, const float *gamma, const float *beta, size_t n, float eps)
{
    float sum, sum_of_squares, rest;
    moments(x, n, 0, &sum, &sum_of_squares);
    float mean = sum / (float)n;
    moments(x, n, mean, &rest, &sum_of_squares);
    rest /= (float)n;
    const float var = fmaxf(sum_of_squares / (float)n - rest * rest, 0) + eps;
    if (!(sum_of_squares < 1e36f)) { /* overflow, or NaN */
        scalar_layer_norm(y, x, gamma, beta, n, eps);
        return;
    }
    const vf m = vf_set1(mean), r = vf_set1(rest), inverse = vf_set1(1 / sqrtf(var));
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        const vf z = (vf_load(x + i) - m - r) * inverse;
        vf_store(y + i, vf_fma(z, vf_load(gamma + i), beta ? vf_load(beta + i) : vf_set1(0)));
    }
    if (i < n) {
        const vf z = (vf_load_n(x + i, n - i) - m - r) * inverse;
        const vf b = beta ? vf_load_n(beta + i, n - i) : vf_set1(0);
        vf_store_n(y + i, vf_fma(z, vf_load_n(gamma + i, n - i), b), n - i);
    }
}

static void rms_norm(float *y, const float *x, const float *gamma, size_t n, float eps)
{
    float sum, sum_of_squares;
    moments(x, n, 0, &sum, &sum_of_squares);
    if (!(sum_of_squares < 1e36f)) { /* overflow, or NaN */
        scalar_rms_norm(y, x, gamma, n, eps);
        return;
    }
    const vf inverse = vf_set1(1 / sqrtf(sum_of_squares / (float)n + eps));
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(x + i) * inverse * vf_load(gamma + i));
    if (i < n)
        vf_store_n(y + i, vf_load_n(x + i, n - i) * inverse * vf_load_n(gamma + i, n - i), n - i);
}
