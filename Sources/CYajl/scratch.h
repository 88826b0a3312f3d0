// Bounded memory for one pass of yajl.
//
// yajl uses the result of an allocation unchecked, so a refusal must not return: it jumps to
// `refused`, which the caller has set, and which stays inside this target.
#pragma once

#include <setjmp.h>
#include <stddef.h>
#include <yajl/yajl_parse.h>

struct scratch_block;

typedef struct scratch {
  struct scratch_block *first;
  size_t used;
  /// Bytes that may be held at once.
  size_t limit;
  jmp_buf refused;
} scratch;

/// Returns functions for yajl that take from the memory.
yajl_alloc_funcs scratch_functions(scratch *memory);

/// Gives everything back.
void scratch_free(scratch *memory);

/// Writes the first line of yajl's explanation of what is wrong.
void json_note(yajl_handle parser, char *message, size_t byte_count);
