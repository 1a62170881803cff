/* Included once for each kind of product, after its ALWAYS_INLINE function TILE_NAME(const struct TILE_ARGS *, rows):
 * makes the functions for 1 to TILE_ROWS rows (3, 4, 6, 8 or 12) and TILE_NAME_of, the array of them at rows - 1. TILE_ARGS is
 * TILE_NAME where it is left out. */
#if !defined(TILE_ARGS)
#define TILE_ARGS TILE_NAME
#endif
#define PASTE_(a, b)  a##b
#define PASTE(a, b)   PASTE_(a, b)
#define TILE_FN(rows) PASTE(TILE_NAME, PASTE(_, rows))
#define TILE(rows)                                                                                           \
    static void TILE_FN(rows)(const struct TILE_ARGS *t)                                                     \
    {                                                                                                        \
        TILE_NAME(t, rows);                                                                                  \
    }
TILE(1)
TILE(2)
TILE(3)
#if TILE_ROWS > 3
TILE(4)
#endif
#if TILE_ROWS > 4
TILE(5)
TILE(6)
#endif
#if TILE_ROWS > 6
TILE(7)
TILE(8)
#endif
#if TILE_ROWS > 8
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif

static void (*const PASTE(TILE_NAME, _of)[TILE_ROWS])(const struct TILE_ARGS *) = {
    TILE_FN(1), TILE_FN(2),  TILE_FN(3),
#if TILE_ROWS > 3
    TILE_FN(4),
#endif
#if TILE_ROWS > 4
    TILE_FN(5), TILE_FN(6),
#endif
#if TILE_ROWS > 6
    TILE_FN(7), TILE_FN(8),
#endif
#if TILE_ROWS > 8
    TILE_FN(9), TILE_FN(10), TILE_FN(11), TILE_FN(12),
#endif
};

#undef PASTE_
#undef PASTE
#undef TILE_FN
#undef TILE
#undef TILE_NAME
#undef TILE_ARGS
#undef TILE_ROWS
