#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct remote_connection {
  CURL *curl;
  // Keeps the connections, which belong to the transfers of one multi handle.
  CURLM *multi;
};

typedef struct {
  CURL *curl;
  remote_object_sink sink;
  void *context;
} exchange;

remote_connection *remote_connection_open(void) {
  remote_connection *connection = calloc(1, sizeof *connection);
  if (!connection) return NULL;
  remote_answer answer;
  connection->curl = remote_start(&answer);
  connection->multi = connection->curl ? curl_multi_init() : NULL;
  if (connection->multi) return connection;
  remote_connection_close(connection);
  return NULL;
}

void remote_connection_close(remote_connection *connection) {
  if (connection->curl) curl_easy_cleanup(connection->curl);
  if (connection->multi) curl_multi_cleanup(connection->multi);
  free(connection);
}

static size_t take(char *bytes, size_t size, size_t count, void *context) {
  exchange *exchange = context;
  size_t total = size * count;
  long status = 0;
  curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
  // For libcurl any other number than that of the bytes means to stop.
  return exchange->sink(exchange->context, (int)status, bytes, total) ? total : !total;
}

// Sets the fields; libcurl before 8 signs those with an empty value too, which are never sent, so
// that there must be none.
static CURLcode set_fields(
    CURL *curl, const remote_object *object, struct curl_slist **list) {
  const struct {
    const char *name, *value;
  } fields[] = {
      {"Content-Type", object->content_type},
      {"If-None-Match", object->creates ? "*" : NULL},
      {"x-amz-checksum-sha256", object->checksum},
      {"x-amz-content-sha256", object->signature ? object->digest : NULL},
      {"x-amz-security-token", object->signature ? object->session_token : NULL},
  };
  for (size_t index = 0; index < sizeof fields / sizeof *fields; index++)
    if (fields[index].value &&
        !remote_add_field(list, fields[index].name, fields[index].value))
      return CURLE_OUT_OF_MEMORY;
  for (size_t index = 0; index < object->field_count; index++) {
    struct curl_slist *longer = curl_slist_append(*list, object->fields[index]);
    if (!longer) return CURLE_OUT_OF_MEMORY;
    *list = longer;
  }
  return *list ? curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *list) : CURLE_OK;
}

static CURLcode set_body(CURL *curl, const remote_object *object) {
  if (!object->body) return CURLE_OK;
  CURLcode code = curl_easy_setopt(
      curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)object->body_byte_count);
  // In memory, so that it can be sent again on another connection; libcurl does not copy it.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, object->body);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, object->method);
  return code;
}

static CURLcode set_request(
    CURL *curl, const remote_object *object, struct curl_slist **list) {
  CURLcode code = remote_set_authorities(curl);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_URL, object->url);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  if (!code) code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "resnetd");
  if (!code)
    code = remote_set_times(
        curl, object->connect_timeout_ms, object->timeout_ms, object->stall_timeout_s);
  if (!code && object->signature && object->key && object->secret)
    code = remote_set_signature(curl, object->signature, object->key, object->secret);
  if (!code) code = set_body(curl, object);
  if (!code) code = set_fields(curl, object, list);
  return code;
}

static void read_answer(CURL *curl, remote_object_answer *answer) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer->status = (int)status;
  curl_off_t seconds = 0;
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
  answer->retry_after_s = seconds;
  struct curl_header *header = NULL;
  if (curl_easy_header(curl, "x-amz-bucket-region", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return;
  size_t length = strlen(header->value);
  if (length < sizeof answer->region) memcpy(answer->region, header->value, length + 1);
}

int remote_connection_ask(
    remote_connection *connection, const remote_object *object, remote_object_sink sink,
    remote_stop stop, void *context, remote_object_answer *answer) {
  memset(answer, 0, sizeof *answer);
  CURL *curl = connection->curl;
  char message[CURL_ERROR_SIZE] = "";
  struct curl_slist *list = NULL;
  exchange exchange = {.curl = curl, .sink = sink, .context = context};
  CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  if (!code) code = set_request(curl, object, &list);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  if (!code) code = remote_perform_among(connection->multi, curl, stop, context);
  if (code) {
    remote_hide_password(message);
    snprintf(
        answer->message, sizeof answer->message, "%s",
        message[0] ? message : curl_easy_strerror(code));
    answer->is_untrusted = remote_is_untrusted(code);
  }
  read_answer(curl, answer);
  // Forgets the buffer and the fields, which end here, and no connection.
  curl_easy_reset(curl);
  curl_slist_free_all(list);
  return code ? -1 : 0;
}
