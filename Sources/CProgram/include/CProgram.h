// What the program was started with.
#pragma once

#pragma clang assume_nonnull begin

// The number of arguments that `main` was given, the program's own name among them.
int program_argument_count(void);

// One of them.
const char *program_argument(int index);

#pragma clang assume_nonnull end
