// How these vectors would be passed to a function never matters: all functions that take them are
// inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#define VECTOR 32
#define ROWS maximum_rows_portable
#include "maximum_part.h"
