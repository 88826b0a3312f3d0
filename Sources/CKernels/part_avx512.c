#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#define LANES 16
#define TILES 14
#define PART_RUN winograd_part_run_avx512
#define GRADIENT_RUN winograd_gradient_part_run_avx512
#include "part.h"
#pragma clang attribute pop
#endif
