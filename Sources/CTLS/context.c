#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"

// Bytes of the certificates that a client may send, 32 KiB.
enum { CLIENT_CERTIFICATES_BYTE_LIMIT = 32 << 10 };

// Those of Mozilla's intermediate configuration that need no parameters of finite fields
// (https://wiki.mozilla.org/Security/Server_Side_TLS). TLS 1.3 has its own, all of them sound.
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

void tls_explain(tls_message *message) {
  const unsigned long error = ERR_peek_last_error();
  const char *reason = error ? ERR_reason_error_string(error) : NULL;
  snprintf(message->characters, sizeof message->characters, "%s", reason ? reason : "unknown");
  ERR_clear_error();
}

// MARK: Protocol

static int on_alpn(
    SSL *session, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
    unsigned offered_length, void *context) {
  (void)session;
  (void)context;
  static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
  unsigned char *found;
  const int status = SSL_select_next_proto(
      &found, length, known, sizeof known - 1, offered, offered_length);
  if (status != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

static int set_rules(SSL_CTX *context) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections keep no buffers.
  SSL_CTX_set_mode(
      context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                   SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, CLIENT_CERTIFICATES_BYTE_LIMIT);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

// MARK: The server's own certificate

static int no_passphrase(char *buffer, int capacity, int writes, void *was_asked) {
  (void)buffer;
  (void)capacity;
  (void)writes;
  *(int *)was_asked = 1;
  return -1;
}

// Certificates of a PEM text, taken one after the other; NULL at their end. Anything else in the
// text is passed over, as the key beside them.
static X509 *next_certificate(BIO *text) {
  X509 *certificate = PEM_read_bio_X509_AUX(text, NULL, NULL, NULL);
  if (!certificate && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
    ERR_clear_error();
  return certificate;
}

static tls_credentials_status use_certificates(SSL_CTX *context, tls_text text) {
  BIO *pem = BIO_new_mem_buf(text.bytes, (int)text.byte_count);
  if (!pem) return TLS_CREDENTIALS_OUT_OF_MEMORY;
  tls_credentials_status status = TLS_CREDENTIALS_NO_CERTIFICATE;
  X509 *own = next_certificate(pem);
  if (own) {
    status = SSL_CTX_use_certificate(context, own) == 1 ? TLS_CREDENTIALS_OK
                                                        : TLS_CREDENTIALS_REFUSED;
    X509_free(own);
  }
  while (status == TLS_CREDENTIALS_OK) {
    X509 *other = next_certificate(pem);
    if (!other) break;
    if (SSL_CTX_add0_chain_cert(context, other) != 1) {
      X509_free(other);
      status = TLS_CREDENTIALS_REFUSED;
    }
  }
  // One of them is damaged.
  if (ERR_peek_last_error() && status != TLS_CREDENTIALS_NO_CERTIFICATE)
    status = TLS_CREDENTIALS_REFUSED;
  BIO_free(pem);
  return status;
}

static tls_credentials_status use_key(SSL_CTX *context, tls_text text) {
  BIO *pem = BIO_new_mem_buf(text.bytes, (int)text.byte_count);
  if (!pem) return TLS_CREDENTIALS_OUT_OF_MEMORY;
  int was_asked = 0;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, &was_asked);
  BIO_free(pem);
  if (!key) {
    ERR_clear_error();
    return was_asked ? TLS_CREDENTIALS_LOCKED_KEY : TLS_CREDENTIALS_NO_KEY;
  }
  tls_credentials_status status = TLS_CREDENTIALS_OK;
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1) {
    ERR_clear_error();
    status = TLS_CREDENTIALS_OTHER_KEY;
  } else if (SSL_CTX_use_PrivateKey(context, key) != 1) {
    status = TLS_CREDENTIALS_REFUSED;
  }
  EVP_PKEY_free(key);
  return status;
}

// MARK: Certificates of clients

static int index_of_names(void) {
  static atomic_int index = -1;
  int known = atomic_load(&index);
  if (known < 0) {
    known = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    int expected = -1;
    if (!atomic_compare_exchange_strong(&index, &expected, known)) known = expected;
  }
  return known;
}

static int is_listed(const tls_text *names, const ASN1_STRING *name) {
  if (!name) return 0;
  unsigned char *text = NULL;
  const int byte_count = ASN1_STRING_to_UTF8(&text, name);
  int is_found = 0;
  const char *next = names->bytes, *end = next + names->byte_count;
  while (byte_count > 0 && next < end && !is_found) {
    const char *newline = memchr(next, '\n', (size_t)(end - next));
    if (!newline) newline = end;
    is_found = newline - next == byte_count && memcmp(next, text, (size_t)byte_count) == 0;
    next = newline + 1;
  }
  OPENSSL_free(text);
  return is_found;
}

static int bears_listed_name(X509 *certificate, const tls_text *names) {
  const X509_NAME *subject = X509_get_subject_name(certificate);
  int place = -1, is_found = 0;
  while (!is_found &&
         (place = X509_NAME_get_index_by_NID(subject, NID_commonName, place)) >= 0)
    is_found = is_listed(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  GENERAL_NAMES *others = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; !is_found && i < sk_GENERAL_NAME_num(others); i++) {
    int kind;
    const void *name = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(others, i), &kind);
    if (kind == GEN_DNS || kind == GEN_URI || kind == GEN_EMAIL) is_found = is_listed(names, name);
  }
  GENERAL_NAMES_free(others);
  return is_found;
}

