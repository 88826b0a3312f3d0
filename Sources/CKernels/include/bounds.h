// Bounds of what kernels compute.
#pragma once

#include <stdbool.h>

// Numbers that results are clipped to, if `applies`; in units of a destination of bytes.
typedef struct {
  bool applies;
  float lower, upper;
} result_bounds;
