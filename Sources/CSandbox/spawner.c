#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confinement.h"

// Request and reply on the control socket. Two descriptors are sent with a request to fork.

typedef struct {
  pid_t decoder;  // to reap; 0 to fork
  uint64_t memory_byte_count;
  uint64_t byte_limit;
} control_request;

typedef struct {
  int32_t result;  // process ID for a fork
  int32_t error;   // of errno; 0 for success
  int32_t status;
} control_answer;

enum {
  control_descriptor = 3,
  control_timeout_seconds = 10,
  // For systems that cannot close a range.
  descriptor_count_limit = 65536,
};

extern char **environ;

bool sandbox_is_possible(void) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
}

// MARK: In the spawner

static void close_all(int first, int last) {
  if (close_range((unsigned)first, (unsigned)last, 0) == 0) return;
  const int end = last < descriptor_count_limit ? last : descriptor_count_limit;
  for (int descriptor = first; descriptor <= end; descriptor++) close(descriptor);
}

// It may hold keys and tokens.
static void wipe_environment(void) {
  static char *none[] = {NULL};
  for (char **entry = environ; *entry != NULL; entry++) explicit_bzero(*entry, strlen(*entry));
  environ = none;
}

// Signals that end the server, or its process group, are not meant for the spawner: it ends after
// the server.
static void ignore_signals(void) {
  static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP};
  for (size_t index = 0; index < sizeof ignored / sizeof ignored[0]; index++) {
    signal(ignored[index], SIG_IGN);
  }
  // The Swift runtime's handlers would start a program to write a backtrace.
  static const int usual[] = {SIGCHLD, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t index = 0; index < sizeof usual / sizeof usual[0]; index++) {
    signal(usual[index], SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static ssize_t discard(void *cookie, const char *bytes, size_t count) {
  (void)cookie;
  (void)bytes;
  return (ssize_t)count;
}

// Some libraries print what they find wrong with an image. A decoder has nothing to print to, and
// would be killed for the attempt.
static void silence_libraries(void) {
  FILE *nowhere = fopencookie(NULL, "w", (cookie_io_functions_t){.write = discard});
  if (nowhere == NULL) return;
  setvbuf(nowhere, NULL, _IONBF, 0);
  stdout = stderr = nowhere;
}

// Killed when its parent ends, even if that is now.
static bool follow_parent(pid_t parent) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

// Receives the descriptors that come with a message, at the lowest free numbers; -1 if there are
// none.
static ptrdiff_t receive(int control, control_request *request, int descriptors[2]) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(2 * sizeof(int))];
  } ancillary;
  struct iovec part = {request, sizeof *request};
  struct msghdr message = {
      .msg_iov = &part,
      .msg_iovlen = 1,
      .msg_control = ancillary.space,
      .msg_controllen = sizeof ancillary.space,
  };
  descriptors[0] = descriptors[1] = -1;
  ptrdiff_t count;
  do {
    count = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return count;
  const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(2 * sizeof(int))) {
    memcpy(descriptors, CMSG_DATA(header), 2 * sizeof(int));
  }
  return count;
}

static _Noreturn void run_decoder(
    const control_request *request, const int descriptors[2], pid_t parent, sandbox_body body) {
  if (!follow_parent(parent)) _exit(1);
  const int channel = dup2(descriptors[0], confinement_channel);
  void *memory = mmap(
      NULL, request->memory_byte_count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptors[1], 0);
  if (channel < 0 || memory == MAP_FAILED) _exit(1);
  close_all(0, confinement_channel - 1);
  close_all(confinement_channel + 1, ~0U >> 1);
  sandbox_greeting greeting = confine(request->byte_limit);
  if (!sandbox_channel_send(channel, &greeting, sizeof greeting)) _exit(1);
  body(channel, memory, request->memory_byte_count);
  _exit(0);
}

static control_answer answer_to(
    const control_request *request, const int descriptors[2], sandbox_body body) {
  control_answer answer = {0};
  if (request->decoder != 0) {
    do {
      answer.result = waitpid(request->decoder, &answer.status, 0);
    } while (answer.result < 0 && errno == EINTR);
  } else {
    const pid_t parent = getpid();
    answer.result = fork();
    if (answer.result == 0) run_decoder(request, descriptors, parent, body);
  }
  if (answer.result < 0) answer.error = errno;
  return answer;
}

static _Noreturn void run_spawner(
    int control, pid_t server, void (*prepare)(void), sandbox_body body) {
  ignore_signals();
  wipe_environment();
  if (!follow_parent(server) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_DUMPABLE, 0) != 0) {
    _exit(1);
  }
  prctl(PR_SET_NAME, "decoders");
  // Lower numbers stay free for descriptors that come with requests.
  if (control != control_descriptor && dup2(control, control_descriptor) < 0) _exit(1);
  close_all(0, control_descriptor - 1);
  close_all(control_descriptor + 1, ~0U >> 1);
  silence_libraries();
  confinement_prepare();
  prepare();
  for (;;) {
    control_request request;
    int descriptors[2];
    if (receive(control_descriptor, &request, descriptors) != sizeof request) _exit(0);
    const control_answer answer = answer_to(&request, descriptors, body);
    for (int index = 0; index < 2; index++) {
      if (descriptors[index] >= 0) close(descriptors[index]);
    }
    if (!sandbox_channel_send(control_descriptor, &answer, sizeof answer)) _exit(0);
  }
}

int sandbox_spawner_start(void (*prepare)(void), sandbox_body body, pid_t *pid) {
  int ends[2];
  if (sandbox_channel_create(ends) != 0) return -1;
  const pid_t server = getpid();
  const pid_t spawner = fork();
  if (spawner == 0) {
    close(ends[0]);
    run_spawner(ends[1], server, prepare, body);
  }
  const int error = errno;
  close(ends[1]);
  if (spawner < 0) {
    close(ends[0]);
    errno = error;
    return -1;
  }
  *pid = spawner;
  return ends[0];
}

// MARK: In the server

static int converse(
    int control, const control_request *request, const int *descriptors, control_answer *answer) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(2 * sizeof(int))];
  } ancillary = {0};
  struct iovec part = {(void *)request, sizeof *request};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptors != NULL) {
    message.msg_control = ancillary.space;
    message.msg_controllen = sizeof ancillary.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, 2 * sizeof(int));
  }
  ptrdiff_t count;
  do {
    count = sendmsg(control, &message, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == ECONNRESET) errno = EPIPE;
    return -1;
  }
  const int received = sandbox_channel_receive(
      control, answer, sizeof *answer, control_timeout_seconds * 1000000000LL);
  if (received != 1) {
    errno = received == 0 ? EPIPE : ETIMEDOUT;
    return -1;
  }
  errno = answer->error;
  return answer->error == 0 ? 0 : -1;
}

pid_t sandbox_spawner_fork(
    int control, int channel, int memory, size_t memory_byte_count, size_t byte_limit) {
  const control_request request = {
      .memory_byte_count = memory_byte_count, .byte_limit = byte_limit};
  const int descriptors[2] = {channel, memory};
  control_answer answer;
  return converse(control, &request, descriptors, &answer) == 0 ? answer.result : -1;
}

int sandbox_spawner_reap(int control, pid_t decoder, int *status) {
  const control_request request = {.decoder = decoder};
  control_answer answer;
  if (converse(control, &request, NULL, &answer) != 0) return -1;
  *status = answer.status;
  return 0;
}
