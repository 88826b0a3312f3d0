#include <stdlib.h>
#include <strings.h>

#include "internal.h"

// The library's number for each of ours, and its name in the library's variable.
static const struct {
  dnnl_cpu_isa_t set;
  const char *name;
} known[] = {
    [ONEDNN_X86_64] = {dnnl_cpu_isa_all, ""},
    [ONEDNN_SSE41] = {dnnl_cpu_isa_sse41, "sse41"},
    [ONEDNN_AVX2] = {dnnl_cpu_isa_avx2, "avx2"},
    [ONEDNN_AVX2_VNNI] = {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
    [ONEDNN_AVX512] = {dnnl_cpu_isa_avx512_core, "avx512_core"},
    [ONEDNN_AVX512_VNNI] = {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
    [ONEDNN_AVX512_BF16] = {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
    [ONEDNN_AVX512_AMX] = {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
};

// Finds what the CPU and the system have without asking the library: it can be told nothing after
// its first answer.
static onednn_instructions present(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
    if (!__builtin_cpu_supports("avx512vnni")) return ONEDNN_AVX512;
    if (!__builtin_cpu_supports("avx512bf16")) return ONEDNN_AVX512_VNNI;
    return __builtin_cpu_supports("amx-int8") ? ONEDNN_AVX512_AMX : ONEDNN_AVX512_BF16;
  }
  if (__builtin_cpu_supports("avx2"))
    return __builtin_cpu_supports("avxvnni") ? ONEDNN_AVX2_VNNI : ONEDNN_AVX2;
  if (__builtin_cpu_supports("sse4.1")) return ONEDNN_SSE41;
#endif
  return ONEDNN_X86_64;
}

// Finds what the library's own variable allows. The library reads it when nothing else is set, and
// ignores unknown values.
static onednn_instructions allowed_by_variable(void) {
  const char *value = getenv("ONEDNN_MAX_CPU_ISA");
  if (!value || !*value) value = getenv("DNNL_MAX_CPU_ISA");
  if (value && strcasecmp(value, "avx") == 0) return ONEDNN_SSE41;
  for (int number = ONEDNN_SSE41; value && number <= ONEDNN_AVX512_AMX; number++)
    if (strcasecmp(value, known[number].name) == 0) return (onednn_instructions)number;
  return ONEDNN_AVX512_AMX;
}

void onednn_instructions_cap(onednn_instructions most) {
  if (most == ONEDNN_X86_64 || most >= present() || most >= allowed_by_variable()) return;
  dnnl_set_max_cpu_isa(known[most].set);
}

onednn_instructions onednn_instructions_used(void) {
#if defined(__x86_64__)
  const dnnl_cpu_isa_t used = dnnl_get_effective_cpu_isa();
  if (used == dnnl_cpu_isa_avx) return ONEDNN_SSE41;
  for (int number = ONEDNN_AVX512_AMX; number > ONEDNN_X86_64; number--)
    if (used == known[number].set) return (onednn_instructions)number;
#endif
  // On other processors the library gives its numbers for their own sets, the same as some above.
  return ONEDNN_X86_64;
}
