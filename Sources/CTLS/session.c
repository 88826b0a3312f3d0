#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "context.h"

// What one call may take from the socket, so that records without data of the program's, or tiny
// ones, do not hold up other connections: the socket stays readable, and the caller comes again.
enum { READS_PER_CALL = 64 };
// Bytes of a whole handshake that a client may send, certificates included, 64 KiB.
enum { HANDSHAKE_BYTE_LIMIT = 64 << 10 };

struct tls_session {
  tls_context *context;
  SSL *openssl;
  int descriptor;
  // Reads of the socket that the present call may still make.
  int reads_left;
  // Bytes read so far, counted until the handshake is complete.
  size_t handshake_byte_count;
  bool is_established;
  // After an error of the protocol or the socket nothing may be sent any more.
  bool is_broken;
};

// MARK: The socket
//
// OpenSSL's own would have the signal SIGPIPE sent by a connection that is gone.

static int is_temporary(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int socket_read(BIO *socket, char *buffer, int capacity) {
  tls_session *session = BIO_get_data(socket);
  BIO_clear_retry_flags(socket);
  if (session->reads_left == 0) {
    BIO_set_retry_read(socket);
    return -1;
  }
  session->reads_left -= 1;
  const ssize_t count = recv(session->descriptor, buffer, (size_t)capacity, 0);
  if (count < 0 && is_temporary()) BIO_set_retry_read(socket);
  if (count == 0) BIO_set_flags(socket, BIO_FLAGS_IN_EOF);
  if (count > 0 && !session->is_established) {
    session->handshake_byte_count += (size_t)count;
    if (session->handshake_byte_count > HANDSHAKE_BYTE_LIMIT) return 0;
  }
  return (int)count;
}

static int socket_write(BIO *socket, const char *bytes, int byte_count) {
  BIO_clear_retry_flags(socket);
  const tls_session *session = BIO_get_data(socket);
  const ssize_t count = send(session->descriptor, bytes, (size_t)byte_count, MSG_NOSIGNAL);
  if (count < 0 && is_temporary()) BIO_set_retry_write(socket);
  return (int)count;
}

static long socket_control(BIO *socket, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(socket, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
  }
}

static int socket_create(BIO *socket) {
  BIO_set_init(socket, 1);
  return 1;
}

static BIO_METHOD *socket_method;

static void make_socket_method(void) {
  BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (made && BIO_meth_set_read(made, socket_read) && BIO_meth_set_write(made, socket_write) &&
      BIO_meth_set_ctrl(made, socket_control) && BIO_meth_set_create(made, socket_create))
    socket_method = made;
}

// MARK: Life

tls_session *tls_session_create(tls_context *context, int descriptor) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_socket_method);
  tls_session *session = calloc(1, sizeof *session);
  SSL *openssl = SSL_new(context->openssl);
  BIO *socket = socket_method ? BIO_new(socket_method) : NULL;
  if (!session || !openssl || !socket) {
    BIO_free(socket);
    SSL_free(openssl);
    free(session);
    ERR_clear_error();
    return NULL;
  }
  tls_context_retain(context);
  *session = (tls_session){.context = context, .openssl = openssl, .descriptor = descriptor};
  BIO_set_data(socket, session);
  SSL_set_bio(openssl, socket, socket);
  SSL_set_accept_state(openssl);
  return session;
}

void tls_session_destroy(tls_session *session) {
  SSL_free(session->openssl);
  tls_context_release(session->context);
  free(session);
}

// MARK: Progress

static tls_progress progress(tls_session *session, int result) {
  switch (SSL_get_error(session->openssl, result)) {
    case SSL_ERROR_NONE: return TLS_DONE;
    case SSL_ERROR_WANT_READ: return TLS_WANTS_READING;
    case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITING;
    case SSL_ERROR_ZERO_RETURN: return TLS_ENDED;
    default: session->is_broken = true; return TLS_BROKEN;
  }
}

// Says why a client's certificate is rejected; the library has the same words for all reasons.
static bool explain_verification(const tls_session *session, tls_message *message) {
  const long result = SSL_get_verify_result(session->openssl);
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    snprintf(
        message->characters, sizeof message->characters, "client certificate: none was shown");
    return true;
  }
  if (reason != SSL_R_CERTIFICATE_VERIFY_FAILED) return false;
  snprintf(
      message->characters, sizeof message->characters, "client certificate: %s",
      result == X509_V_ERR_APPLICATION_VERIFICATION ? "bears none of the names that are allowed"
                                                    : X509_verify_cert_error_string(result));
  return true;
}

tls_progress tls_session_handshake(tls_session *session, tls_message *message) {
  ERR_clear_error();
  session->reads_left = READS_PER_CALL;
  const tls_progress made = progress(session, SSL_do_handshake(session->openssl));
  session->is_established = made == TLS_DONE;
  if (made != TLS_BROKEN && made != TLS_ENDED) return made;
  session->is_broken = true;
  if (session->handshake_byte_count > HANDSHAKE_BYTE_LIMIT) {
    snprintf(
        message->characters, sizeof message->characters, "more than %d bytes of a client",
        HANDSHAKE_BYTE_LIMIT);
    ERR_clear_error();
    return TLS_BROKEN;
  }
  if (made == TLS_ENDED || ERR_peek_last_error() == 0) return TLS_ENDED;
  const bool is_rejected = explain_verification(session, message);
  if (!is_rejected) tls_explain(message);
  ERR_clear_error();
  return is_rejected ? TLS_REJECTED : TLS_BROKEN;
}

void tls_session_take_turn(tls_session *session) { session->reads_left = READS_PER_CALL; }

tls_progress tls_session_read(
    tls_session *session, void *buffer, size_t capacity, size_t *count) {
  ERR_clear_error();
  const tls_progress made =
      progress(session, SSL_read_ex(session->openssl, buffer, capacity, count));
  ERR_clear_error();
  return made;
}

tls_progress tls_session_write(
    tls_session *session, const void *bytes, size_t byte_count, size_t *count) {
  ERR_clear_error();
  const tls_progress made =
      progress(session, SSL_write_ex(session->openssl, bytes, byte_count, count));
  ERR_clear_error();
  return made;
}

void tls_session_end(tls_session *session) {
  if (session->is_broken || !session->is_established) return;
  ERR_clear_error();
  session->reads_left = 0;
  if (SSL_shutdown(session->openssl) < 0) session->is_broken = true;
  ERR_clear_error();
}
