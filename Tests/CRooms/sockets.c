// Speaks over the loopback and over Unix sockets by CSockets.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "CSockets.h"
#include "driver.h"

static unsigned readiness(int poller, int descriptor) {
  sockets_event events[4];
  const int count = sockets_poller_events(poller, events, 4);
  for (int index = 0; index < count; index++)
    if (events[index].descriptor == descriptor) return events[index].readiness;
  return 0;
}

// Waits until a descriptor is ready: what a peer has done arrives a moment later.
static void wait_for(int poller, int descriptor, unsigned wanted) {
  for (int turn = 0; turn < 10000; turn++) {
    if (readiness(poller, descriptor) & wanted) return;
    usleep(1000);
  }
  fail(__FILE__, __LINE__, "descriptor %d does not become ready", descriptor);
}

static void converse(int listener, int client, const char *prefix) {
  const int poller = sockets_poller_create();
  require(poller >= 0, "no poller");
  require(sockets_poller_add(poller, listener, SOCKETS_READABLE) == 0, "the listener is refused");
  wait_for(poller, listener, SOCKETS_READABLE);
  sockets_address address = {0};
  const int server = sockets_listener_accept(listener, &address);
  require(server >= 0, "nobody is accepted: %s", strerror(errno));
  require(
      strncmp(address.text, prefix, strlen(prefix)) == 0, "%s does not begin with %s",
      address.text, prefix);
  require(sockets_poller_remove(poller, listener) == 0, "the listener is still watched");
  require(sockets_poller_add(poller, server, SOCKETS_WRITABLE) == 0, "the server is refused");
  wait_for(poller, server, SOCKETS_WRITABLE);
  require(sockets_poller_change(poller, server, SOCKETS_READABLE) == 0, "no change");
  require(readiness(poller, server) == 0 && sockets_peek(server) == -1, "nothing was sent");
  require(sockets_send(client, "\xC3\xA9", 2) == 2, "nothing is sent");
  wait_for(poller, server, SOCKETS_READABLE);
  require(sockets_peek(server) == 0xC3 && sockets_peek(server) == 0xC3, "another byte waits");
  char bytes[8];
  require(read(server, bytes, sizeof bytes) == 2, "other bytes come");
  require(!sockets_has_ended(server), "the client has not ended");
  close(client);
  wait_for(poller, server, SOCKETS_READABLE | SOCKETS_BROKEN);
  require(sockets_has_ended(server), "the client has ended");
  // An error and not a signal, once the other side has said that it is gone.
  ptrdiff_t sent = 0;
  for (int turn = 0; turn < 1000 && sent >= 0; turn++) {
    sent = sockets_send(server, bytes, 1);
    usleep(1000);
  }
  require(sent < 0 && (errno == EPIPE || errno == ECONNRESET), "sent: %td", sent);
  close(server);
  close(poller);
  printf("%s: accepted, sent, ended\n", prefix);
}

static void over_tcp(const char *host, const char *prefix) {
  int resolver = 0;
  const int listener = sockets_listener_create(host, 0, 4, &resolver);
  if (listener == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
    printf("%s: not here\n", prefix);
    return;
  }
  require(listener >= 0, "%s: %s", host, strerror(errno));
  require(sockets_listener_inherit(listener) == 0, "a listener can be inherited");
  const uint16_t port = sockets_listener_port(listener);
  require(port != 0, "no port");
  const int client = sockets_connect(host, port, 5000, &resolver);
  require(client >= 0, "%s: no connection: %s", host, strerror(errno));
  require(sockets_listener_inherit(client) == -1, "a connection is not a listener");
  converse(listener, client, prefix);
  close(listener);
  require(
      sockets_connect(host, port, 1000, &resolver) == -1 && errno == ECONNREFUSED,
      "nobody listens any more");
}

static int connect_local(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  const int client = socket(AF_UNIX, SOCK_STREAM, 0);
  require(
      connect(client, (struct sockaddr *)&address, sizeof address) == 0, "%s: %s", path,
      strerror(errno));
  return client;
}

static void over_unix(void) {
  char folder[] = "/tmp/rooms-XXXXXX", path[64], prefix[32];
  require(mkdtemp(folder), "no folder");
  snprintf(path, sizeof path, "%s/socket", folder);
  snprintf(prefix, sizeof prefix, "unix:uid=%u", geteuid());
  const int listener = sockets_local_listener_create(path, 0600, 4);
  require(listener >= 0, "%s: %s", path, strerror(errno));
  struct stat status;
  require(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "other permissions");
  converse(listener, connect_local(path), prefix);
  require(
      sockets_local_listener_create(path, 0600, 4) == -1 && errno == EADDRINUSE,
      "two listeners at one path");
  close(listener);
  const int second = sockets_local_listener_create(path, 0600, 4);
  require(second >= 0, "a stale socket stays");
  close(second);
  unlink(path);
  const int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  require(bind(receiver, (struct sockaddr *)&address, sizeof address) == 0, "no receiver");
  char bytes[16];
  require(
      sockets_datagram_send(path, "READY=1", 7) == 0 && recv(receiver, bytes, 16, 0) == 7 &&
          memcmp(bytes, "READY=1", 7) == 0,
      "no datagram arrives");
  close(receiver);
  unlink(path);
  rmdir(folder);
}

int main(void) {
  over_tcp("127.0.0.1", "127.0.0.1:");
  over_tcp("::1", "[::1]:");
  over_unix();
  int resolver = 0;
  require(
      sockets_listener_create("not an address", 0, 1, &resolver) == -2 && resolver != 0 &&
          sockets_resolver_message(resolver)[0] != 0,
      "what is not an address is resolved");
}
