// Vectors of eight in as many registers as that takes; all functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#define LANES 8
#define KERNELS training_kernels_portable
#include "training_part.h"
