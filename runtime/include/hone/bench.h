/* hone: what a machine can do, and how near its kernels come. Errors and threads are as hone/hone.h says. */
#ifndef HONE_BENCH_H
#define HONE_BENCH_H

#include <hone/hone.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers are the best of several short runs each, since whatever else a machine does can only make one longer. They
 * say what the machine gives now, not what it gives when it is idle. */

struct hone_machine {
    const char *cpu;   /* "NAME, family F, model M", as the system tells it */
    const char *level; /* the highest instruction set, capped by HONE_CPU */
    int n_threads;     /* as many as the affinity mask and the cgroup quota allow */
    const char
        *bad_level; /* what HONE_CPU says, where that is no instruction set and has no effect; else NULL */
    const char *levels; /* what it may say: "scalar, avx2, ..." */
    size_t memory;      /* bytes, or what the control groups of this process let it have */
    const char *remark; /* a sentence where the system keeps this process from what the CPU has; else NULL */
};
HONE_API const struct hone_machine *hone_machine(void); /* thread-safe; lives as long as the program */

/* The profile that hone_tune stored for this CPU, or NULL where the sizes that are built in are used. *why_not, which
 * may be left NULL: a sentence where there is one that had to be ignored, else NULL. Thread-safe. */
HONE_API const char *hone_tuning(const char **why_not);

/* What is multiplied: float32; bfloat16, added up in float32; bytes, unsigned by signed, added up in 32 bits. */
enum hone_number { HONE_NUMBER_F32, HONE_NUMBER_BF16, HONE_NUMBER_INT8, HONE_N_NUMBERS };
enum hone_memory { HONE_MEMORY_L1, HONE_MEMORY_L2, HONE_MEMORY_L3, HONE_MEMORY_MAIN, HONE_N_MEMORIES };

/* What n_threads threads can do at most, all together. */
struct hone_limits {
    int n_threads;
    double
        ops[HONE_N_NUMBERS]; /* a second, from registers; a multiply-add is two. 0: there is no instruction */
    const char *ops_level[HONE_N_NUMBERS]; /* the instruction set that does it; NULL where ops is 0 */
    double read[HONE_N_MEMORIES];          /* bytes a second; 0: there is no such cache */
    /* Where there are tiles (AMX) and `level` may use them, else 0: bytes a second that they load from there, and
     * operations on bytes a second, four tiles loaded for four products. */
    double tile_read[HONE_N_MEMORIES], tile_ops[HONE_N_MEMORIES];
};

/* level: an instruction set, with what it takes over from those below it; NULL: the best that the machine has.
 * n_threads 0: as many as there are. Takes about a second and memory of 16 times the last cache. */
HONE_API enum hone_status hone_bench_limits(struct hone_limits *out, const char *level, int n_threads,
                                            struct hone_error *err);

/* What hone_bench_kernels runs. */
struct hone_bench_selection {
    size_t size;       /* of this struct, as its defaults set it; 0 counts as sizeof */
    const char *slot;  /* a kernel: "gemm_u8i8"; NULL: each */
    const char *level; /* an instruction set; NULL: the best one; "all": each that the machine has */
    const char *model; /* whose shapes: "bert-base"; NULL: each */
    size_t m;          /* rows, at most 4096; 0: 1, 4, 16, ... 4096 */
    int n_threads;     /* 0: as many as there are */
};

#define HONE_BENCH_DEFAULTS                                                                                  \
    {                                                                                                        \
        .size = sizeof(struct hone_bench_selection)                                                          \
    }

struct hone_bench_result {
    const char *slot, *level, *model;
    const char *shape; /* which of the model's matrices, or what makes up a row */
    /* Rows, outputs, inputs; of other kernels rows and width; of attention tokens, heads and head size. */
    size_t m, n, k;
    size_t n_measured;             /* columns computed, since of a large product a part is enough; else n */
    int n_threads;                 /* that had something to do */
    double seconds;                /* a call */
    double ops, bytes;             /* a second; bytes that are read. ops 0: not counted */
    enum hone_number number;       /* what is computed with, and */
    enum hone_memory memory;       /* where the bytes come from; */
    double ops_limit, bytes_limit; /* what these allow at most, a second, by the level's own instructions */
    const char *bound; /* which of them is the tighter: "f32", "bf16", "int8"; "l1", "l2", "l3", "memory" */
    double share;      /* of what that limit allows */
};

/* Gets each result at once; its strings live as long as the program. */
typedef void (*hone_bench_sink)(void *arg, const struct hone_bench_result *result);

/* Weights come from memory in every call, as they do in a model that is larger than the caches; rows stay in the
 * caches where they fit. Needs memory of 16 times the last cache. */
HONE_API enum hone_status hone_bench_kernels(const struct hone_bench_selection *select, hone_bench_sink sink,
                                             void *arg, struct hone_error *err);

/* What hone_tune found about one question. */
struct hone_tuned {
    const char *name;             /* "int8, up to 1024 inputs" */
    char before[64], after[64];   /* what was chosen: "rows of 256 KiB by 512 outputs" */
    double before_ops, after_ops; /* a second */
};
typedef void (*hone_tune_sink)(void *arg, const struct hone_tuned *tuned);

/* Searches the sizes that products and tasks are cut into for what this CPU computes fastest, tells each answer at
 * once, uses them, and stores them where later processes find them: hone_tuning. Nothing else may compute meanwhile. n_threads 0:
 * as many as there are; seconds 0: about half a minute. More time helps where the machine is busy. */
HONE_API enum hone_status hone_tune(int n_threads, double seconds, hone_tune_sink sink, void *arg,
                                    struct hone_error *err);

/* ---- what hone was built with --------------------------------------------------------------------------- */

/* A library that hone can do without. */
struct hone_library {
    const char *name;
    const char *version; /* and file, of one that is loaded when it is needed; NULL: it is not there, */
    const char *use;     /* and this cannot be done */
};

/* *list lives as long as the process; returns how many there are. Looks for OpenBLAS, and loads it. */
HONE_API size_t hone_libraries(const struct hone_library **list);

#ifdef __cplusplus
}
#endif
#endif
