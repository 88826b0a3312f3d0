// Makes CTLS sessions with a client of OpenSSL at the other end of a socket: of TLS 1.3 and 1.2.
// usage: tls CERTIFICATE KEY OTHER-KEY
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CTLS.h"
#include "driver.h"

enum { turn_limit = 1000, byte_count = 100000 };

// Returns whether the client's call has done its work; it may have to wait for the server.
static bool is_done(SSL *client, int result) {
  if (result == 1) return true;
  const int error = SSL_get_error(client, result);
  require(
      error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, "the client fails: %d", error);
  return false;
}

static void shake_hands(SSL *client, tls_session *server) {
  bool client_done = false, server_done = false;
  tls_message message;
  for (int turn = 0; turn < turn_limit && !(client_done && server_done); turn++) {
    if (!client_done) client_done = is_done(client, SSL_do_handshake(client));
    if (server_done) continue;
    tls_session_take_turn(server);
    const tls_progress progress = tls_session_handshake(server, &message);
    require(
        progress == TLS_DONE || progress == TLS_WANTS_READING || progress == TLS_WANTS_WRITING,
        "the server fails: %s", progress == TLS_BROKEN ? message.characters : "");
    server_done = progress == TLS_DONE;
  }
  require(client_done && server_done, "the handshake does not end");
}

// Has the client send bytes that the server sends back.
static void echo(SSL *client, tls_session *server) {
  static uint8_t sent[byte_count], received[byte_count], back[byte_count];
  for (size_t at = 0; at < byte_count; at++) sent[at] = (uint8_t)(at * at >> 3);
  size_t written = 0, read_count = 0, answered = 0, returned = 0;
  for (int turn = 0; turn < turn_limit && returned < byte_count; turn++) {
    size_t count = 0;
    if (written < byte_count && SSL_write_ex(client, sent + written, byte_count - written, &count))
      written += count;
    uint8_t record[TLS_RECORD_BYTE_COUNT];
    tls_session_take_turn(server);
    if (tls_session_read(server, record, sizeof record, &count) == TLS_DONE) {
      require(read_count + count <= byte_count, "too much comes");
      memcpy(received + read_count, record, count);
      read_count += count;
    }
    if (answered < read_count &&
        tls_session_write(server, received + answered, read_count - answered, &count) == TLS_DONE)
      answered += count;
    if (SSL_read_ex(client, back + returned, byte_count - returned, &count)) returned += count;
  }
  require(
      returned == byte_count && memcmp(sent, back, byte_count) == 0,
      "%zu of %d bytes come back", returned, byte_count);
}

static void speak(tls_context *context, int version) {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "no sockets");
  SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
  require(client_context, "no client");
  SSL_CTX_set_min_proto_version(client_context, version);
  SSL_CTX_set_max_proto_version(client_context, version);
  // A write may come from another place than the one that had to wait.
  SSL_CTX_set_mode(
      client_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static const unsigned char protocols[] = "\x08http/1.1";
  SSL *client = SSL_new(client_context);
  require(client && SSL_set_fd(client, ends[0]) == 1, "no client");
  SSL_set_alpn_protos(client, protocols, sizeof protocols - 1);
  SSL_set_connect_state(client);
  tls_session *server = tls_session_create(context, ends[1]);
  require(server, "no session");
  shake_hands(client, server);
  const unsigned char *chosen;
  unsigned chosen_count;
  SSL_get0_alpn_selected(client, &chosen, &chosen_count);
  printf(
      "%s, %.*s\n", SSL_get_version(client), (int)chosen_count, (const char *)chosen);
  // The processor decides which cipher the client prefers.
  printf("# %s\n", SSL_get_cipher_name(client));
  echo(client, server);
  tls_session_end(server);
  char byte;
  int result = 0;
  for (int turn = 0; turn < turn_limit && result == 0; turn++) {
    const int error = SSL_get_error(client, SSL_read(client, &byte, 1));
    if (error != SSL_ERROR_WANT_READ) result = error;
  }
  require(result == SSL_ERROR_ZERO_RETURN, "the server's end is not in order: %d", result);
  tls_session_destroy(server);
  SSL_free(client);
  SSL_CTX_free(client_context);
  close(ends[0]);
  close(ends[1]);
}

int main(int argc, char **argv) {
  require(argc == 4, "usage: tls CERTIFICATE KEY OTHER-KEY");
  const contents certificate = read_file(argv[1]), key = read_file(argv[2]);
  const contents other = read_file(argv[3]);
  tls_credentials credentials = {
      .certificates = {certificate.bytes, certificate.byte_count},
      .key = {other.bytes, other.byte_count}};
  tls_context *context = NULL;
  tls_message message;
  require(
      tls_context_create(&credentials, &context, &message) == TLS_CREDENTIALS_OTHER_KEY,
      "a key of another certificate is taken");
  credentials.key = (tls_text){key.bytes, key.byte_count};
  require(
      tls_context_create(&credentials, &context, &message) == TLS_CREDENTIALS_OK, "%s",
      message.characters);
  int64_t from, until;
  tls_context_validity(context, &from, &until);
  printf("valid from %lld until %lld\n", (long long)from, (long long)until);
  speak(context, TLS1_3_VERSION);
  speak(context, TLS1_2_VERSION);
  tls_context_destroy(context);
}
