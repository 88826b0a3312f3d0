// Stream sockets that never block and are not inherited, without the system's unions and macros.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { SOCKETS_ADDRESS_BYTE_COUNT = 80 };

// `address:port`, IPv6 in brackets, or by a Unix socket `unix:uid=USER`, terminated by NUL.
typedef struct {
  char text[SOCKETS_ADDRESS_BYTE_COUNT];
} sockets_address;

// Listens on the first address that `host` resolves to. A descriptor, or -1 with `errno` set, or -2
// with the resolver's code in `resolver`.
int sockets_listener_create(const char *host, uint16_t port, int backlog, int *resolver);

// Listens on a Unix socket at `path`, which this user alone may connect to; one that a program has
// left behind is taken away first. A descriptor, or -1 with `errno` set: EADDRINUSE where another
// program listens there, EEXIST where something else is there.
int sockets_local_listener_create(const char *path, int backlog);

// A blocking connection whose reads and writes give up after `timeout_ms`; fails as the
// listener does.
int sockets_connect(const char *host, uint16_t port, int timeout_ms, int *resolver);

// A resolver's code in words.
const char *sockets_resolver_message(int code);

// The port a listener has, 0 when that cannot be told or it has none.
uint16_t sockets_listener_port(int listener);

// The next waiting connection with TCP_NODELAY, or -1 with `errno` set.
int sockets_listener_accept(int listener, sockets_address *address);

// As `send`, but a connection that is gone is an error and not a signal.
ptrdiff_t sockets_send(int descriptor, const void *bytes, size_t count);

// What a descriptor is ready for, or is waited for with. Broken ones are reported in any case.
enum { SOCKETS_READABLE = 1, SOCKETS_WRITABLE = 2, SOCKETS_BROKEN = 4 };

typedef struct {
  int descriptor;
  unsigned readiness;
} sockets_event;

// A descriptor that is readable while one of those it is told of is ready, or -1 with `errno` set.
// Closing a descriptor takes it out.
int sockets_poller_create(void);

// Waits for a descriptor from now on, or for something else; -1 with `errno` set when it cannot.
int sockets_poller_add(int poller, int descriptor, unsigned readiness);
int sockets_poller_change(int poller, int descriptor, unsigned readiness);

// Fills in which descriptors are ready now and returns how many; waits for none.
int sockets_poller_events(int poller, sockets_event *events, int capacity);

#pragma clang assume_nonnull end
