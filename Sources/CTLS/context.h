#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "CTLS.h"
#include "tickets.h"

struct tls_context {
  SSL_CTX *openssl;
  ticket_keys *tickets;
  tls_text client_names;
  // Owners: whoever made it, and its sessions.
  atomic_int user_count;
};

void tls_context_retain(tls_context *context);
void tls_context_release(tls_context *context);

// Takes the thread's last error as a message, and forgets it.
void tls_explain(tls_message *message);
