#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  STALL_BYTES_PER_SECOND = 1024,
  // Bytes read of a body that is not a model: its status says enough, the rest is not waited for.
  IGNORED_BYTE_LIMIT = 1 << 20,
  // Time between two questions whether to go on.
  STOP_INTERVAL_MS = 50,
};

// SHA-256 of the empty body of a GET.
#define DIGEST_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct {
  CURL *curl;
  remote_sink sink;
  void *context;
  int64_t offset;
  size_t ignored;
  // Whether the first bytes have come.
  bool is_begun;
  remote_body body;
  const char *fault;
} transfer;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode initialized;

static void initialize(void) { initialized = curl_global_init(CURL_GLOBAL_DEFAULT); }

CURL *remote_start(remote_answer *answer) {
  memset(answer, 0, sizeof *answer);
  pthread_once(&once, initialize);
  CURL *curl = initialized ? NULL : curl_easy_init();
  if (!curl) snprintf(answer->message, sizeof answer->message, "libcurl cannot be started");
  return curl;
}

void remote_read_etag(CURL *curl, char etag[REMOTE_ETAG_BYTE_COUNT]) {
  struct curl_header *header = NULL;
  if (curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return;
  size_t length = strlen(header->value);
  if (length < REMOTE_ETAG_BYTE_COUNT) memcpy(etag, header->value, length + 1);
}

// Reads `bytes FIRST-LAST/LENGTH`, where the length is `*` if it is not known (RFC 9110, section
// 14.4).
static bool read_range(CURL *curl, remote_body *body) {
  struct curl_header *header = NULL;
  if (curl_easy_header(curl, "Content-Range", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return false;
  const char *prefix = "bytes ";
  size_t prefix_length = strlen(prefix);
  if (strncasecmp(header->value, prefix, prefix_length) != 0) return false;
  const char *text = header->value + prefix_length;
  int64_t numbers[3] = {0, 0, -1};
  for (int index = 0; index < 3; index++) {
    if (index == 2 && strcmp(text, "*") == 0) break;
    // strtoll alone would take space and signs.
    if (*text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    numbers[index] = strtoll(text, &end, 10);
    if (errno || *end != "-/"[index]) return false;
    text = end + 1;
  }
  body->start = numbers[0];
  body->announced = numbers[2];
  return numbers[0] <= numbers[1] && (numbers[2] < 0 || numbers[1] < numbers[2]);
}

// Notes the first bytes of a body; false where the body is not the one that was asked for.
static bool begin(transfer *transfer, long status) {
  remote_body *body = &transfer->body;
  remote_read_etag(transfer->curl, body->etag);
  if (status == 206) {
    if (read_range(transfer->curl, body) && body->start == transfer->offset) return true;
    transfer->fault = "the server sent another range than was asked for";
    return false;
  }
  curl_off_t announced = -1;
  curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  body->announced = announced;
  return true;
}

static bool has_enough(const transfer *transfer) {
  return transfer->ignored > IGNORED_BYTE_LIMIT;
}

static size_t take(char *bytes, size_t size, size_t count, void *context) {
  transfer *transfer = context;
  size_t total = size * count;
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 && !(status == 206 && transfer->offset > 0)) {
    transfer->ignored += total;
    return has_enough(transfer) ? 0 : total;
  }
  // For libcurl any other number than that of the bytes means to stop.
  if (total == 0) return 0;
  bool is_first = !transfer->is_begun;
  if (is_first && !begin(transfer, status)) return 0;
  transfer->is_begun = true;
  return transfer->sink(transfer->context, bytes, total, &transfer->body, is_first) ? total : 0;
}

bool remote_add_field(struct curl_slist **list, const char *name, const char *value) {
  char line[8192];
  int length = snprintf(line, sizeof line, "%s: %s", name, value);
  if (length < 0 || (size_t)length >= sizeof line) return false;
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (!longer) return false;
  *list = longer;
  return true;
}

CURLcode remote_set_times(CURL *curl, long connect_ms, long whole_ms, long stall_s) {
  // Signals belong to the program.
  CURLcode code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, whole_ms);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_s);
  return code;
}

CURLcode remote_set_signature(
    CURL *curl, const char *signature, const char *key, const char *secret) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, signature);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_USERNAME, key);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PASSWORD, secret);
  return code;
}

static CURLcode set_limits(CURL *curl, const remote_request *request) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  // A connection that was encrypted stays so.
  bool is_encrypted = strncmp(request->url, "https:", 6) == 0;
  if (!code)
    code = curl_easy_setopt(
        curl, CURLOPT_REDIR_PROTOCOLS_STR, is_encrypted ? "https" : "http,https");
  if (!code) code = curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request->redirect_limit > 0);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_MAXREDIRS, request->redirect_limit);
  if (!code)
    code = remote_set_times(
        curl, request->connect_timeout_ms, request->timeout_ms, request->stall_timeout_s);
  return code;
}

