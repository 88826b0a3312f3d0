#if defined(__x86_64__)
// Vectors of eight doubles in two registers; all functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push( \
    __attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define KERNELS training_kernels_avx2
#include "training_part.h"
#pragma clang attribute pop
#endif
