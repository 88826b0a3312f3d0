#include "internal.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  STALL_BYTES_PER_SECOND = 1024,
  // Bytes read of a body that is no image; its status says enough.
  IGNORED_BYTE_LIMIT = 1 << 16,
  IPV4_BYTE_COUNT = 4,
  IPV6_BYTE_COUNT = 16,
  // Time after which authorities are read again, 10 minutes: their files may have changed.
  AUTHORITIES_SECONDS = 600,
};

// Addresses with the same first bits.
typedef struct {
  uint8_t bytes[IPV6_BYTE_COUNT];
  int bit_count;
} prefix;

// What is not globally reachable by IANA's registry of special-purpose addresses (RFC 6890), with
// multicast and what is reserved.
static const prefix special_ipv4[] = {
    {{0}, 8},           {{10}, 8},          {{100, 64}, 10},      {{127}, 8},
    {{169, 254}, 16},   {{172, 16}, 12},    {{192, 0, 0}, 24},    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24}, {{192, 168}, 16},  {{198, 18}, 15},      {{198, 51, 100}, 24},
    {{203, 0, 113}, 24}, {{224}, 4},        {{240}, 4},
};

// The only addresses of IPv6 that are assigned to the public network (RFC 4291), and what is not
// public of them: for protocols, documentation, and with an address of IPv4 inside (6to4).
static const prefix global_ipv6 = {{0x20}, 3};
static const prefix special_ipv6[] = {
    {{0x20, 0x01, 0x00}, 23},
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
    {{0x20, 0x02}, 16},
    {{0x3f, 0xff, 0x00}, 20},
};

// An address of IPv4 follows them: mapped ones, and translated ones (RFC 6052).
static const prefix embedding_ipv6[] = {
    {{[10] = 0xff, [11] = 0xff}, 96},
    {{0x00, 0x64, 0xff, 0x9b}, 96},
};

static bool has_prefix(const uint8_t *address, const prefix *prefix) {
  const int whole = prefix->bit_count / 8;
  const int rest = prefix->bit_count % 8;
  if (memcmp(address, prefix->bytes, (size_t)whole) != 0) return false;
  const int mask = 0xff << (8 - rest) & 0xff;
  return rest == 0 || (address[whole] & mask) == (prefix->bytes[whole] & mask);
}

static bool has_any(const uint8_t *address, const prefix *prefixes, size_t count) {
  for (size_t index = 0; index < count; index++) {
    if (has_prefix(address, &prefixes[index])) return true;
  }
  return false;
}

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

bool remote_is_public(const uint8_t *address, size_t byte_count) {
  if (byte_count == IPV4_BYTE_COUNT)
    return !has_any(address, special_ipv4, COUNT_OF(special_ipv4));
  if (byte_count != IPV6_BYTE_COUNT) return false;
  if (has_any(address, embedding_ipv6, COUNT_OF(embedding_ipv6)))
    return remote_is_public(address + IPV6_BYTE_COUNT - IPV4_BYTE_COUNT, IPV4_BYTE_COUNT);
  return has_prefix(address, &global_ipv6) &&
         !has_any(address, special_ipv6, COUNT_OF(special_ipv6));
}

static bool is_public(const struct curl_sockaddr *address) {
  // Copied, because the field has not the alignment of all of them.
  if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in found;
    memcpy(&found, &address->addr, sizeof found);
    return remote_is_public((const uint8_t *)&found.sin_addr, IPV4_BYTE_COUNT);
  }
  if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 found;
    memcpy(&found, &address->addr, sizeof found);
    return remote_is_public((const uint8_t *)&found.sin6_addr, IPV6_BYTE_COUNT);
  }
  return false;
}

// MARK: - URLs

static bool read_part(CURLU *url, CURLUPart part, unsigned flags, char *text, size_t byte_count) {
  char *found = NULL;
  if (curl_url_get(url, part, &found, flags) != CURLUE_OK || !found) return false;
  size_t length = strlen(found);
  const bool fits = length < byte_count;
  if (fits) memcpy(text, found, length + 1);
  curl_free(found);
  return fits;
}

static bool has_part(CURLU *url, CURLUPart part) {
  char *found = NULL;
  const bool result = curl_url_get(url, part, &found, 0) == CURLUE_OK;
  curl_free(found);
  return result;
}

