#pragma once

#include "CSandbox.h"

// The only descriptor that a decoder has.
enum { confinement_channel = 10 };

// Does once, in the process that decoders are forked from, what need not be done in each.
void confinement_prepare(void);

// Confines this process forever, as far as the system can. It may take `byte_limit` more memory
// than it has.
sandbox_greeting confine(size_t byte_limit);
