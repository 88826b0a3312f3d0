#pragma once

#include "CColourProfile.h"

typedef struct span {
  const uint8_t *bytes;
  size_t byte_count;
} span;

enum { profile_part_count_limit = 255 };

/// Parts of a profile inside an encoded image.
typedef struct parts {
  span list[profile_part_count_limit];
  size_t count;
  bool is_deflated;
} parts;

// Each finds the profile in a container; false if that says that there is one but does not hold it
// whole. `found` is zero before.

bool profile_in_jpeg(const uint8_t *bytes, size_t byte_count, parts *found);
bool profile_in_png(const uint8_t *bytes, size_t byte_count, parts *found);
bool profile_in_webp(const uint8_t *bytes, size_t byte_count, parts *found);
bool profile_in_tiff(const uint8_t *bytes, size_t byte_count, parts *found);
bool profile_in_heif(const uint8_t *bytes, size_t byte_count, parts *found);
