#include "tiles.h"

#include "tile_configuration.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

bool tiles_prepare(void) {
  // The system gives a process the registers of tiles when it asks for them.
  enum { request_permission = 0x1023, tile_data = 18 };
  return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

TILES void tiles_configure(void) { tiles_configure_depth(64); }

TILES void tiles_configure_depth(int64_t bytes) {
  struct {
    uint8_t palette, first_row;
    uint8_t reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } configuration = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    configuration.bytes[tile] = tile == 4 || tile == 5 ? (uint16_t)bytes : 64;
    configuration.rows[tile] = tile < 6 ? 16 : (uint8_t)(bytes / 4);
  }
  _tile_loadconfig(&configuration);
}

int64_t tiles_shared_zeros(
    int64_t stride, int64_t input, int64_t output, int64_t kernel, int64_t before) {
  const int64_t after = output + kernel - 1 - input - before;
  if (stride > 1 || after < 0) return 0;
  // Each output has a place in its line, also where all that it sees is zeros.
  return least(kernel - 1, least(before, after));
}
#else
bool tiles_prepare(void) { return false; }
#endif
