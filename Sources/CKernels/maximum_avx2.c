#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define VECTOR 32
#define ROWS maximum_rows_avx2
#include "maximum_part.h"
#pragma clang attribute pop
#endif
