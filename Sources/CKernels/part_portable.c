// Vectors of eight in as many registers as that takes. How they would be passed to a function never
// matters: all functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#define LANES 8
#define TILES 6
#define PART_RUN winograd_part_run_portable
#define GRADIENT_RUN winograd_gradient_part_run_portable
#include "part.h"
