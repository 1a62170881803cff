/* Elementary functions of vectors. Polynomials are minimax fits of our own; the bounds are those that tests/kernels
 * checks. NaN comes out as NaN. */

/* e^r - 1 for |r| <= ln(2) / 2, relative error 1e-8 before rounding. */
static ALWAYS_INLINE vf expm1_reduced(vf r)
{
    vf p = vf_set1(0x1.6a2e16p-10f);
    p = vf_fma(p, r, vf_set1(0x1.123aaep-7f));
    p = vf_fma(p, r, vf_set1(0x1.5558eap-5f));
    p = vf_fma(p, r, vf_set1(0x1.555490p-3f));
    p = vf_fma(p, r, vf_set1(0x1.fffffcp-2f));
    return vf_fma(p, r * r, r);
}

/* x = n ln(2) + r, |r| <= ln(2) / 2 */
static ALWAYS_INLINE vf reduce_by_ln2(vf x, vf *n)
{
    *n = vf_round(x * vf_set1(0x1.715476p+0f));
    return vf_fma(*n, vf_set1(0x1.05c610p-29f), vf_fma(*n, vf_set1(-0x1.62e430p-1f), x));
}

/* Within 2 ULP, denormals and overflow included. */
static ALWAYS_INLINE vf vf_exp(vf x)
{
    vf n;
    x = vf_max(vf_set1(-104), vf_min(vf_set1(89), x));
    const vf r = reduce_by_ln2(x, &n);
    return vf_ldexp(expm1_reduced(r) + vf_set1(1), n);
}

/* Within 4 ULP. tanh |x| = e / (e + 2) with e = exp(2 |x|) - 1, which keeps small x exact. */
static ALWAYS_INLINE vf vf_tanh(vf x)
{
    vf n;
    const vf one = vf_set1(1), two_x = vf_min(vf_set1(20), vf_abs(x + x));
    const vf r = reduce_by_ln2(two_x, &n), power = vf_ldexp(one, n);
    const vf e = vf_fma(expm1_reduced(r), power, power - one);
    return vf_copysign(e / (e + vf_set1(2)), x);
}

/* log(1 + exp x) within 4 ULP: max(x, 0) + log(1 + e) with e = exp(-|x|), and log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3,
 * whose series falls below 2e-9 behind the eighth term. */
static ALWAYS_INLINE vf vf_softplus(vf x)
{
    const vf e = vf_exp(vf_set1(0) - vf_abs(x)), s = e / (vf_set1(2) + e), z = s * s;
    vf p = vf_set1(2.0f / 15);
    p = vf_fma(p, z, vf_set1(2.0f / 13));
    p = vf_fma(p, z, vf_set1(2.0f / 11));
    p = vf_fma(p, z, vf_set1(2.0f / 9));
    p = vf_fma(p, z, vf_set1(2.0f / 7));
    p = vf_fma(p, z, vf_set1(2.0f / 5));
    p = vf_fma(p, z, vf_set1(2.0f / 3));
    p = vf_fma(p, z, vf_set1(2));
    return vf_fma(p, s, vf_max(vf_set1(0), x));
}

static ALWAYS_INLINE vf vf_sigmoid(vf x)
{
    return vf_set1(1) / (vf_set1(1) + vf_exp(vf_set1(0) - x));
}

static ALWAYS_INLINE vf vf_silu(vf x)
{
    return x / (vf_set1(1) + vf_exp(vf_set1(0) - x));
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|), and Phi(-a) = exp(-a^2 / 2) t Q(t) with t = 1 / (1 + 0.3 a), Q fitted to 5e-8
 * for a <= 10, past which the second term is below 1e-22. No difference of nearly equal numbers on either side. */
static ALWAYS_INLINE vf vf_gelu(vf x)
{
    const vf a = vf_min(vf_set1(10), vf_abs(x));
    const vf t = vf_set1(1) / vf_fma(a, vf_set1(0.3f), vf_set1(1));
    vf q = vf_set1(0x1.3397cep-5f);
    q = vf_fma(q, t, vf_set1(-0x1.521404p-3f));
    q = vf_fma(q, t, vf_set1(0x1.c2bbc6p-3f));
    q = vf_fma(q, t, vf_set1(-0x1.107b76p-4f));
    q = vf_fma(q, t, vf_set1(0x1.157f0ap-3f));
    q = vf_fma(q, t, vf_set1(0x1.9068b8p-4f));
    q = vf_fma(q, t, vf_set1(0x1.f0124cp-4f));
    q = vf_fma(q, t, vf_set1(0x1.e9e6fap-4f));
    return vf_max(vf_set1(0), x) - a * t * q * vf_exp(a * a * vf_set1(-0.5f));
}

/* x / 2 (1 + tanh u) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3) */
static ALWAYS_INLINE vf vf_gelu_tanh(vf x)
{
    const vf u = x * vf_fma(x * x, vf_set1(-0.0713548162726f), vf_set1(-1.59576912161f));
    return x / (vf_set1(1) + vf_exp(u));
}

static ALWAYS_INLINE vf vf_relu(vf x)
{
    return vf_max(vf_set1(0), x);
}
