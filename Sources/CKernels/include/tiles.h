// What all kernels on the tiles of AMX share.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Without groups, dilation and bias.
typedef struct {
  int64_t images, channels, input_height, input_width, outputs, output_height, output_width;
  int64_t kernel_height, kernel_width, stride;
  // Above the first row and left of the first column.
  int64_t padding_top, padding_left;
} tile_convolution;

// Tells whether the CPU has tiles for bfloat16 and bytes, and the system lets this process use
// them; must have been called before anything is run.
bool tiles_prepare(void);
