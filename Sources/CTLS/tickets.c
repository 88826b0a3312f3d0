#include "tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { NAME_BYTE_COUNT = 16, KEY_BYTE_COUNT = 32, PERIOD_SECONDS = 3600 };

typedef struct {
  unsigned char name[NAME_BYTE_COUNT];
  unsigned char encryption[KEY_BYTE_COUNT];
  unsigned char authentication[KEY_BYTE_COUNT];
  time_t made;
} ticket_key;

struct ticket_keys {
  pthread_mutex_t mutex;
  // The first encrypts, both decrypt.
  ticket_key keys[2];
};

// Seconds that no change of the clock moves.
static time_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return time.tv_sec;
}

static int make(ticket_key *key) {
  key->made = now();
  return RAND_bytes(key->name, sizeof key->name) == 1 &&
         RAND_priv_bytes(key->encryption, sizeof key->encryption) == 1 &&
         RAND_priv_bytes(key->authentication, sizeof key->authentication) == 1;
}

ticket_keys *ticket_keys_create(void) {
  ticket_keys *keys = OPENSSL_zalloc(sizeof *keys);
  if (!keys) return NULL;
  pthread_mutex_init(&keys->mutex, NULL);
  // The second one is of use to nobody: no ticket has been made by it.
  if (make(&keys->keys[0]) && make(&keys->keys[1])) return keys;
  ticket_keys_destroy(keys);
  return NULL;
}

void ticket_keys_destroy(ticket_keys *keys) {
  pthread_mutex_destroy(&keys->mutex);
  OPENSSL_clear_free(keys, sizeof *keys);
}

// Finds the key of a ticket, or the newest for a new one; 0 if there is none.
static int find(ticket_keys *keys, const unsigned char *name, ticket_key *found, int *is_newest) {
  int is_found = 1;
  pthread_mutex_lock(&keys->mutex);
  const time_t age = now() - keys->keys[0].made;
  if (age >= PERIOD_SECONDS) {
    ticket_key fresh;
    if (make(&fresh)) {
      keys->keys[1] = keys->keys[0];
      // Nobody has asked for two periods: its tickets are too old.
      if (age >= 2 * PERIOD_SECONDS && !make(&keys->keys[1])) is_found = 0;
      keys->keys[0] = fresh;
    } else {
      is_found = 0;
    }
    OPENSSL_cleanse(&fresh, sizeof fresh);
  }
  *is_newest = !name || memcmp(name, keys->keys[0].name, NAME_BYTE_COUNT) == 0;
  const ticket_key *key = &keys->keys[*is_newest ? 0 : 1];
  if (name && memcmp(name, key->name, NAME_BYTE_COUNT) != 0) is_found = 0;
  if (is_found) *found = *key;
  pthread_mutex_unlock(&keys->mutex);
  return is_found;
}

static int prepare(
    const ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int encrypts) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY, (void *)key->authentication, sizeof key->authentication),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->encryption, iv, encrypts) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) asks: 1 goes on, 2 also issues a new ticket, 0 has no
// key or makes no ticket, -1 ends the handshake.
static int on_ticket(
    SSL *session, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int encrypts) {
  ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(session));
  ticket_key key;
  int is_newest = 0;
  if (!find(keys, encrypts ? NULL : name, &key, &is_newest)) return 0;
  int result = is_newest ? 1 : 2;
  if (encrypts) {
    memcpy(name, key.name, NAME_BYTE_COUNT);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) result = -1;
  }
  if (result > 0 && !prepare(&key, iv, cipher, mac, encrypts)) result = -1;
  OPENSSL_cleanse(&key, sizeof key);
  return result;
}

int ticket_keys_use(ticket_keys *keys, SSL_CTX *context) {
  static const unsigned char sessions[] = "resnetd";
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, PERIOD_SECONDS);
  return SSL_CTX_set_app_data(context, keys) == 1 &&
         SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1 &&
         SSL_CTX_set_session_id_context(context, sessions, sizeof sessions - 1) == 1;
}
