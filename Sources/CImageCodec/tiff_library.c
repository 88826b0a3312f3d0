#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tiff.h"

static tiff_library library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;

static void load(void) {
  const codec_symbol symbols[] = {
      {"TIFFOpenOptionsAlloc", (void **)&library.options_alloc},
      {"TIFFOpenOptionsFree", (void **)&library.options_free},
      {"TIFFOpenOptionsSetMaxSingleMemAlloc", (void **)&library.options_set_allocation_limit},
      {"TIFFOpenOptionsSetErrorHandlerExtR", (void **)&library.options_set_error_handler},
      {"TIFFOpenOptionsSetWarningHandlerExtR", (void **)&library.options_set_warning_handler},
      {"TIFFClientOpenExt", (void **)&library.open},
      {"TIFFClose", (void **)&library.close},
      {"TIFFGetField", (void **)&library.get},
      {"TIFFGetFieldDefaulted", (void **)&library.get_or_default},
      {"TIFFSetField", (void **)&library.set},
      {"TIFFIsTiled", (void **)&library.is_tiled},
      {"TIFFTileSize64", (void **)&library.tile_byte_count},
      {"TIFFTileRowSize64", (void **)&library.tile_row_byte_count},
      {"TIFFStripSize64", (void **)&library.strip_byte_count},
      {"TIFFScanlineSize64", (void **)&library.row_byte_count},
      {"TIFFNumberOfStrips", (void **)&library.strip_count},
      {"TIFFNumberOfTiles", (void **)&library.tile_count},
      {"TIFFComputeStrip", (void **)&library.strip_at},
      {"TIFFComputeTile", (void **)&library.tile_at},
      {"TIFFGetStrileOffset", (void **)&library.piece_offset},
      {"TIFFGetStrileByteCount", (void **)&library.piece_byte_count},
      {"TIFFReadScanline", (void **)&library.read_row},
      {"TIFFReadEncodedStrip", (void **)&library.read_strip},
      {"TIFFReadEncodedTile", (void **)&library.read_tile},
      {"TIFFGetVersion", (void **)&library.version},
  };
  is_loaded = codec_library_load(
      "libtiff.so.6", symbols, sizeof symbols / sizeof symbols[0]);
}

const tiff_library *tiff_library_shared(void) {
  pthread_once(&once, load);
  return is_loaded ? &library : NULL;
}

bool image_codec_version_tiff(char *text, size_t byte_count) {
  const tiff_library *tiff = tiff_library_shared();
  if (tiff == NULL || byte_count == 0) return false;
  // "LIBTIFF, Version 4.5.0", then lines of copyrights.
  const char *start = strstr(tiff->version(), "Version ");
  start = start == NULL ? "" : start + strlen("Version ");
  size_t length = strcspn(start, "\n");
  if (length >= byte_count) length = byte_count - 1;
  memcpy(text, start, length);
  text[length] = 0;
  return true;
}
