// Makes CSandbox's filter of system calls for this processor and asks it about calls; then has the
// spawner fork decoders, which answer, crash and are killed.
//
// The filter is a static part of one file, which is therefore compiled as a part of this one.
#include "../../Sources/CSandbox/confinement.c"

#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "driver.h"

#if defined(__aarch64__)
enum { own_architecture = AUDIT_ARCH_AARCH64, other_architecture = AUDIT_ARCH_ARM };
#else
enum { own_architecture = AUDIT_ARCH_X86_64, other_architecture = AUDIT_ARCH_I386 };
#endif

// Returns the filter's answer as the kernel would compute it (Documentation/networking/filter.rst):
// the instructions that libseccomp writes, and no others.
static uint32_t answer(const struct seccomp_data *call) {
  uint32_t a = 0;
  for (unsigned place = 0; place < instruction_count; place++) {
    const struct sock_filter *i = &instructions[place];
    switch (i->code) {
      case BPF_LD | BPF_W | BPF_ABS:
        require(i->k + 4 <= sizeof *call && i->k % 4 == 0, "a load from %u", i->k);
        memcpy(&a, (const char *)call + i->k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K: a &= i->k; break;
      case BPF_JMP | BPF_JA: place += i->k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: place += a == i->k ? i->jt : i->jf; break;
      case BPF_JMP | BPF_JGT | BPF_K: place += a > i->k ? i->jt : i->jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: place += a >= i->k ? i->jt : i->jf; break;
      case BPF_RET | BPF_K: return i->k;
      default: fail(__FILE__, __LINE__, "instruction %#x is not known here", i->code);
    }
  }
  fail(__FILE__, __LINE__, "the filter has no end");
}

static bool allows(int number, uint64_t first, uint64_t third, uint64_t fourth, uint64_t fifth) {
  const struct seccomp_data call = {
      .nr = number, .arch = own_architecture, .args = {first, 0, third, fourth, fifth, 0}};
  struct seccomp_data other = call;
  other.arch = other_architecture;
  require(answer(&other) != SECCOMP_RET_ALLOW, "call %d of another architecture", number);
  const uint32_t action = answer(&call);
  require(
      action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_KILL_PROCESS ||
          action == SECCOMP_RET_KILL_THREAD,
      "call %d: %#x", number, action);
  return action == SECCOMP_RET_ALLOW;
}

static void ask_filter(void) {
  confinement_prepare();
  require(instruction_count > 10, "the filter has %u instructions", instruction_count);
  printf("# filter: %u instructions\n", instruction_count);
  static const int allowed[] = {SYS_munmap,        SYS_mremap,  SYS_brk,  SYS_madvise,
                                SYS_futex,         SYS_exit,    SYS_exit_group,
                                SYS_rt_sigreturn,  SYS_clock_gettime, SYS_gettimeofday,
                                SYS_getrandom,     SYS_restart_syscall};
  for (size_t index = 0; index < sizeof allowed / sizeof allowed[0]; index++)
    require(allows(allowed[index], 1, 2, 3, 4), "call %d is not allowed", allowed[index]);
  static const int refused[] = {SYS_openat, SYS_socket, SYS_connect, SYS_execve, SYS_clone,
                                SYS_kill,   SYS_read,   SYS_write,   SYS_ptrace, SYS_prlimit64,
                                SYS_ioctl,  SYS_dup,    SYS_sendmsg, SYS_recvmsg, SYS_tgkill};
  for (size_t index = 0; index < sizeof refused / sizeof refused[0]; index++)
    require(!allows(refused[index], 1, 2, 3, 4), "call %d is allowed", refused[index]);
  const uint64_t channel = confinement_channel, elsewhere = channel + 1;
  require(allows(SYS_recvfrom, channel, 0, 0, 0), "nothing can be received");
  require(!allows(SYS_recvfrom, elsewhere, 0, 0, 0), "any descriptor can be received from");
  require(allows(SYS_sendto, channel, 0, 0, 0), "nothing can be sent");
  require(!allows(SYS_sendto, elsewhere, 0, 0, 0), "any descriptor can be sent to");
  require(!allows(SYS_sendto, channel, 0, 0, 4096), "any address can be sent to");
  const uint64_t pages = PROT_READ | PROT_WRITE, private = MAP_PRIVATE | MAP_ANONYMOUS;
  require(allows(SYS_mmap, 0, pages, private, 0), "no memory can be mapped");
  require(!allows(SYS_mmap, 0, pages | PROT_EXEC, private, 0), "code can be mapped");
  require(!allows(SYS_mmap, 0, pages, MAP_PRIVATE, 0), "a file can be mapped");
  require(allows(SYS_mprotect, 0, PROT_NONE, 0, 0), "memory cannot be protected");
  require(!allows(SYS_mprotect, 0, PROT_EXEC, 0, 0), "memory can become code");
  puts("the filter allows what computing needs, and nothing else");
}

static void prepare(void) {}

// Answers a request with a digest of the shared memory, or tries what it is asked to.
static void decode(int channel, uint8_t *memory, size_t byte_count) {
  sandbox_request request;
  while (sandbox_channel_receive(channel, &request, sizeof request, -1) == 1) {
    sandbox_reply reply = {.number = request.number, .status = SANDBOX_REPLY_DONE};
    if (request.trial != 0) sandbox_trial(request.trial, 1 << 20);
    reply.numbers[0] = (int64_t)digest(0, memory, byte_count);
    memory[0]++;
    if (!sandbox_channel_send(channel, &reply, sizeof reply)) return;
  }
}

typedef struct {
  int channel;
  pid_t process;
} decoder;

static decoder start(int control, int memory, size_t byte_count) {
  int ends[2];
  require(sandbox_channel_create(ends) == 0, "no channel");
  const decoder started = {
      ends[0], sandbox_spawner_fork(control, ends[1], memory, byte_count, 64 << 20)};
  require(started.process > 0, "no decoder: %s", strerror(errno));
  close(ends[1]);
  sandbox_greeting greeting;
  require(
      sandbox_channel_receive(started.channel, &greeting, sizeof greeting, 60000000000) == 1,
      "the decoder does not greet");
  // Emulators have neither filters nor Landlock.
  printf("# confined by %u\n", greeting.parts);
  return started;
}

static void end(int control, decoder which, int signal) {
  int status = 0;
  close(which.channel);
  require(sandbox_spawner_reap(control, which.process, &status) == 0, "nothing is reaped");
  require(sandbox_status_signal(status) == signal, "ended by %d", sandbox_status_signal(status));
}

static void ask_decoders(void) {
  enum { byte_count = 3 << 12 };
  pid_t spawner;
  const int control = sandbox_spawner_start(prepare, decode, &spawner);
  require(control >= 0, "no spawner: %s", strerror(errno));
  uint8_t *bytes;
  const int memory = sandbox_memory_create(byte_count, &bytes);
  require(memory >= 0, "no memory: %s", strerror(errno));
  for (int at = 0; at < byte_count; at++) bytes[at] = (uint8_t)(at * 7);
  const decoder first = start(control, memory, byte_count);
  for (uint64_t number = 1; number <= 3; number++) {
    const int64_t expected = (int64_t)digest(0, bytes, byte_count);
    const sandbox_request request = {.number = number};
    sandbox_reply reply;
    require(sandbox_channel_send(first.channel, &request, sizeof request), "nothing is sent");
    require(
        sandbox_channel_receive(first.channel, &reply, sizeof reply, 60000000000) == 1 &&
            reply.number == number && reply.numbers[0] == expected && bytes[0] == number,
        "answer %llu", (unsigned long long)number);
  }
  require(sandbox_process_time(first.process) > 0, "no processor time");
  end(control, first, 0);
  const decoder second = start(control, memory, byte_count);
  const sandbox_request crash = {.number = 4, .trial = SANDBOX_TRIAL_CRASH};
  require(sandbox_channel_send(second.channel, &crash, sizeof crash), "nothing is sent");
  sandbox_reply reply;
  require(
      sandbox_channel_receive(second.channel, &reply, sizeof reply, 60000000000) == 0,
      "a crash is not seen");
  end(control, second, SIGSEGV);
  const decoder third = start(control, memory, byte_count);
  sandbox_process_kill(third.process);
  end(control, third, SIGKILL);
  sandbox_memory_discard(memory, 1 << 12, 1 << 12);
  require(
      bytes[1 << 12] == 0 && bytes[(2 << 12) - 1] == 0 && bytes[2 << 12] == (uint8_t)(0x2000 * 7),
      "another range is given back");
  sandbox_memory_unmap(bytes, byte_count);
  close(memory);
  close(control);
  int status;
  require(waitpid(spawner, &status, 0) == spawner && status == 0, "the spawner ends by %d", status);
  puts("decoders answer, crash, are killed and reaped");
}

int main(void) {
  ask_filter();
  ask_decoders();
}
