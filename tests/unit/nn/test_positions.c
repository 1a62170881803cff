/* The rows that an encoder begins with: of each token its own and that of its position, where RoBERTa's families do not count
 * padding that stands in a text. */
#include "kernels/kernels.h"
#include "quant/types.h"
#include "runtime/nn/encoder.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 512, VOCABULARY = 8, PADDING = 1, POSITIONS = 512, SEQUENCES = 3 };

static const uint32_t starts[SEQUENCES + 1] = {0, 211, 228, 500};
static float tokens[VOCABULARY][WIDTH], positions[POSITIONS][WIDTH], of_padding[WIDTH];
static float rows[500][WIDTH];

/* Texts with padding here and there, most of it near their beginning, so that a thread that begins in the middle of one has
 * some behind it. */
static void make_ids(int32_t *ids)
{
    for (size_t t = 0; t < starts[SEQUENCES]; t++)
        ids[t] = t % 7 == 3 || t % 50 == 2 ? PADDING : (int32_t)(2 + t % (VOCABULARY - 2));
}

static void check(const int32_t *ids, bool skips, const float *pad)
{
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t t = starts[s], place = 0; t < starts[s + 1]; t++) {
            const bool is_padding = skips && ids[t] == PADDING;
            const float own = tokens[ids[t]][5];
            const float there = is_padding ? pad ? pad[5] : 0 : positions[place][5];
            if (rows[t][5] != own + there)
                fail_msg("token %zu of sequence %zu: %g, expected %g", t - starts[s], s, rows[t][5],
                         own + there);
            place += !is_padding;
        }
}

static void of_padding_in_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIDTH; i++) {
        of_padding[i] = -7;
        for (size_t r = 0; r < VOCABULARY; r++)
            tokens[r][i] = (float)(r * 1024);
        for (size_t r = 0; r < POSITIONS; r++)
            positions[r][i] = (float)(r + 1);
    }
    int32_t ids[500];
    uint32_t sequences[SEQUENCES + 1];
    uint8_t segments[500] = {0};
    memcpy(sequences, starts, sizeof starts);
    make_ids(ids);
    struct gguf_tensor table = {
        .type = quant_type_by_name("f32"), .dims = {WIDTH, VOCABULARY}, .data = tokens};
    const struct batch b = {
        .n_seqs = SEQUENCES, .n_tokens = 500, .seq_start = sequences, .ids = ids, .type_ids = segments};
    for (int i = 0; i < 3; i++) {
        const float *pad = i == 2 ? of_padding : NULL;
        struct net m = {.kernels = kernels_get()};
        m.hp.n_embd = WIDTH;
        m.hp.embd_scale = 1;
        m.hp.skips_padding = i > 0;
        m.hp.padding = i > 0 ? PADDING : -1;
        m.weights.token_embd.table = &table;
        m.weights.position_embd = positions[0];
        m.weights.position_pad = pad;
        for (int n_threads = 1; n_threads <= 4; n_threads++) {
            memset(rows, 0, sizeof rows);
            encoder_embed(&m, &b, rows[0], n_threads);
            check(ids, i > 0, pad);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_padding_in_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