bool remote_read_origin(const char *text, remote_origin *origin) {
  memset(origin, 0, sizeof *origin);
  CURLU *url = curl_url();
  char scheme[8] = "";
  char port[8] = "";
  char host[REMOTE_HOST_BYTE_COUNT] = "";
  bool result = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                read_part(url, CURLUPART_SCHEME, 0, scheme, sizeof scheme) &&
                read_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) &&
                read_part(url, CURLUPART_HOST, 0, host, sizeof host) &&
                !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_PASSWORD) &&
                !has_part(url, CURLUPART_ZONEID);
  if (result) {
    origin->is_encrypted = strcasecmp(scheme, "https") == 0;
    result = origin->is_encrypted || strcasecmp(scheme, "http") == 0;
    origin->port = atoi(port);
    const size_t length = strlen(host);
    const bool has_brackets = length > 2 && host[0] == '[' && host[length - 1] == ']';
    const size_t count = has_brackets ? length - 2 : length;
    for (size_t index = 0; index < count; index++) {
      const char byte = host[index + has_brackets];
      // Names of other alphabets have a form in ASCII.
      if (byte <= ' ' || byte > '~') result = false;
      origin->host[index] = byte >= 'A' && byte <= 'Z' ? (char)(byte + 'a' - 'A') : byte;
    }
    result = result && count > 0;
  }
  if (!result) memset(origin, 0, sizeof *origin);
  curl_url_cleanup(url);
  return result;
}

// MARK: - Authorities

// libcurl would read them for each transfer, and keep those of a file alone.
struct remote_trust {
  pthread_mutex_t mutex;
  X509_STORE *authorities;
  // Seconds of the monotonic clock.
  time_t read_at;
};

remote_trust *remote_trust_create(void) {
  remote_trust *trust = calloc(1, sizeof *trust);
  if (trust && pthread_mutex_init(&trust->mutex, NULL) == 0) return trust;
  free(trust);
  return NULL;
}

void remote_trust_destroy(remote_trust *trust) {
  X509_STORE_free(trust->authorities);
  pthread_mutex_destroy(&trust->mutex);
  free(trust);
}

// Returns the authorities, for X509_STORE_free; NULL where they cannot be read.
static X509_STORE *take_authorities(remote_trust *trust) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  pthread_mutex_lock(&trust->mutex);
  if (trust->authorities && now.tv_sec - trust->read_at >= AUTHORITIES_SECONDS) {
    X509_STORE_free(trust->authorities);
    trust->authorities = NULL;
  }
  if (!trust->authorities) {
    trust->authorities = remote_read_authorities();
    trust->read_at = now.tv_sec;
  }
  X509_STORE *authorities = trust->authorities;
  if (authorities && !X509_STORE_up_ref(authorities)) authorities = NULL;
  pthread_mutex_unlock(&trust->mutex);
  return authorities;
}

static CURLcode use_authorities(CURL *curl, void *openssl, void *authorities) {
  (void)curl;
  SSL_CTX_set1_cert_store(openssl, authorities);
  return CURLE_OK;
}

// MARK: - Transfers

typedef struct {
  CURL *curl;
  const remote_image *image;
  const remote_image_functions *functions;
  remote_permission permission;
  int64_t taken;
  size_t ignored;
  bool is_not_public;
  bool is_too_large;
} transfer;

static curl_socket_t open_socket(
    void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  transfer *transfer = context;
  (void)purpose;
  if (transfer->permission != REMOTE_ANYWHERE && !is_public(address)) {
    transfer->is_not_public = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take(char *bytes, size_t size, size_t count, void *context) {
  transfer *transfer = context;
  const size_t total = size * count;
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  // For libcurl any other number than that of the bytes means to stop.
  if (status != 200) {
    transfer->ignored += total;
    return transfer->ignored > IGNORED_BYTE_LIMIT ? 0 : total;
  }
  if ((int64_t)total > transfer->image->byte_limit - transfer->taken) {
    transfer->is_too_large = true;
    return 0;
  }
  transfer->taken += (int64_t)total;
  return transfer->functions->take(transfer->functions->context, bytes, total) ? total : 0;
}

// Has the authorities used in place of libcurl's own; NULL for a transfer without TLS.
static CURLcode set_authorities(CURL *curl, X509_STORE *authorities) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
  if (!code && authorities) {
    code = curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, use_authorities);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, authorities);
  }
  return code;
}

