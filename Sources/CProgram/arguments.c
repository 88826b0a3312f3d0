// Declares `environ`.
#define _GNU_SOURCE
#include "CProgram.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

static int count;
static char **arguments;

// Swift's own list is read from /proc/self/cmdline, which a chroot or a sandbox may not have. The C
// library calls constructors with the arguments of `main`.
__attribute__((constructor)) static void keep(int argument_count, char **argument_values) {
  count = argument_count;
  arguments = argument_values;
}

int program_argument_count(void) { return count; }

const char *program_argument(int index) { return arguments[index]; }

const char *program_environment_entry(int index) {
  return environ == NULL ? NULL : environ[index];
}

void program_memory_return_large(void) {
  mallopt(M_MMAP_THRESHOLD, PROGRAM_OWN_MAPPING_BYTE_COUNT);
  mallopt(M_TRIM_THRESHOLD, PROGRAM_KEPT_BYTE_COUNT);
  struct rlimit addresses;
  if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY)
    mallopt(M_ARENA_MAX, 1);
}

void program_descriptors_fill(void) {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    // `open` takes the lowest free number, which is this one.
    if (open("/dev/null", O_RDONLY) < 0 && open("/", O_RDONLY) < 0) return;
  }
}
