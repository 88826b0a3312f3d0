// Products of rows of 16-bit integers with panels of weights, and the two ways of computing a layer
// by them.
#pragma once

#include "integer_finish.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// Rows whose sums fill the registers beside operands.
enum { row_limit = 6 };

// Sums the products of `count` rows, 1 to 6 and `stride` integers apart, with a panel of weights
// [pairs][16][2]. The sums are [count][16] and begin with `start` [16].
void integer_products_sum(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t pairs, int64_t count,
    const int32_t *start, int32_t *sums);

// Both ways of computing a layer; `integer_layer.h` says what each of them does.
size_t integer_direct_weight_byte_count(const integer_layer *layer, const int8_t *weights);
void integer_direct_pack(const integer_layer *layer, const int8_t *weights, char *packed);
size_t integer_direct_scratch_byte_count(const integer_layer *layer);
void integer_direct_run(
    const integer_layer *layer, const uint8_t *source, const char *packed,
    const integer_finish *finish, char *destination, char *scratch);

bool integer_winograd_computes(const integer_layer *layer);
size_t integer_winograd_weight_byte_count(const integer_layer *layer);
void integer_winograd_pack(const integer_layer *layer, const int8_t *weights, int16_t *packed);
size_t integer_winograd_scratch_byte_count(const integer_layer *layer);
void integer_winograd_run(
    const integer_layer *layer, const uint8_t *source, const int16_t *packed,
    const integer_finish *finish, char *destination, char *scratch);

// libgomp's entry to a parallel region, as in winograd.c.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

static inline void run_share(void (*share)(void *), void *work, int threads) {
  if (threads == 1)
    share(work);
  else
    GOMP_parallel(share, work, (unsigned)threads, 0);
}

#pragma clang assume_nonnull end
#endif