static CURLcode set_options(transfer *transfer, const char *url, char *message) {
  CURL *curl = transfer->curl;
  const remote_image *image = transfer->image;
  CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_URL, url);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  // A proxy would hide the address from `open_socket`.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!code) code = curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  // Each transfer looks the name up, and its address is judged.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "resnetd");
  // Signals belong to the program, and it does not wait for a name that is being looked up.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, image->byte_limit);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, image->connect_timeout_ms);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, image->timeout_ms);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, image->stall_timeout_s);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
  return code;
}

static remote_image_result result_of(const transfer *transfer, CURLcode code) {
  switch (code) {
    case CURLE_OK: return REMOTE_IMAGE_ANSWERED;
    case CURLE_WRITE_ERROR:
      if (transfer->is_too_large) return REMOTE_IMAGE_TOO_LARGE;
      return transfer->ignored > 0 ? REMOTE_IMAGE_ANSWERED : REMOTE_IMAGE_STOPPED;
    case CURLE_FILESIZE_EXCEEDED: return REMOTE_IMAGE_TOO_LARGE;
    case CURLE_OPERATION_TIMEDOUT: return REMOTE_IMAGE_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK: return REMOTE_IMAGE_STOPPED;
    case CURLE_COULDNT_CONNECT:
      return transfer->is_not_public ? REMOTE_IMAGE_NOT_PUBLIC : REMOTE_IMAGE_FAILED;
    default: return REMOTE_IMAGE_FAILED;
  }
}

// Fetches one URL. Where it is redirected, `next` is the URL to go on with, for free().
static remote_image_result fetch(
    const char *url, remote_trust *trust, transfer *transfer, remote_image_answer *answer,
    char **next) {
  *next = NULL;
  const bool was_encrypted = answer->origin.is_encrypted;
  if (!remote_read_origin(url, &answer->origin)) return REMOTE_IMAGE_REFUSED;
  // A connection that was encrypted stays so.
  if (was_encrypted && !answer->origin.is_encrypted) return REMOTE_IMAGE_REFUSED;
  transfer->permission =
      transfer->functions->permit(transfer->functions->context, &answer->origin);
  if (transfer->permission == REMOTE_REFUSED) return REMOTE_IMAGE_REFUSED;
  X509_STORE *authorities = answer->origin.is_encrypted ? take_authorities(trust) : NULL;
  if (answer->origin.is_encrypted && !authorities) {
    snprintf(
        answer->message, sizeof answer->message, "%s",
        "the certificates of authorities cannot be read here, so that no server is trusted");
    return REMOTE_IMAGE_FAILED;
  }
  char message[CURL_ERROR_SIZE] = "";
  transfer->ignored = 0;
  CURLcode code = set_options(transfer, url, message);
  if (!code) code = set_authorities(transfer->curl, authorities);
  if (!code)
    code = remote_perform(
        transfer->curl, transfer->functions->stop, transfer->functions->context);
  X509_STORE_free(authorities);
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  answer->status = (int)status;
  const remote_image_result result = result_of(transfer, code);
  if (result == REMOTE_IMAGE_FAILED)
    snprintf(
        answer->message, sizeof answer->message, "%s",
        message[0] ? message : curl_easy_strerror(code));
  char *redirection = NULL;
  if (result == REMOTE_IMAGE_ANSWERED && status >= 300 && status < 400)
    curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &redirection);
  if (redirection) *next = strdup(redirection);
  // The buffer for messages ends here.
  curl_easy_setopt(transfer->curl, CURLOPT_ERRORBUFFER, NULL);
  return result;
}

remote_image_result remote_fetch_image(
    remote_trust *trust, const remote_image *image, const remote_image_functions *functions,
    remote_image_answer *answer) {
  memset(answer, 0, sizeof *answer);
  remote_answer start;
  CURL *curl = remote_start(&start);
  if (!curl) {
    snprintf(answer->message, sizeof answer->message, "%s", start.message);
    return REMOTE_IMAGE_FAILED;
  }
  transfer transfer = {.curl = curl, .image = image, .functions = functions};
  char *next = NULL;
  remote_image_result result = fetch(image->url, trust, &transfer, answer, &next);
  for (int count = 0; next && count < image->redirect_limit; count++) {
    char *url = next;
    result = fetch(url, trust, &transfer, answer, &next);
    free(url);
  }
  free(next);
  curl_easy_cleanup(curl);
  return result;
}
