// Keys of session tickets, which clients keep in the server's stead (RFC 5077, RFC 8446, 4.6.1).
#pragma once

#include <openssl/ssl.h>

typedef struct ticket_keys ticket_keys;

// Makes keys that change every hour; a ticket is good for the hour after its own as well.
ticket_keys *ticket_keys_create(void);
void ticket_keys_destroy(ticket_keys *keys);

// Has a context issue and take tickets by these keys, which must outlive it.
int ticket_keys_use(ticket_keys *keys, SSL_CTX *context);
