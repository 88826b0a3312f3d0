// Vectors of integers, of the width that the file asks for that includes this one: with products of
// 16-bit integers that are summed in 32 bits (VNNI) where AVX-512 has them, else with AVX2.
#pragma once

#include <string.h>

#include "integer_layer.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Bytes of a vector, 32 or 64, and the instructions that functions on them need.
#if !defined(VECTOR)
#define VECTOR 32
#endif
#if VECTOR == 64
#define INTEGERS __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni,avx2,fma")))
#define SIMD(name) _mm512_##name
typedef __m512i integer_vector;
#else
#define INTEGERS __attribute__((target("avx2,fma")))
#define SIMD(name) _mm256_##name
typedef __m256i integer_vector;
#endif
#define INTEGERS_INLINE INTEGERS static inline __attribute__((always_inline))

typedef float number_vector __attribute__((vector_size(VECTOR), aligned(VECTOR)));
typedef int16_t word_vector __attribute__((vector_size(VECTOR), aligned(VECTOR)));
typedef int32_t sum_vector __attribute__((vector_size(VECTOR), aligned(VECTOR)));
// Sums modulo 2^32.
typedef uint32_t residue_vector __attribute__((vector_size(VECTOR), aligned(VECTOR)));

// Outputs whose weights lie together, and 16-bit and 32-bit integers of a vector.
enum {
  panel_outputs = 16,
  vector_words = VECTOR / (int)sizeof(int16_t),
  vector_sums = VECTOR / (int)sizeof(int32_t),
};

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
#endif
