#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define TILES 6
#define PART_RUN winograd_part_run_avx2
#define GRADIENT_RUN winograd_gradient_part_run_avx2
#include "part.h"
#pragma clang attribute pop
#endif
