#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CSandbox.h"

// MARK: Memory

enum { memfd_no_exec_seal = 8 };

int sandbox_memory_create(size_t byte_count, uint8_t **bytes) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int memory = memfd_create("image", flags | memfd_no_exec_seal);
  // Older kernels do not know memory that never holds code.
  if (memory < 0 && errno == EINVAL) memory = memfd_create("image", flags);
  if (memory < 0) return -1;
  void *mapped = MAP_FAILED;
  if (ftruncate(memory, (off_t)byte_count) == 0 &&
      fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
    mapped = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  }
  if (mapped == MAP_FAILED) {
    const int error = errno;
    close(memory);
    errno = error;
    return -1;
  }
  *bytes = mapped;
  return memory;
}

void sandbox_memory_discard(int memory, size_t offset, size_t byte_count) {
  fallocate(
      memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)byte_count);
}

void sandbox_memory_unmap(uint8_t *bytes, size_t byte_count) { munmap(bytes, byte_count); }

void sandbox_trim(void) { malloc_trim(0); }

// MARK: Messages

int sandbox_channel_create(int *ends) {
  return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

bool sandbox_channel_send(int channel, const void *message, size_t byte_count) {
  ptrdiff_t count;
  do {
    count = send(channel, message, byte_count, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count == (ptrdiff_t)byte_count;
}

static int64_t nanoseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// Tells whether there is something to receive before the time is over.
static bool wait_for_message(int channel, int64_t timeout) {
  const int64_t end = nanoseconds_now() + timeout;
  struct pollfd wanted = {channel, POLLIN, 0};
  for (;;) {
    const int64_t left = end - nanoseconds_now();
    const struct timespec time = {
        left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
    const int count = ppoll(&wanted, 1, &time, NULL);
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
}

int sandbox_channel_receive(int channel, void *message, size_t byte_count, int64_t timeout) {
  if (timeout >= 0 && !wait_for_message(channel, timeout)) return -1;
  ptrdiff_t count;
  do {
    // The length of a longer message is returned even though it is cut.
    count = recv(channel, message, byte_count, MSG_TRUNC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return 0;
  return count == (ptrdiff_t)byte_count ? 1 : -2;
}

// MARK: Processes

bool sandbox_process_limit(pid_t process, uint64_t byte_count) {
  struct rlimit limit;
  if (prlimit(process, RLIMIT_AS, NULL, &limit) != 0) return false;
  if (byte_count > limit.rlim_max) return false;
  limit.rlim_cur = byte_count;
  return prlimit(process, RLIMIT_AS, &limit, NULL) == 0;
}

int64_t sandbox_process_time(pid_t process) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void sandbox_process_yield(pid_t process, int niceness) {
  (void)setpriority(PRIO_PROCESS, (id_t)process, niceness);
}

void sandbox_process_kill(pid_t process) { kill(process, SIGKILL); }

int sandbox_status_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// MARK: Trials

static bool take_memory(size_t byte_count) {
  uint8_t *memory = malloc(byte_count);
  if (memory == NULL) return false;
  // By volatile writes: a compiler may leave out memory that is never read.
  for (size_t offset = 0; offset < byte_count; offset += 512) {
    *(volatile uint8_t *)(memory + offset) = 1;
  }
  free(memory);
  return true;
}

bool sandbox_trial(int trial, size_t byte_count) {
  volatile uint64_t turns = 0;
  switch (trial) {
    case SANDBOX_TRIAL_OPEN_FILE: return open("/", O_RDONLY | O_CLOEXEC) >= 0;
    case SANDBOX_TRIAL_OPEN_SOCKET: return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
    case SANDBOX_TRIAL_EXECUTABLE_MEMORY:
      return mmap(
                 NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
             MAP_FAILED;
    case SANDBOX_TRIAL_SIGNAL_PARENT: return kill(getppid(), 0) == 0;
    case SANDBOX_TRIAL_FORK: {
      const pid_t child = fork();
      if (child == 0) _exit(0);
      return child > 0;
    }
    case SANDBOX_TRIAL_TAKE_MEMORY: return take_memory(byte_count);
    case SANDBOX_TRIAL_CRASH: *(volatile uint8_t *)(uintptr_t)(turns + 8) = 1; return true;
    case SANDBOX_TRIAL_SPIN:
      for (;;) turns++;
    default: return false;
  }
}
