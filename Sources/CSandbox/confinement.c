#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// MARK: Memory

static bool set_soft_limit(uint64_t byte_count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0) return false;
  if (byte_count > limit.rlim_max) byte_count = limit.rlim_max;
  limit.rlim_cur = byte_count;
  return setrlimit(RLIMIT_AS, &limit) == 0;
}

static bool fits_one_more_page(uint64_t byte_limit, size_t page) {
  if (!set_soft_limit(byte_limit)) return false;
  void *memory = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, page);
  return true;
}

// Finds the size of the address space by the least limit that lets it grow: /proc may be missing,
// and is closed to a process that may not be dumped.
static uint64_t address_space_byte_count(void) {
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t low = 0, high = (uint64_t)1 << 47;
  while (high - low > page) {
    const uint64_t middle = (low + (high - low) / 2) / page * page;
    if (fits_one_more_page(middle, page)) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return high - page;
}

// Only the soft limit counts; only the server can raise it, for no system call that is allowed here
// can.
static bool limit_memory(size_t byte_limit, sandbox_greeting *greeting) {
  struct rlimit before;
  if (getrlimit(RLIMIT_AS, &before) != 0) return false;
  greeting->base_byte_count = address_space_byte_count();
  return set_soft_limit(greeting->base_byte_count + byte_limit);
}

enum {
  // Bytes of a block from which on it goes back to the system when it is freed.
  own_mapping_byte_count = 4 << 20,
  // Bytes of free memory beyond which it goes back as well. Less is kept: taking the same pages
  // again for every image takes as long as decoding a small one.
  kept_byte_count = 8 << 20,
};

static void keep_freed_memory(void) {
  mallopt(M_MMAP_THRESHOLD, own_mapping_byte_count);
  mallopt(M_TRIM_THRESHOLD, kept_byte_count);
}

static void limit_rest(void) {
  static const int resources[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NPROC,
                                  RLIMIT_MEMLOCK};
  const struct rlimit none = {0, 0};
  for (size_t index = 0; index < sizeof resources / sizeof resources[0]; index++) {
    setrlimit((__rlimit_resource_t)resources[index], &none);
  }
}

// MARK: Landlock

// Linux, include/uapi/linux/landlock.h: the distribution's headers are older than the kernels that
// this may run on.
typedef struct {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;  // from version 4 on
  uint64_t scoped;              // from version 6 on
} landlock_rules;

enum {
  landlock_create_ruleset = 444,
  landlock_restrict_self = 446,
  landlock_version_flag = 1,
};

// Handles all rights that the version knows, and grants none.
static bool close_files(void) {
  const long version =
      syscall(landlock_create_ruleset, NULL, 0, landlock_version_flag);
  if (version < 1) return false;
  landlock_rules rules = {.handled_access_fs = (1 << 13) - 1};
  size_t byte_count = sizeof(uint64_t);
  if (version >= 2) rules.handled_access_fs |= 1 << 13;  // link and rename across folders
  if (version >= 3) rules.handled_access_fs |= 1 << 14;  // truncate
  if (version >= 5) rules.handled_access_fs |= 1 << 15;  // device control
  if (version >= 4) {
    rules.handled_access_net = 3;  // bind and connect by TCP
    byte_count = 2 * sizeof(uint64_t);
  }
  if (version >= 6) {
    rules.scoped = 3;  // abstract Unix sockets and signals outside
    byte_count = sizeof rules;
  }
  const long ruleset = syscall(landlock_create_ruleset, &rules, byte_count, 0);
  if (ruleset < 0) return false;
  const bool holds = syscall(landlock_restrict_self, ruleset, 0) == 0;
  close((int)ruleset);
  return holds;
}

// MARK: seccomp

// Instructions of the filter, which has some eighty.
enum { filter_instruction_count_limit = 1024 };

// System calls of malloc, the Swift runtime and the loop around them.
static const int allowed_calls[] = {
    SCMP_SYS(munmap),        SCMP_SYS(mremap),     SCMP_SYS(brk),
    SCMP_SYS(madvise),       SCMP_SYS(futex),      SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),  SCMP_SYS(getrandom),  SCMP_SYS(restart_syscall),
};

static bool allow_calls(scmp_filter_ctx filter) {
  // Messages on the one channel, to its other end.
  const struct scmp_arg_cmp channel = {0, SCMP_CMP_EQ, confinement_channel, 0};
  const struct scmp_arg_cmp no_address = {4, SCMP_CMP_EQ, 0, 0};
  // Memory of its own, without code.
  const struct scmp_arg_cmp no_code = {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  const struct scmp_arg_cmp no_file = {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS};
  int failed = 0;
  for (size_t index = 0; index < sizeof allowed_calls / sizeof allowed_calls[0]; index++) {
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[index], 0);
  }
  failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1, channel);
  failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2, channel, no_address);
  failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_code, no_file);
  failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
  return failed == 0;
}

// Filter in the kernel's form, made once in the spawner: a decoder only needs to install it.
static struct sock_filter instructions[filter_instruction_count_limit];
static unsigned short instruction_count;

// Exports the program from libseccomp in the only possible way, to a file.
static void keep_instructions(scmp_filter_ctx filter) {
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) return;
  if (seccomp_export_bpf(filter, file) == 0) {
    const ptrdiff_t count = pread(file, instructions, sizeof instructions, 0);
    // A program that fills the buffer may be longer.
    if (count > 0 && count < (ptrdiff_t)sizeof instructions) {
      instruction_count = (unsigned short)(count / (ptrdiff_t)sizeof instructions[0]);
    }
  }
  close(file);
}

void confinement_prepare(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  // Older kernels kill the thread, of which there is only one.
  if (filter == NULL) filter = seccomp_init(SCMP_ACT_KILL);
  if (filter == NULL) return;
  if (allow_calls(filter)) keep_instructions(filter);
  seccomp_release(filter);
}

static bool close_calls(void) {
  if (instruction_count == 0) return false;
  const struct sock_fprog program = {instruction_count, instructions};
  // Stores need no slow barriers: nothing else in this process is secret from it.
  if (syscall(
          SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0) {
    return true;
  }
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

sandbox_greeting confine(size_t byte_limit) {
  sandbox_greeting greeting = {0};
  if (close_files()) greeting.parts |= SANDBOX_LANDLOCK;
  // The filter comes last, for it forbids the calls above.
  limit_rest();
  keep_freed_memory();
  if (limit_memory(byte_limit, &greeting)) greeting.parts |= SANDBOX_MEMORY_LIMIT;
  if (close_calls()) greeting.parts |= SANDBOX_SECCOMP;
  return greeting;
}
