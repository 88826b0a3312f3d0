#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#define LANES 16
#define KERNELS training_kernels_avx512
#include "training_part.h"
#pragma clang attribute pop
#endif