static int on_client_certificate(int is_sound, X509_STORE_CTX *verification) {
  if (!is_sound || X509_STORE_CTX_get_error_depth(verification) > 0) return is_sound;
  const SSL *session =
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
  const tls_text *names = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), index_of_names());
  if (!names->bytes || bears_listed_name(X509_STORE_CTX_get_current_cert(verification), names))
    return 1;
  X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

static tls_credentials_status use_authorities(
    SSL_CTX *context, tls_text text, const tls_text *names) {
  BIO *pem = BIO_new_mem_buf(text.bytes, (int)text.byte_count);
  if (!pem) return TLS_CREDENTIALS_OUT_OF_MEMORY;
  tls_credentials_status status = TLS_CREDENTIALS_NO_AUTHORITY;
  X509 *authority;
  while ((authority = next_certificate(pem))) {
    const int is_added = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1 &&
                         SSL_CTX_add_client_CA(context, authority) == 1;
    X509_free(authority);
    status = is_added ? TLS_CREDENTIALS_OK : TLS_CREDENTIALS_REFUSED;
    if (!is_added) break;
  }
  if (ERR_peek_last_error() && status == TLS_CREDENTIALS_OK) status = TLS_CREDENTIALS_REFUSED;
  BIO_free(pem);
  SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_client_certificate);
  // A ticket would let a client in without its certificate, which may have expired since.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (SSL_CTX_set_num_tickets(context, 0) != 1 ||
      SSL_CTX_set_ex_data(context, index_of_names(), (void *)names) != 1)
    status = TLS_CREDENTIALS_OUT_OF_MEMORY;
  return status;
}

// MARK: Life

static int copy_names(tls_context *context, tls_text names) {
  if (!names.bytes) return 1;
  char *copy = malloc(names.byte_count + 1);
  if (!copy) return 0;
  memcpy(copy, names.bytes, names.byte_count);
  context->client_names = (tls_text){copy, names.byte_count};
  return 1;
}

static tls_credentials_status fill(tls_context *context, const tls_credentials *credentials) {
  context->openssl = SSL_CTX_new(TLS_server_method());
  context->tickets = ticket_keys_create();
  if (!context->openssl || !context->tickets || !copy_names(context, credentials->client_names))
    return TLS_CREDENTIALS_OUT_OF_MEMORY;
  if (!set_rules(context->openssl) || !ticket_keys_use(context->tickets, context->openssl))
    return TLS_CREDENTIALS_REFUSED;
  tls_credentials_status status = use_certificates(context->openssl, credentials->certificates);
  if (status == TLS_CREDENTIALS_OK) status = use_key(context->openssl, credentials->key);
  if (status == TLS_CREDENTIALS_OK && credentials->client_authorities.bytes)
    status = use_authorities(
        context->openssl, credentials->client_authorities, &context->client_names);
  return status;
}

tls_credentials_status tls_context_create(
    const tls_credentials *credentials, tls_context **context, tls_message *message) {
  *message = (tls_message){{0}};
  tls_context *made = calloc(1, sizeof *made);
  if (!made) return TLS_CREDENTIALS_OUT_OF_MEMORY;
  atomic_init(&made->user_count, 1);
  ERR_clear_error();
  const tls_credentials_status status = fill(made, credentials);
  if (status == TLS_CREDENTIALS_OK) {
    *context = made;
  } else {
    tls_explain(message);
    tls_context_release(made);
  }
  ERR_clear_error();
  return status;
}

void tls_context_retain(tls_context *context) { atomic_fetch_add(&context->user_count, 1); }

void tls_context_release(tls_context *context) {
  if (atomic_fetch_sub(&context->user_count, 1) != 1) return;
  SSL_CTX_free(context->openssl);
  if (context->tickets) ticket_keys_destroy(context->tickets);
  free((void *)context->client_names.bytes);
  free(context);
}

void tls_context_destroy(tls_context *context) { tls_context_release(context); }

static int64_t seconds(const ASN1_TIME *time) {
  int days = 0, rest = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  if (epoch) ASN1_TIME_diff(&days, &rest, epoch, time);
  ASN1_TIME_free(epoch);
  ERR_clear_error();
  return (int64_t)days * 86400 + rest;
}

void tls_context_validity(const tls_context *context, int64_t *from, int64_t *until) {
  const X509 *own = SSL_CTX_get0_certificate(context->openssl);
  *from = seconds(X509_get0_notBefore(own));
  *until = seconds(X509_get0_notAfter(own));
}
