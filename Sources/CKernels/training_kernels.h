// Kernels of one instruction set, compiled by the file that includes training_part.h.
#pragma once

#include "training.h"

#pragma clang assume_nonnull begin

typedef struct {
  void (*combine)(const training_combination *);
  void (*sum)(int64_t, int64_t, bool, const void *, double *, double *);
  void (*rectify)(const training_rectification *);
  void (*pool)(const training_pooling *, const void *, void *, uint8_t *_Nullable);
  void (*pool_back)(const training_pooling *, const void *, const uint8_t *_Nullable, void *);
  void (*sample)(const training_sampling *, const void *, void *);
  void (*sample_back)(const training_sampling *, const void *, void *);
  void (*reduce)(float *, int64_t, int64_t, int64_t, float *);
  void (*pack_winograd)(int64_t, int64_t, const float *, bool, int64_t, int64_t, float *);
  double (*square_sum)(int64_t, const float *);
  void (*update_sgd)(const training_update *, float *, float, bool);
  void (*update_adam)(const training_update *, const training_adam *, float *, float *);
} training_kernels;

extern const training_kernels training_kernels_portable;
extern const training_kernels training_kernels_avx2;
extern const training_kernels training_kernels_avx512;

#pragma clang assume_nonnull end
