#pragma once

#include "CSandbox.h"

// The one descriptor that a decoder has.
enum { confinement_channel = 10 };

// Has done, in the process that decoders are copies of, what need not be done in each.
void confinement_prepare(void);

// Shuts this process in for ever, as far as the system can. It may take `byte_limit` more memory
// than it has.
sandbox_greeting confine(size_t byte_limit);
