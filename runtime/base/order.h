/* From the smallest to the largest, for qsort and bsearch. */
#ifndef RUNTIME_BASE_ORDER_H
#define RUNTIME_BASE_ORDER_H

#include <stddef.h>
#include <stdint.h>

#define ORDER_OF(type, name)                                                                                 \
    static inline int name(const void *a, const void *b)                                                     \
    {                                                                                                        \
        const type x = *(const type *)a, y = *(const type *)b;                                               \
        return (x > y) - (x < y);                                                                            \
    }

ORDER_OF(int32_t, order_int32)
ORDER_OF(uint32_t, order_uint32)
ORDER_OF(uint64_t, order_uint64)
ORDER_OF(size_t, order_size)

#undef ORDER_OF

#endif
