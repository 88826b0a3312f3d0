#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#define VECTOR 64
#define ROWS maximum_rows_avx512
#include "maximum_part.h"
#pragma clang attribute pop
#endif
