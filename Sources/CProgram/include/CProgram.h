// The arguments of the program, its standard descriptors, and its allocator's large memory.
#pragma once

enum {
  // Memory of at least this size has a mapping of its own, which goes back to the system when it is
  // freed.
  PROGRAM_OWN_MAPPING_BYTE_COUNT = 512 * 1024,
  // Free memory at the end of the heap that is kept for the next allocations.
  PROGRAM_KEPT_BYTE_COUNT = 1024 * 1024,
};

#pragma clang assume_nonnull begin

// Returns the number of arguments of `main`, including the program's own name.
int program_argument_count(void);

// Returns an argument; it belongs to the process and stays.
const char *program_argument(int index);

// Returns an entry of the environment, `NAME=VALUE`, or null after the last one; it belongs to the
// process. Must not be called while something changes the environment.
const char *_Nullable program_environment_entry(int index);

// Has bodies and other large memory go back to the system when they are freed. glibc stops doing so
// by itself once the first of them is freed, since it expects such memory to be wanted again.
// Where addresses are limited (`ulimit -v`) all threads share one heap, for each further one takes
// 64 MiB of addresses, and what is left is then too little to start a thread.
void program_memory_return_large(void);

// Takes the numbers of standard descriptors that the program was started without, so that no socket
// gets one of them and is written to as if it were standard output. Writing to the substitutes
// fails, as it does to a closed descriptor. Must be called first of all.
void program_descriptors_fill(void);

#pragma clang assume_nonnull end
