// Fetches from a server of this process by CCurl, and asks it about addresses and URLs.
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CCurl.h"
#include "driver.h"

static const struct {
  uint8_t bytes[16];
  size_t byte_count;
  bool is_public;
} addresses[] = {
    {{8, 8, 8, 8}, 4, true},      {{127, 0, 0, 1}, 4, false},   {{10, 200, 1, 1}, 4, false},
    {{192, 168, 1, 1}, 4, false}, {{172, 31, 255, 255}, 4, false}, {{172, 32, 0, 1}, 4, true},
    {{169, 254, 169, 254}, 4, false}, {{224, 0, 0, 1}, 4, false}, {{0}, 16, false},
    {{[15] = 1}, 16, false}, {{0xFE, 0x80, [15] = 1}, 16, false}, {{0xFD, [15] = 1}, 16, false},
    {{0x2A, 0x00, 0x14, 0x50, [15] = 1}, 16, true},
    {{[10] = 0xFF, 0xFF, 127, 0, 0, 1}, 16, false},
};

static const char *const urls[] = {
    "http://example.org/a", "https://EXAMPLE.org:8443/a?b", "http://[2001:db8::1]:80/",
    "http://user@example.org/", "ftp://example.org/", "http://0x7f.1/", "http://\xC3\xBC.org/",
    "http://\xFF\xFE/", "nothing"};

// Answers each connection with one body, and ends at the descriptor's end.
static void *serve(void *context) {
  const int listener = *(int *)context;
  for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client)) {
    char request[4096];
    size_t count = 0;
    while (count < sizeof request - 1) {
      const ssize_t part = recv(client, request + count, sizeof request - 1 - count, 0);
      if (part <= 0) break;
      count += (size_t)part;
      request[count] = 0;
      if (strstr(request, "\r\n\r\n")) break;
    }
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n"
        "caf\xC3\xA9 1234";
    static const char missing[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    if (strncmp(request, "GET /file ", 10) == 0)
      send(client, answer, sizeof answer - 1, MSG_NOSIGNAL);
    else
      send(client, missing, sizeof missing - 1, MSG_NOSIGNAL);
  }
  return NULL;
}

static bool sink(
    void *context, const void *bytes, size_t count, const remote_body *body, bool is_first) {
  uint64_t *sum = context;
  if (is_first)
    printf(
        "body from %lld of %lld, %s\n", (long long)body->start, (long long)body->announced,
        body->etag);
  *sum = digest(*sum, bytes, count);
  return true;
}

static bool never(void *context) {
  (void)context;
  return false;
}

static void fetch(uint16_t port, const char *path, int status) {
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/%s", port, path);
  const remote_request request = {
      .url = url, .connect_timeout_ms = 20000, .timeout_ms = 60000, .stall_timeout_s = 60};
  remote_answer answer = {0};
  uint64_t sum = no_bytes_digest;
  require(
      remote_fetch(&request, sink, never, &sum, &answer) == 0, "nothing is fetched: %s",
      answer.message);
  require(answer.status == status, "%s: %d", path, answer.status);
  printf("%s: %d %s %016llx\n", path, answer.status, answer.etag, (unsigned long long)sum);
}

int main(void) {
  for (size_t index = 0; index < sizeof addresses / sizeof addresses[0]; index++)
    require(
        remote_is_public(addresses[index].bytes, addresses[index].byte_count) ==
            addresses[index].is_public,
        "address %zu is taken for another kind", index);
  for (size_t index = 0; index < sizeof urls / sizeof urls[0]; index++) {
    remote_origin origin = {0};
    const bool is_read = remote_read_origin(urls[index], &origin);
    printf("%s: %d %d %s %d\n", urls[index], is_read, origin.is_encrypted, origin.host,
           origin.port);
  }
  setenv("no_proxy", "*", 1);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  require(
      bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 4) == 0 &&
          getsockname(listener, (struct sockaddr *)&address, &length) == 0,
      "no listener");
  pthread_t server;
  require(pthread_create(&server, NULL, serve, &listener) == 0, "no thread");
  fetch(ntohs(address.sin_port), "file", 200);
  fetch(ntohs(address.sin_port), "nothing", 404);
  shutdown(listener, SHUT_RDWR);
  pthread_join(server, NULL);
  close(listener);
}
