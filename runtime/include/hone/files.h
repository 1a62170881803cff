/* hone: model files: converting, quantising, looking at them, and checking a model as a whole. Errors, threads and
 * texts are as hone/hone.h says. */
#ifndef HONE_FILES_H
#define HONE_FILES_H

#include <hone/hone.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the Hugging Face folder `dir` as one GGUF file. type: what hone_quantize takes, of the matrices (vectors are
 * f32); or NULL to keep the folder's own. The file appears under its name only when it is complete. */
HONE_API enum hone_status hone_convert(const char *dir, const char *out_path, const char *type,
                                       struct hone_error *err);

/* The same with adapters added. */
HONE_API enum hone_status hone_convert_with(const char *dir, const char *out_path, const char *type,
                                            const struct hone_lora *loras, size_t n_loras,
                                            struct hone_error *err);

/* What became of one tensor. */
struct hone_quantized {
    const char *name;
    const char *from, *type; /* before and after; the same where it stays as it is */
    const char *wanted; /* NULL, or the type it did not get, since its rows are no whole blocks of that */
    unsigned n_dims;
    uint64_t dims[4];           /* as in struct hone_file_tensor */
    uint64_t size_before, size; /* bytes */
    bool weighted;              /* by the importance matrix */
    double error;               /* root of the mean squared change, over that of the mean square */
};

struct hone_quantize_options {
    size_t size;         /* of this struct, as its defaults set it; 0 counts as sizeof */
    int n_threads;       /* 0: as many as the affinity mask and the cgroup quota allow */
    const char *imatrix; /* an importance matrix as llama.cpp writes it (GGUF, or the older form), or NULL */
    /* Both are called from the calling thread, and may be NULL: after each tensor, and now and then with the bytes of
     * tensors that are done; false: enough, and the call is HONE_CANCELLED. Strings last as long as the call. */
    void (*on_tensor)(void *arg, const struct hone_quantized *tensor);
    bool (*on_progress)(void *arg, uint64_t n_done, uint64_t n_bytes);
    void *arg;
};
#define HONE_QUANTIZE_DEFAULTS                                                                               \
    {                                                                                                        \
        .size = sizeof(struct hone_quantize_options)                                                         \
    }

/* Writes the GGUF file in_path anew with its matrices in another type: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1,
 * iq4_nl, iq4_xs, q2_k, q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m (or q4_k), q5_k_s, q5_k_m (or q5_k), q6_k. Where llama.cpp's files of
 * that name give a tensor more bits, so do these. Vectors, norms and small tables stay as they are. Memory stays bounded, and the file
 * appears under its name only when it is complete. `options` may be NULL. */
HONE_API enum hone_status hone_quantize(const char *in_path, const char *out_path, const char *type,
                                        const struct hone_quantize_options *options, struct hone_error *err);

/* A model file's metadata and tensor list, without loading it as a model. */
struct hone_file;
struct hone_file_tensor {
    const char *name;
    const char *type; /* "f32", "q8_0", ... */
    unsigned n_dims;
    uint64_t dims[4]; /* fastest first, as GGUF stores them: a matrix of n_out rows is {n_in, n_out} */
    uint64_t size;    /* bytes */
};
HONE_API enum hone_status hone_file_open(struct hone_file **out, const char *path, struct hone_error *err);
HONE_API void hone_file_close(struct hone_file **file);
/* A GGUF file that is damaged or cut short is opened as far as it can be read: a sentence about what is wrong, which lives as
 * long as the file, or NULL. */
HONE_API const char *hone_file_damage(const struct hone_file *file);
HONE_API size_t hone_file_n_keys(const struct hone_file *file);
/* Key i. *value gets its value as JSON text (long arrays are cut, their length told); *value is to be freed with
 * hone_free and may be NULL on lack of memory. The key lives as long as the file. */
HONE_API const char *hone_file_key(const struct hone_file *file, size_t i, char **value);
HONE_API size_t hone_file_n_tensors(const struct hone_file *file);
HONE_API struct hone_file_tensor hone_file_tensor(const struct hone_file *file, size_t i);

/* ---- checking ----------------------------------------------------------------------------------------- */

/* Called for each check: what was looked at, whether it is as it should be, and a phrase that says what was found. */
typedef void (*hone_on_check)(void *arg, const char *name, bool passed, const char *found);

/* Looks at a model as a whole: that every tensor of the file is used, that weights are finite, what the tokenizer puts
 * around a text, pooling and head, that results do not depend on the batch; and, where `golden` is the path of a
 * golden.json (docs/formats.md), compares with what it says. HONE_BAD_MODEL where a check fails; all are made anyway.
 * A model that was opened with `force` may hold tensors that nothing reads, and fails for them here. */
HONE_API enum hone_status hone_verify(struct hone_model *model, const char *golden, hone_on_check on_check,
                                      void *arg, struct hone_error *err);

/* ---- packed weights ------------------------------------------------------------------------------------- */

/* hone_model_open keeps the packed weights of models of 4 MB and more in $XDG_CACHE_HOME/hone/weights
 * (~/.cache/hone/weights), and maps them the next time: one file for each content, instruction set and kind of product.
 * Only files of the user's own that nobody else may write are used, and only after all their bytes were checked. The least
 * recently used go where they would be more than the limit. None of these functions needs a model; all are
 * thread-safe, and other processes may work in the folder. */
struct hone_pack {
    const char *path;
    const char *model,
        *how; /* the model file that it was made of, and for what: "avx512 int8"; "" where it does not say */
    uint64_t size;     /* on the disk */
    int64_t last_used; /* seconds since 1970 */
};

struct hone_packs {
    char folder[4096];
    size_t n;
    uint64_t size, limit; /* bytes; the limit is a quarter of what would be free without them, */
    bool is_default;      /* unless one was set */
};

/* Calls sink (may be NULL) for each, the one that was used last first; the strings live as long as the call. *out may be
 * NULL. */
typedef void (*hone_pack_sink)(void *arg, const struct hone_pack *pack);
HONE_API enum hone_status hone_packs_list(hone_pack_sink sink, void *arg, struct hone_packs *out,
                                          struct hone_error *err);

/* Removes all; *removed (may be NULL) is what there was. Models that are open keep what they have. */
HONE_API enum hone_status hone_packs_clear(struct hone_packs *removed, struct hone_error *err);

/* Sets the limit; 0: the default. What is more goes at once. */
HONE_API enum hone_status hone_packs_limit(uint64_t bytes, struct hone_error *err);

#ifdef __cplusplus
}
#endif
#endif
