#include <dlfcn.h>

#include "codec.h"

bool codec_library_load(const char *file, const codec_symbol *symbols, size_t count) {
  // All symbols are bound now: a process that may open no file could not look for them later.
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return false;
  for (size_t index = 0; index < count; index++) {
    void *function = dlsym(library, symbols[index].name);
    if (function == NULL) {
      dlclose(library);
      return false;
    }
    *symbols[index].function = function;
  }
  return true;
}