static CURLcode set_request(
    CURL *curl, const remote_request *request, struct curl_slist **headers) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "resnetd");
  if (!code && request->signature && request->key && request->secret) {
    code = remote_set_signature(curl, request->signature, request->key, request->secret);
    // S3 demands it; libcurl before 8 does not send it by itself.
    if (!code && !remote_add_field(headers, "x-amz-content-sha256", DIGEST_OF_NOTHING))
      code = CURLE_OUT_OF_MEMORY;
    if (!code && request->session_token &&
        !remote_add_field(headers, "x-amz-security-token", request->session_token))
      code = CURLE_OUT_OF_MEMORY;
  }
  if (!code && request->etag && !remote_add_field(headers, "If-None-Match", request->etag))
    code = CURLE_OUT_OF_MEMORY;
  if (!code && request->offset > 0) {
    // CURLOPT_RESUME_FROM_LARGE would refuse the whole file, which is sent where it has changed.
    char range[32];
    snprintf(range, sizeof range, "%" PRId64 "-", request->offset);
    code = curl_easy_setopt(curl, CURLOPT_RANGE, range);
    if (!code && request->if_range && !remote_add_field(headers, "If-Range", request->if_range))
      code = CURLE_OUT_OF_MEMORY;
  }
  if (!code && *headers) code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
  return code;
}

void remote_read_answer(CURL *curl, remote_answer *answer) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer->status = (int)status;
  remote_read_etag(curl, answer->etag);
}

// Returns the result of a transfer that has ended.
static CURLcode result_of(CURLM *multi) {
  int left = 0;
  const CURLMsg *message = curl_multi_info_read(multi, &left);
  return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
}

CURLcode remote_perform_among(CURLM *multi, CURL *curl, remote_stop stop, void *context) {
  CURLMcode code = curl_multi_add_handle(multi, curl);
  int running = 1;
  bool is_stopped = false;
  while (!code && running && !is_stopped) {
    code = curl_multi_perform(multi, &running);
    if (!code && running) code = curl_multi_poll(multi, NULL, 0, STOP_INTERVAL_MS, NULL);
    is_stopped = running && stop(context);
  }
  CURLcode result = CURLE_FAILED_INIT;
  if (is_stopped) {
    result = CURLE_ABORTED_BY_CALLBACK;
    // Does not wait for a name that is being looked up.
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
  } else if (!code) {
    result = result_of(multi);
  }
  curl_multi_remove_handle(multi, curl);
  return result;
}

// curl_easy_perform would notice only once a second that it must stop.
CURLcode remote_perform(CURL *curl, remote_stop stop, void *context) {
  CURLM *multi = curl_multi_init();
  if (!multi) return CURLE_OUT_OF_MEMORY;
  CURLcode result = remote_perform_among(multi, curl, stop, context);
  curl_multi_cleanup(multi);
  return result;
}

void remote_hide_password(char message[CURL_ERROR_SIZE]) {
  char *quote = strchr(message, '\'');
  if (quote && strchr(quote, '@'))
    snprintf(quote, (size_t)(message + CURL_ERROR_SIZE - quote), "...");
}

bool remote_is_untrusted(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR;
}

int remote_fetch(
    const remote_request *request, remote_sink sink, remote_stop stop, void *context,
    remote_answer *answer) {
  CURL *curl = remote_start(answer);
  if (!curl) return -1;
  char message[CURL_ERROR_SIZE] = "";
  struct curl_slist *headers = NULL;
  transfer transfer = {
      .curl = curl, .sink = sink, .context = context, .offset = request->offset};
  CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  if (!code) code = remote_set_authorities(curl);
  if (!code) code = set_limits(curl, request);
  if (!code) code = set_request(curl, request, &headers);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (!code) code = remote_perform(curl, stop, context);
  if (code == CURLE_WRITE_ERROR && has_enough(&transfer)) code = CURLE_OK;
  if (code) {
    remote_hide_password(message);
    snprintf(
        answer->message, sizeof answer->message, "%s",
        transfer.fault ? transfer.fault
        : message[0]   ? message
                       : curl_easy_strerror(code));
    answer->is_untrusted = remote_is_untrusted(code);
    answer->is_misdirected = code == CURLE_TOO_MANY_REDIRECTS ||
                             code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
  } else {
    remote_read_answer(curl, answer);
  }
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  return code ? -1 : 0;
}

const char *remote_library_version(void) { return curl_version_info(CURLVERSION_NOW)->version; }
