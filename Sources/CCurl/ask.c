#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const remote_question *question;
  remote_receiver receiver;
  remote_progress progress;
  void *context;
  int64_t sent;
  int fault;
  bool is_refused;
  bool is_stopped;
} exchange;

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
  exchange *exchange = context;
  size_t total = size * count;
  exchange->is_refused = !exchange->receiver(exchange->context, bytes, total);
  // For libcurl any other number than that of the bytes means to stop.
  return exchange->is_refused ? !total : total;
}

static size_t send_file(char *bytes, size_t size, size_t count, void *context) {
  exchange *exchange = context;
  ssize_t length;
  do {
    length = read(exchange->question->file, bytes, size * count);
  } while (length < 0 && errno == EINTR);
  if (length < 0) {
    exchange->fault = errno;
    return CURL_READFUNC_ABORT;
  }
  exchange->sent += length;
  return (size_t)length;
}

static int advance(
    void *context, curl_off_t wanted, curl_off_t received, curl_off_t total, curl_off_t sent) {
  (void)wanted;
  (void)received;
  (void)total;
  (void)sent;
  exchange *exchange = context;
  exchange->is_stopped = !exchange->progress(exchange->context, exchange->sent);
  return exchange->is_stopped;
}

static CURLcode set_tls(CURL *curl, const remote_question *question) {
  CURLcode code = question->authorities
                      ? remote_set_only_authorities(curl, question->authorities)
                      : remote_set_authorities(curl);
  if (!code && question->authorities && question->takes_any_name)
    code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  if (!code && question->client_certificate)
    code = curl_easy_setopt(curl, CURLOPT_SSLCERT, question->client_certificate);
  if (!code && question->client_key)
    code = curl_easy_setopt(curl, CURLOPT_SSLKEY, question->client_key);
  return code;
}

static CURLcode set_connection(CURL *curl, const remote_question *question) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, question->url);
  const char *scheme = question->has_tls ? "https" : "http";
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, scheme);
  if (!code && question->has_tls) code = set_tls(curl, question);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  if (!code) code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "resnetd");
  if (!code) code = curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  // Signals belong to the program.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (!code)
    code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, question->connect_timeout_ms);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, question->timeout_ms);
  if (!code && question->socket_path)
    code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, question->socket_path);
  return code;
}

static CURLcode set_body(CURL *curl, exchange *exchange) {
  const remote_question *question = exchange->question;
  CURLcode code = CURLE_OK;
  if (question->file >= 0) {
    code = curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    if (!code)
      code = curl_easy_setopt(
          curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)question->file_byte_count);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_file);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
  } else if (strcmp(question->method, "GET") != 0) {
    code = curl_easy_setopt(
        curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)question->body_byte_count);
    if (!code)
      code = curl_easy_setopt(
          curl, CURLOPT_COPYPOSTFIELDS, question->body ? question->body : "");
  }
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, question->method);
  return code;
}

static CURLcode set_fields(
    CURL *curl, const remote_question *question, struct curl_slist **list) {
  const struct {
    const char *name, *value;
  } fields[] = {
      {"Authorization", question->authorization},
      {"Content-Digest", question->content_digest},
      {"If-Match", question->if_match},
      // So a refusal comes before the bytes, and is not lost among them.
      {"Expect", question->file >= 0 ? "100-continue" : NULL},
  };
  for (size_t index = 0; index < sizeof fields / sizeof *fields; index++)
    if (fields[index].value &&
        !remote_add_field(list, fields[index].name, fields[index].value))
      return CURLE_OUT_OF_MEMORY;
  if (question->content_type) {
    if (!remote_add_field(list, "Content-Type", question->content_type))
      return CURLE_OUT_OF_MEMORY;
  } else {
    // A name without a value keeps libcurl from sending its own, which would be that of a form.
    struct curl_slist *longer = curl_slist_append(*list, "Content-Type:");
    if (!longer) return CURLE_OUT_OF_MEMORY;
    *list = longer;
  }
  return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *list);
}

static const char *reason_of(
    CURL *curl, const exchange *exchange, CURLcode code, const char message[CURL_ERROR_SIZE]) {
  if (exchange->is_stopped) return "it was ended by a signal before there was an answer";
  if (exchange->is_refused) return "the answer is too long";
  if (exchange->fault) return strerror(exchange->fault);
  if (code == CURLE_COULDNT_CONNECT) {
    // libcurl's message names the host and port of the URL, which a Unix socket does not have.
    long number = 0;
    if (curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number != 0)
      return strerror((int)number);
    return curl_easy_strerror(code);
  }
  return message[0] ? message : curl_easy_strerror(code);
}

int remote_ask(
    const remote_question *question, remote_receiver receiver, remote_progress progress,
    void *context, remote_answer *answer) {
  CURL *curl = remote_start(answer);
  if (!curl) return -1;
  char message[CURL_ERROR_SIZE] = "";
  struct curl_slist *list = NULL;
  struct curl_slist *places =
      question->connect_to ? curl_slist_append(NULL, question->connect_to) : NULL;
  exchange exchange = {
      .question = question, .receiver = receiver, .progress = progress, .context = context};
  CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  if (!code) code = set_connection(curl, question);
  if (!code && question->connect_to)
    code = places ? curl_easy_setopt(curl, CURLOPT_CONNECT_TO, places) : CURLE_OUT_OF_MEMORY;
  if (!code) code = set_body(curl, &exchange);
  if (!code) code = set_fields(curl, question, &list);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, advance);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  if (!code) code = curl_easy_perform(curl);
  if (code)
    snprintf(
        answer->message, sizeof answer->message, "%s", reason_of(curl, &exchange, code, message));
  else
    remote_read_answer(curl, answer);
  curl_easy_cleanup(curl);
  curl_slist_free_all(list);
  curl_slist_free_all(places);
  return code ? -1 : 0;
}
