// Decoders as processes of their own that can do nothing but compute: fork, seccomp, Landlock,
// limits.
//
//   server ── control ──> spawner                 forked at the start, while there is one thread
//     │                     │ forks
//     └──── channel ────> decoder                 one for each thread that decodes
//           memory (both map it)
//
// Control and channel are SOCK_SEQPACKET pairs: messages arrive whole, and each side sees the end
// of the other. All three processes run one program, so messages are plain structures.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

// Means that confine a decoder, beside being a process of its own.
enum {
  // Allows only the system calls that computing needs.
  SANDBOX_SECCOMP = 1,
  // Allows no file, whatever the system call.
  SANDBOX_LANDLOCK = 2,
  // Allows no more memory than granted.
  SANDBOX_MEMORY_LIMIT = 4,
};

// Main function of a decoder's process; it shares `memory` with the server.
typedef void (*sandbox_body)(int channel, uint8_t *memory, size_t byte_count);

// Returns false in a build with a sanitizer, whose shadow memory and reports need what is forbidden
// here.
bool sandbox_is_possible(void);

// MARK: The spawner

// Forks the spawner and returns its control socket, or -1 with `errno` set. For a process of one
// thread that has read no secret yet. The spawner wipes the environment, closes every other
// descriptor, calls `prepare` once, then serves requests until the socket's other end is closed.
int sandbox_spawner_start(void (*prepare)(void), sandbox_body body, pid_t *pid);

// Forks a decoder with that end of a channel and that shared memory; it may take `byte_limit` of
// its own. Returns its process, or -1 with `errno` set, which is ETIMEDOUT or EPIPE if the spawner
// is gone.
pid_t sandbox_spawner_fork(
    int control, int channel, int memory, size_t memory_byte_count, size_t byte_limit);

// Waits for a decoder that has ended or been killed, and returns its status as `waitpid` does; -1
// with `errno` set. Until then its process ID is not reused.
int sandbox_spawner_reap(int control, pid_t decoder, int *status);

// MARK: The server's side of a decoder

// First message of a decoder, once it is confined.
typedef struct {
  // SANDBOX_* that are in effect.
  uint32_t parts;
  // Bytes of address space that it takes while it does nothing.
  uint64_t base_byte_count;
} sandbox_greeting;

// Creates zeroed memory of a fixed size that both sides map. Returns its descriptor, or -1 with
// `errno` set.
int sandbox_memory_create(size_t byte_count, uint8_t *_Nullable *_Nonnull bytes);

// Gives a range back to the system; it then reads as zeros.
void sandbox_memory_discard(int memory, size_t offset, size_t byte_count);

void sandbox_memory_unmap(uint8_t *bytes, size_t byte_count);

// Creates both ends; -1 with `errno` set.
int sandbox_channel_create(int *ends);

// Returns whether the message was sent.
bool sandbox_channel_send(int channel, const void *message, size_t byte_count);

// Waits for a message of exactly this size, forever if the time is negative. Returns 1 for one, 0
// if the other end is closed, -1 if none came in time, and -2 for one of another size.
int sandbox_channel_receive(
    int channel, void *message, size_t byte_count, int64_t timeout_nanoseconds);

// Sets the bytes of address space that a process of this user may have; false if the system
// refuses.
bool sandbox_process_limit(pid_t process, uint64_t byte_count);

// Returns the nanoseconds of processor time that a process has taken; -1 if they are unknown.
int64_t sandbox_process_time(pid_t process);

// Lowers the priority of a process of this user for good; if the system refuses, it keeps its own.
void sandbox_process_yield(pid_t process, int niceness);

void sandbox_process_kill(pid_t process);

// Returns the signal that ended a process of this status; 0 for none.
int sandbox_status_signal(int status);

// MARK: The decoder's side

// Gives freed memory back to the system.
void sandbox_trim(void);

// Acts that a decoder can be asked to try, to show that the sandbox stops them.
enum {
  SANDBOX_TRIAL_OPEN_FILE = 1,
  SANDBOX_TRIAL_OPEN_SOCKET = 2,
  SANDBOX_TRIAL_EXECUTABLE_MEMORY = 3,
  SANDBOX_TRIAL_SIGNAL_PARENT = 4,
  SANDBOX_TRIAL_FORK = 5,
  // Takes memory, then gives it back.
  SANDBOX_TRIAL_TAKE_MEMORY = 6,
  // Ends by a memory fault.
  SANDBOX_TRIAL_CRASH = 7,
  // Computes forever.
  SANDBOX_TRIAL_SPIN = 8,
};

// Returns whether it succeeded, if it returns at all. `byte_count` is for TAKE_MEMORY.
bool sandbox_trial(int trial, size_t byte_count);

// MARK: Messages

enum {
  SANDBOX_STRING_BYTE_COUNT = 256,
  SANDBOX_CHANNEL_LIMIT = 32,
};

// Contract for preparing an image: numbers for the cases of Imaging's types.
typedef struct {
  int64_t pixel_count_limit;
  int64_t decoded_byte_count_limit;
  int32_t resize_rule, resize_height, resize_width, resize_filter;
  int32_t fill_red, fill_green, fill_blue;
  int32_t crop_rule, crop_height, crop_width;
  int32_t channel_order;
  int32_t channel_count;
  float mean[SANDBOX_CHANNEL_LIMIT];
  float std[SANDBOX_CHANNEL_LIMIT];
  int32_t range;
  int32_t alpha, alpha_red, alpha_green, alpha_blue;
  int32_t grey, cmyk, sixteen_bit, exif_orientation, color_profile, exact;
  int32_t encoding, encoding_zero_point;
  float encoding_scale;
} sandbox_contract;

typedef struct {
  // Number of the image, repeated in the reply. A second request with it continues that image.
  uint64_t number;
  // Bytes of the encoded image, at the start of the shared memory.
  uint64_t input_byte_count;
  // Offset in the shared memory and bytes of the pixels.
  uint64_t output_offset;
  uint64_t output_byte_count;
  // Bytes that it may take without asking.
  uint64_t granted_byte_count;
  // 0, or one of SANDBOX_TRIAL_* instead of an image.
  int32_t trial;
  sandbox_contract contract;
} sandbox_request;

enum {
  SANDBOX_REPLY_DONE = 0,
  SANDBOX_REPLY_FAILED = 1,
  // It needs `numbers[0]` bytes, and waits for another request.
  SANDBOX_REPLY_NEEDS = 2,
};

typedef struct {
  uint64_t number;
  int32_t status;
  // Failure: the case of Imaging's error, its format and numbers, and its string, terminated by
  // NUL.
  int32_t failure;
  int32_t format;
  int64_t numbers[3];
  char string[SANDBOX_STRING_BYTE_COUNT];
} sandbox_reply;

#pragma clang assume_nonnull end
