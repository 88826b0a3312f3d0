// One request at a time over libcurl, without its variadic options: a GET of a file, or a question
// to a server's own administration.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { REMOTE_ETAG_BYTE_COUNT = 256, REMOTE_MESSAGE_BYTE_COUNT = 256 };

typedef struct {
  // http or https; nothing else is fetched, by redirection neither.
  const char *url;
  // Of the answer that the caller has already: the server may say 304.
  const char *_Nullable etag;
  // Where the bytes that are wanted begin in the file; 0 for all of it.
  int64_t offset;
  // Of the file whose first `offset` bytes the caller has: where it has changed, all comes.
  const char *_Nullable if_range;
  // For version 4 of AWS' signature, as libcurl wants it: `aws:amz:REGION:SERVICE`; NULL for none.
  const char *_Nullable signature;
  const char *_Nullable key;
  const char *_Nullable secret;
  const char *_Nullable session_token;
  long redirect_limit;
  long connect_timeout_ms;
  // Of the whole transfer.
  long timeout_ms;
  // Seconds with less than a kilobyte each after which the transfer is given up.
  long stall_timeout_s;
} remote_request;

typedef struct {
  int status;
  // Empty where the server sent none, or one that is too long.
  char etag[REMOTE_ETAG_BYTE_COUNT];
  // Why there is no answer.
  char message[REMOTE_MESSAGE_BYTE_COUNT];
  // Whether that is the other side's certificate, which another attempt will find as it is.
  bool is_untrusted;
  // Whether that is where a redirection leads: on and on, or where nothing is fetched from.
  bool is_misdirected;
} remote_answer;

// What is known of a body when its first bytes come.
typedef struct {
  // Where it begins in the file: at 0, or at the request's offset.
  int64_t start;
  // Bytes of the whole file, or -1.
  int64_t announced;
  // Empty where the server sent none, or one that is too long.
  char etag[REMOTE_ETAG_BYTE_COUNT];
} remote_body;

// Takes the next bytes of a body whose status is 200, or 206 where an offset was asked for;
// `is_first` for the first ones. False ends the transfer.
typedef bool (*remote_sink)(
    void *context, const void *bytes, size_t count, const remote_body *body, bool is_first);

// Asked several times a second, whatever the other side does; true ends the transfer.
typedef bool (*remote_stop)(void *context);

// 0 when there is a whole answer, whatever its status; -1 with a message otherwise. `context` is
// that of both functions.
int remote_fetch(
    const remote_request *request, remote_sink sink, remote_stop stop, void *context,
    remote_answer *answer);

typedef struct {
  const char *method;
  // http; no redirection is followed and no proxy asked, for neither should see a token.
  const char *url;
  // Of the Unix socket to connect to, whatever host the URL names.
  const char *_Nullable socket_path;
  // Values of fields that are sent where they are given.
  const char *_Nullable authorization;
  const char *_Nullable content_type;
  const char *_Nullable content_digest;
  const char *_Nullable if_match;
  // A body in memory.
  const char *_Nullable body;
  size_t body_byte_count;
  // The descriptor of a file that is the body, read from where it stands, or -1; it stays open.
  int file;
  int64_t file_byte_count;
  long connect_timeout_ms;
  // Of the whole exchange.
  long timeout_ms;
} remote_question;

// Takes the next bytes of an answer's body, whatever its status; false ends the exchange.
typedef bool (*remote_receiver)(void *context, const void *bytes, size_t count);

// Told how many bytes of a file have been given to the system.
typedef void (*remote_progress)(void *context, int64_t sent);

// 0 when there is a whole answer, whatever its status; -1 with a message otherwise. `context` is
// that of both functions.
int remote_ask(
    const remote_question *question, remote_receiver receiver, remote_progress progress,
    void *context, remote_answer *answer);

// The version of libcurl as loaded.
const char *remote_library_version(void);

#pragma clang assume_nonnull end
