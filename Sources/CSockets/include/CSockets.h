// Stream sockets that never block and are not inherited, without the system's unions and macros.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { SOCKETS_ADDRESS_BYTE_COUNT = 80 };

// `address:port`, IPv6 in brackets, or at a Unix socket `unix:uid=USER`, terminated by NUL.
typedef struct {
  char text[SOCKETS_ADDRESS_BYTE_COUNT];
} sockets_address;

// Listens on the first address that `host` resolves to. Returns a descriptor, which the caller
// closes, or -1 with `errno` set, or -2 with the resolver's code in `resolver`.
int sockets_listener_create(const char *host, uint16_t port, int backlog, int *resolver);

// Listens on a Unix socket at `path`; `mode` has the permissions to connect to it. A socket there
// that nobody listens on any more is removed first. Returns a descriptor, or -1 with `errno` set:
// EADDRINUSE where another program listens there, EEXIST where the file there is not a socket.
int sockets_local_listener_create(const char *path, unsigned mode, int backlog);

// Whether that could be done now, as far as can be told without a change to the disk: 0, or -1 with
// `errno` as above.
int sockets_local_listener_try(const char *path);

// Makes a descriptor that the process was started with ready for use: it must be a stream socket
// that listens. -1 where it is not.
int sockets_listener_inherit(int descriptor);

// Sends one datagram to a Unix socket, whose path may begin with `@` for the abstract namespace
// (unix(7)); -1 with `errno` set where that fails, or nobody takes it within a second.
int sockets_datagram_send(const char *path, const void *bytes, size_t count);

// Makes a blocking connection whose reads and writes give up after `timeout_ms`; fails as the
// listener does.
int sockets_connect(const char *host, uint16_t port, int timeout_ms, int *resolver);

// Returns a resolver's code in words; the string is static.
const char *sockets_resolver_message(int code);

// Returns the port of a listener, 0 where it has none or that cannot be told.
uint16_t sockets_listener_port(int listener);

// Accepts the next waiting connection, with TCP_NODELAY; -1 with `errno` set where that fails.
int sockets_listener_accept(int listener, sockets_address *address);

// Whether the other side has closed the connection, or its half of it.
bool sockets_has_ended(int descriptor);

// Returns the first byte that waits to be read, and leaves it there; -1 where there is none.
int sockets_peek(int descriptor);

// Sends like `send`, except that a connection that is gone is an error and not a signal.
ptrdiff_t sockets_send(int descriptor, const void *bytes, size_t count);

// Readiness that a descriptor has, or is watched for. Broken ones are reported in any case.
enum { SOCKETS_READABLE = 1, SOCKETS_WRITABLE = 2, SOCKETS_BROKEN = 4 };

typedef struct {
  int descriptor;
  unsigned readiness;
} sockets_event;

// Makes a descriptor that is readable while one of those it watches is ready; -1 with `errno` set
// where that fails. Closing a descriptor ends the watch over it.
int sockets_poller_create(void);

// Watches a descriptor from now on, or for another readiness; -1 with `errno` set where it cannot.
int sockets_poller_add(int poller, int descriptor, unsigned readiness);
int sockets_poller_change(int poller, int descriptor, unsigned readiness);

// Ends the watch over a descriptor that stays open.
int sockets_poller_remove(int poller, int descriptor);

// Fills in the descriptors that are ready now and returns how many; waits for none.
int sockets_poller_events(int poller, sockets_event *events, int capacity);

#pragma clang assume_nonnull end
