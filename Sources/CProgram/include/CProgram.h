// What the program was started with, and how its allocator treats large memory.
#pragma once

enum {
  // Memory of at least this size has a mapping of its own, which goes back to the system with it.
  PROGRAM_OWN_MAPPING_BYTE_COUNT = 512 * 1024,
  // Free memory at the end of the heap that is kept for what comes next.
  PROGRAM_KEPT_BYTE_COUNT = 1024 * 1024,
};

#pragma clang assume_nonnull begin

// The number of arguments that `main` was given, the program's own name among them.
int program_argument_count(void);

// One of them.
const char *program_argument(int index);

// Has bodies and other large memory go back to the system when they are freed. glibc stops doing so
// by itself once the first of them is freed, since it takes them for what comes again and again.
void program_memory_return_large(void);

// Takes the numbers of standard descriptors that the program was started without, so that no socket
// gets one of them and is written to as if it were standard output. Writing to what takes their
// place fails, as it does to a closed descriptor. To be called first of all.
void program_descriptors_fill(void);

#pragma clang assume_nonnull end
