/* The model file that is part of the program. */
#pragma once

#include <stddef.h>

/* The file's first byte, aligned to 64; constant, lives as long as the program. */
const void *_Nonnull default_model_bytes(void);

size_t default_model_byte_count(void);
