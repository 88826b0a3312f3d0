#include <stddef.h>
#include <stdint.h>

#include "FuzzDriver.h"

// SwiftPM calls an executable's main function after its target, so that libFuzzer's own is never
// linked. Every target gets one here that calls libFuzzer.

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *, size_t));

#define FUZZ_TARGET(name) \
  int name##_main(int argc, char **argv); \
  int name##_main(int argc, char **argv) { \
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput); \
  }

FUZZ_TARGET(CodecRoom)
FUZZ_TARGET(Compressed)
FUZZ_TARGET(HTTPParser)
FUZZ_TARGET(HuffmanCodes)
FUZZ_TARGET(ImageDecoding)
FUZZ_TARGET(JSONBody)
FUZZ_TARGET(LabelsFile)
FUZZ_TARGET(Lists)
FUZZ_TARGET(MultipartForm)
FUZZ_TARGET(Pickle)
FUZZ_TARGET(RequestBody)
FUZZ_TARGET(ONNXFile)
FUZZ_TARGET(Safetensors)
