#include "CDefaultModel.h"

static const unsigned char model[] __attribute__((aligned(64))) = {
#embed "default-model.safetensors"
};

const void *default_model_bytes(void) { return model; }

size_t default_model_byte_count(void) { return sizeof model; }
