#define _GNU_SOURCE
#include "CSockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int close_failed(int descriptor) {
  int code = errno;
  close(descriptor);
  errno = code;
  return -1;
}

int sockets_listener_create(const char *host, uint16_t port, int backlog, int *resolver) {
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  *resolver = getaddrinfo(host, service, &hints, &list);
  if (*resolver) return -2;
  int on = 1, off = 0;
  int listener = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // `::` means IPv4 as well, whatever net.ipv6.bindv6only says.
  if (listener >= 0 &&
      ((list->ai_family == AF_INET6 &&
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) ||
       setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
       bind(listener, list->ai_addr, list->ai_addrlen) != 0 || listen(listener, backlog) != 0))
    listener = close_failed(listener);
  int code = errno;
  freeaddrinfo(list);
  errno = code;
  return listener;
}

// Writes the address of a path; 0, or -1 with `errno` set.
static int local_address(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address->sun_path, path, strlen(path));
  return 0;
}

// Returns 1 for a socket that nobody listens on any more, 0 for nothing, or -1 with `errno` set.
static int find_stale(const struct sockaddr_un *address) {
  struct stat status;
  if (lstat(address->sun_path, &status) != 0) return errno == ENOENT ? 0 : -1;
  if (!S_ISSOCK(status.st_mode)) {
    errno = EEXIST;
    return -1;
  }
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return -1;
  int result = connect(probe, (const struct sockaddr *)address, sizeof *address);
  int code = result == 0 || errno == EAGAIN ? EADDRINUSE : errno;
  close(probe);
  if (code == ECONNREFUSED) return 1;
  errno = code;
  return -1;
}

int sockets_local_listener_create(const char *path, unsigned mode, int backlog) {
  struct sockaddr_un address;
  if (local_address(path, &address) != 0) return -1;
  const int stale = find_stale(&address);
  if (stale < 0 || (stale > 0 && unlink(path) != 0)) return -1;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  // On Linux the file gets the mode of the socket when it is bound, less what the process masks:
  // nobody can connect before it listens.
  if (fchmod(listener, 0) != 0 ||
      bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
      chmod(path, mode) != 0 || listen(listener, backlog) != 0)
    return close_failed(listener);
  return listener;
}

int sockets_local_listener_try(const char *path) {
  struct sockaddr_un address;
  if (local_address(path, &address) != 0 || find_stale(&address) < 0) return -1;
  // The folder in which the file would be made.
  char *folder = address.sun_path;
  char *slash = strrchr(folder, '/');
  if (!slash)
    strcpy(folder, ".");
  else if (slash == folder)
    slash[1] = '\0';
  else
    *slash = '\0';
  return access(folder, W_OK | X_OK);
}

int sockets_connect(const char *host, uint16_t port, int timeout_ms, int *resolver) {
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  *resolver = getaddrinfo(host, service, &hints, &list);
  if (*resolver) return -2;
  struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  int descriptor = -1;
  for (struct addrinfo *entry = list; entry && descriptor < 0; entry = entry->ai_next) {
    descriptor = socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    // On Linux the timeout for writing applies to connecting as well.
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        connect(descriptor, entry->ai_addr, entry->ai_addrlen) != 0)
      descriptor = close_failed(descriptor);
  }
  int code = errno;
  freeaddrinfo(list);
  errno = code;
  return descriptor;
}

const char *sockets_resolver_message(int code) {
  return gai_strerror(code);
}

uint16_t sockets_listener_port(int listener) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) return 0;
  if (address.ss_family == AF_UNIX) return 0;
  return ntohs(
      address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                    : ((struct sockaddr_in *)&address)->sin_port);
}

int sockets_listener_accept(int listener, sockets_address *address) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  int descriptor =
      accept4(listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (descriptor < 0) return -1;
  if (peer.ss_family == AF_UNIX) {
    struct ucred user = {.uid = (uid_t)-1};
    socklen_t size = sizeof user;
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &user, &size);
    snprintf(address->text, sizeof address->text, "unix:uid=%u", user.uid);
    return descriptor;
  }
  int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char host[64] = "", port[8] = "";
  getnameinfo(
      (struct sockaddr *)&peer, length, host, sizeof host, port, sizeof port,
      NI_NUMERICHOST | NI_NUMERICSERV);
  snprintf(
      address->text, sizeof address->text, peer.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
      port);
  return descriptor;
}

bool sockets_has_ended(int descriptor) {
  struct pollfd entry = {.fd = descriptor, .events = POLLRDHUP};
  return poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int sockets_peek(int descriptor) {
  unsigned char byte;
  return recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? byte : -1;
}

ptrdiff_t sockets_send(int descriptor, const void *bytes, size_t count) {
  return send(descriptor, bytes, count, MSG_NOSIGNAL);
}

int sockets_listener_inherit(int descriptor) {
  int kind = 0, listens = 0;
  socklen_t length = sizeof kind;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &length) != 0 || kind != SOCK_STREAM)
    return -1;
  length = sizeof listens;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || !listens)
    return -1;
  const int flags = fcntl(descriptor, F_GETFL);
  return flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
                 fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0
             ? -1
             : 0;
}

int sockets_datagram_send(const char *path, const void *bytes, size_t count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t path_count = strlen(path);
  if (path_count >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, path_count);
  if (path[0] == '@') address.sun_path[0] = 0;
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  // Whoever listens may have stopped to read.
  const struct timeval patience = {.tv_sec = 1};
  if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
    return close_failed(descriptor);
  const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_count);
  const ssize_t sent = sendto(
      descriptor, bytes, count, MSG_NOSIGNAL, (const struct sockaddr *)&address, length);
  if (sent < 0) return close_failed(descriptor);
  close(descriptor);
  return 0;
}

int sockets_poller_create(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

static int poller_control(int poller, int operation, int descriptor, unsigned readiness) {
  struct epoll_event event = {.data.fd = descriptor};
  if (readiness & SOCKETS_READABLE) event.events |= EPOLLIN;
  if (readiness & SOCKETS_WRITABLE) event.events |= EPOLLOUT;
  return epoll_ctl(poller, operation, descriptor, &event);
}

int sockets_poller_add(int poller, int descriptor, unsigned readiness) {
  return poller_control(poller, EPOLL_CTL_ADD, descriptor, readiness);
}

int sockets_poller_change(int poller, int descriptor, unsigned readiness) {
  return poller_control(poller, EPOLL_CTL_MOD, descriptor, readiness);
}

int sockets_poller_remove(int poller, int descriptor) {
  return poller_control(poller, EPOLL_CTL_DEL, descriptor, 0);
}

int sockets_poller_events(int poller, sockets_event *events, int capacity) {
  enum { LIMIT = 64 };
  struct epoll_event found[LIMIT];
  int count = epoll_wait(poller, found, capacity < LIMIT ? capacity : LIMIT, 0);
  for (int i = 0; i < count; i++) {
    unsigned events_found = found[i].events;
    events[i].descriptor = found[i].data.fd;
    events[i].readiness = (events_found & EPOLLIN ? SOCKETS_READABLE : 0) |
                          (events_found & EPOLLOUT ? SOCKETS_WRITABLE : 0) |
                          (events_found & (EPOLLERR | EPOLLHUP) ? SOCKETS_BROKEN : 0);
  }
  return count < 0 ? 0 : count;
}
