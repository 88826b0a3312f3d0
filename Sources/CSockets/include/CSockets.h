// Stream sockets that never block and are not inherited, without the system's unions and macros.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { SOCKETS_ADDRESS_BYTE_COUNT = 80 };

// `address:port`, IPv6 in brackets, terminated by NUL.
typedef struct {
  char text[SOCKETS_ADDRESS_BYTE_COUNT];
} sockets_address;

// Listens on the first address that `host` resolves to. A descriptor, or -1 with `errno` set, or -2
// with the resolver's code in `resolver`.
int sockets_listener_create(const char *host, uint16_t port, int backlog, int *resolver);

// A blocking connection whose reads and writes give up after `timeout_ms`; fails as the
// listener does.
int sockets_connect(const char *host, uint16_t port, int timeout_ms, int *resolver);

// A resolver's code in words.
const char *sockets_resolver_message(int code);

// The port a listener has, 0 when that cannot be told.
uint16_t sockets_listener_port(int listener);

// The next waiting connection with TCP_NODELAY, or -1 with `errno` set.
int sockets_listener_accept(int listener, sockets_address *address);

// As `send`, but a connection that is gone is an error and not a signal.
ptrdiff_t sockets_send(int descriptor, const void *bytes, size_t count);

#pragma clang assume_nonnull end
