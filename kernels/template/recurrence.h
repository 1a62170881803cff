/* Recurrences: a panel of a head's state stays in the first-level cache while all tokens go through it. */

#define STATE_VECTORS (STATE_PANEL / VL)
#define STATE_CHAINS  (8 / STATE_VECTORS) /* sums that go on side by side, since each waits for itself */

static ALWAYS_INLINE void state_sum(vf sums[STATE_CHAINS][STATE_VECTORS])
{
    for (size_t width = STATE_CHAINS / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < STATE_VECTORS; j++)
                sums[i][j] += sums[i + width][j];
}

static ALWAYS_INLINE void state_load(vf x[STATE_VECTORS], const float *p, size_t n)
{
    for (size_t j = 0; j < STATE_VECTORS; j++) {
        const size_t left = n > j * VL ? n - j * VL : 0;
        x[j] = left >= VL ? vf_load(p + j * VL) : left > 0 ? vf_load_n(p + j * VL, left) : vf_set1(0);
    }
}

static ALWAYS_INLINE void state_store(float *p, const vf x[STATE_VECTORS], size_t n)
{
    for (size_t j = 0; j < STATE_VECTORS && n > j * VL; j++) {
        const size_t left = n - j * VL;
        if (left >= VL)
            vf_store(p + j * VL, x[j]);
        else
            vf_store_n(p + j * VL, x[j], left);
    }
}

/* S^T k */
static ALWAYS_INLINE void state_read(vf out[STATE_VECTORS], const float *state, const float *k, size_t n_keys)
{
    vf sums[STATE_CHAINS][STATE_VECTORS] = {0};
    size_t i = 0;
    for (; i + STATE_CHAINS <= n_keys; i += STATE_CHAINS) {
        UNROLL
        for (size_t c = 0; c < STATE_CHAINS; c++)
            for (size_t j = 0; j < STATE_VECTORS; j++)
                sums[c][j] =
                    vf_fma(vf_set1(k[i + c]), vf_load(state + (i + c) * STATE_PANEL + j * VL), sums[c][j]);
    }
    for (; i < n_keys; i++)
        for (size_t j = 0; j < STATE_VECTORS; j++)
            sums[0][j] = vf_fma(vf_set1(k[i]), vf_load(state + i * STATE_PANEL + j * VL), sums[0][j]);
    state_sum(sums);
    for (size_t j = 0; j < STATE_VECTORS; j++)
        out[j] = sums[0][j];
}

/* One row of S = decay S + k u^T, and what it adds to S^T q. */
static ALWAYS_INLINE void state_row(vf sums[STATE_VECTORS], float *row, float k, float q, vf decay,
                                    const vf u[STATE_VECTORS])
{
    for (size_t j = 0; j < STATE_VECTORS; j++) {
        const vf s = vf_fma(vf_set1(k), u[j], decay * vf_load(row + j * VL));
        vf_store(row + j * VL, s);
        sums[j] = vf_fma(vf_set1(q), s, sums[j]);
    }
}

static ALWAYS_INLINE void state_write(vf out[STATE_VECTORS], float *state, const float *k, const float *q,
                                      float decay, const vf u[STATE_VECTORS], size_t n_keys)
{
    vf sums[STATE_CHAINS][STATE_VECTORS] = {0};
    size_t i = 0;
    for (; i + STATE_CHAINS <= n_keys; i += STATE_CHAINS) {
        UNROLL
        for (size_t c = 0; c < STATE_CHAINS; c++)
            state_row(sums[c], state + (i + c) * STATE_PANEL, k[i + c], q[i + c], vf_set1(decay), u);
    }
    for (; i < n_keys; i++)
        state_row(sums[0], state + i * STATE_PANEL, k[i], q[i], vf_set1(decay), u);
    state_sum(sums);
    for (size_t j = 0; j < STATE_VECTORS; j++)
        out[j] = sums[0][j];
}

