// The server's side of TLS (RFC 8446, RFC 5246) over sockets that never block: OpenSSL without its
// unions, macros and queues of errors.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// A certificate with its key, and the rules of the connections that show it.
typedef struct tls_context tls_context;
// One connection. A context may be destroyed while sessions of it go on.
typedef struct tls_session tls_session;

enum { TLS_MESSAGE_BYTE_COUNT = 256 };

// A reason in words, terminated by NUL.
typedef struct {
  char characters[TLS_MESSAGE_BYTE_COUNT];
} tls_message;

typedef struct {
  const void *_Nullable bytes;
  size_t byte_count;
} tls_text;

typedef struct {
  // PEM certificates: the server's own, then those that lead to a known authority.
  tls_text certificates;
  // PEM private key of the first of them, without a passphrase.
  tls_text key;
  // PEM certificates of authorities, one of which must have signed the client's own; without
  // bytes, clients are not asked for certificates.
  tls_text client_authorities;
  // Names, each ended by a newline, one of which the client's certificate must bear as the common
  // name of its subject or as an alternative name; without bytes, any name will do.
  tls_text client_names;
} tls_credentials;

typedef enum {
  TLS_CREDENTIALS_OK = 0,
  TLS_CREDENTIALS_NO_CERTIFICATE,
  TLS_CREDENTIALS_NO_KEY,
  // The key is encrypted by a passphrase.
  TLS_CREDENTIALS_LOCKED_KEY,
  TLS_CREDENTIALS_OTHER_KEY,
  TLS_CREDENTIALS_NO_AUTHORITY,
  // Refused by the library, whose reason is the message.
  TLS_CREDENTIALS_REFUSED,
  TLS_CREDENTIALS_OUT_OF_MEMORY,
} tls_credentials_status;

// Makes a context: TLS 1.2 and 1.3, sums with authentication and forward secrecy alone, `http/1.1`
// by ALPN, session tickets by keys that change every hour, no renegotiation, compression or early
// data.
tls_credentials_status tls_context_create(
    const tls_credentials *credentials, tls_context *_Nullable *_Nonnull context,
    tls_message *message);
void tls_context_destroy(tls_context *context);

// Seconds since 1970 from which and until which the server's own certificate is valid.
void tls_context_validity(const tls_context *context, int64_t *from, int64_t *until);

typedef enum {
  TLS_DONE = 0,
  // Nothing can be done until the socket is readable, or writable.
  TLS_WANTS_READING,
  TLS_WANTS_WRITING,
  // The client has ended its side, in order or, before the end of a handshake, by any means.
  TLS_ENDED,
  // The connection is of no more use.
  TLS_BROKEN,
  // The same, for the client shows no certificate, or one that is not accepted.
  TLS_REJECTED,
} tls_progress;

// Makes a session on a connected socket, which stays the caller's; NULL without memory.
tls_session *_Nullable tls_session_create(tls_context *context, int descriptor);
void tls_session_destroy(tls_session *session);

// Goes on with the handshake. If it fails otherwise than by the client's end, `message` says why.
// Only this call gives TLS_REJECTED.
tls_progress tls_session_handshake(tls_session *session, tls_message *message);

// Longest piece that one read brings, RFC 8446, section 5.1.
enum { TLS_RECORD_BYTE_COUNT = 1 << 14 };

// Begins a turn: reads of the socket that follow are bounded in number, and then wait for it to be
// readable, which it is.
void tls_session_take_turn(tls_session *session);

// Reads one record at most. With room for `TLS_RECORD_BYTE_COUNT` bytes, nothing stays behind that
// the socket's readiness would not tell of.
tls_progress tls_session_read(
    tls_session *session, void *buffer, size_t capacity, size_t *count);

// Writes some of the bytes. After `TLS_WANTS_WRITING` the next bytes must begin with the same.
tls_progress tls_session_write(
    tls_session *session, const void *bytes, size_t byte_count, size_t *count);

// Tells the client that nothing more will come, as far as the socket takes that now.
void tls_session_end(tls_session *session);

#pragma clang assume_nonnull end