static void run_panel(const struct recurrence_args *a, float *state, size_t value, size_t n)
{
    for (size_t t = 0; t < a->n_tokens; t++) {
        const float *q = a->q + t * a->ld_in, *k = a->k + t * a->ld_in;
        const float decay = a->decay[t * a->ld_gates], weight = a->weight[t * a->ld_gates];
        vf u[STATE_VECTORS], out[STATE_VECTORS];
        state_load(u, a->v + t * a->ld_in + value, n);
        if (a->delta) {
            state_read(out, state, k, a->n_keys);
            for (size_t j = 0; j < STATE_VECTORS; j++)
                u[j] = u[j] - vf_set1(decay) * out[j];
        }
        for (size_t j = 0; j < STATE_VECTORS; j++)
            u[j] = u[j] * vf_set1(weight);
        state_write(out, state, k, q, decay, u, a->n_keys);
        state_store(a->out + t * a->ld_out + value, out, n);
    }
}

static void recurrence(const struct recurrence_args *a)
{
    for (size_t value = 0; value < a->n_values; value += STATE_PANEL) {
        const size_t left = a->n_values - value;
        run_panel(a, a->state + value * a->n_keys, value, left < STATE_PANEL ? left : STATE_PANEL);
    }
}

/* One panel of values, whose exponentials cost most by far: a vector of values has one for each key. */
static void scan_panel(const struct selective_scan_args *a, float *state, const float *decay, size_t value,
                       size_t n)
{
    for (size_t t = 0; t < a->n_tokens; t++) {
        const float *q = a->q + t * a->ld_keys, *k = a->k + t * a->ld_keys;
        const size_t row = t * a->ld_values + value;
        vf x[STATE_VECTORS], time[STATE_VECTORS], out[STATE_VECTORS];
        state_load(x, a->x + row, n);
        state_load(time, a->times + row, n);
        state_load(out, a->skip + value, n);
        for (size_t j = 0; j < STATE_VECTORS; j++) {
            time[j] = vf_softplus(time[j]);
            out[j] = out[j] * x[j];
            x[j] = x[j] * time[j];
        }
        for (size_t i = 0; i < a->n_keys; i++)
            for (size_t j = 0; j < STATE_VECTORS; j++) {
                float *h = state + i * STATE_PANEL + j * VL;
                const vf kept = vf_exp(vf_load(decay + i * STATE_PANEL + j * VL) * time[j]);
                const vf next = vf_fma(vf_set1(k[i]), x[j], kept * vf_load(h));
                vf_store(h, next);
                out[j] = vf_fma(vf_set1(q[i]), next, out[j]);
            }
        state_store(a->out + row, out, n);
    }
}

static void selective_scan(const struct selective_scan_args *a)
{
    for (size_t value = 0; value < a->n_values; value += STATE_PANEL) {
        const size_t left = a->n_values - value, at = value * a->n_keys;
        scan_panel(a, a->state + at, a->decay + at, value, left < STATE_PANEL ? left : STATE_PANEL);
    }
}

static void convolution(float *out, const float *const *rows, size_t n_rows, const float *weights,
                        const float *bias, size_t n)
{
    for (size_t c = 0; c < n; c += VL) {
        const size_t left = n - c;
        const bool whole = left >= VL;
        vf sum = !bias ? vf_set1(0) : whole ? vf_load(bias + c) : vf_load_n(bias + c, left);
        for (size_t i = 0; i < n_rows; i++) {
            if (!rows[i])
                continue;
            const vf w = whole ? vf_load(weights + i * n + c) : vf_load_n(weights + i * n + c, left);
            const vf x = whole ? vf_load(rows[i] + c) : vf_load_n(rows[i] + c, left);
            sum = vf_fma(w, x, sum);
        }
        if (whole)
            vf_store(out + c, sum);
        else
            vf_store_n(out + c, sum, left);
    }
}
