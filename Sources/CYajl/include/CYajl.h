// Finds the images of a JSON request in one pass of yajl, without a tree and without copies.
//
//     {"image": "<base64>"}   or   {"images": ["<base64>", ...]}, any other keys
//
// Strings are returned as ranges of the input, escapes included. yajl's allocations are bounded;
// one beyond the bound ends the pass by a jump that stays inside this target.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum json_images_status {
  JSON_IMAGES_OK = 0,
  /// The input is not JSON; `message` holds yajl's explanation.
  JSON_IMAGES_MALFORMED = 1,
  JSON_IMAGES_NOT_AN_OBJECT = 2,
  JSON_IMAGES_TOO_DEEP = 3,
  /// It has more values and keys that are not images than allowed.
  JSON_IMAGES_TOO_MANY_VALUES = 4,
  JSON_IMAGES_TOO_MANY_IMAGES = 5,
  JSON_IMAGES_DUPLICATE_IMAGE = 6,
  JSON_IMAGES_DUPLICATE_IMAGES = 7,
  /// `image` is not a string.
  JSON_IMAGES_IMAGE_TYPE = 8,
  /// `images` is not an array of strings.
  JSON_IMAGES_IMAGES_TYPE = 9,
  /// yajl would have needed more than `scratch_byte_limit`.
  JSON_IMAGES_OUT_OF_MEMORY = 10,
} json_images_status;

typedef struct json_images_limits {
  size_t image_count;
  /// Depth of nested arrays and objects.
  size_t depth;
  /// Values and keys that are not images.
  size_t value_count;
  /// Bytes that yajl holds at once.
  size_t scratch_byte_count;
} json_images_limits;

/// Bytes of a string in the input, between its quotes.
typedef struct json_images_range {
  size_t start;
  size_t end;
} json_images_range;

enum { JSON_IMAGES_MESSAGE_BYTE_COUNT = 128 };

typedef struct json_images_found {
  /// Count of all images.
  size_t count;
  /// Whether the key is present with a value other than null.
  bool has_image;
  bool has_images;
  /// Offset in the input where the pass ended.
  size_t offset;
  char message[JSON_IMAGES_MESSAGE_BYTE_COUNT];
} json_images_found;

/// Reads the input. `ranges` has room for `limits.image_count`.
json_images_status json_images_read(
    const uint8_t *input, size_t byte_count, json_images_limits limits, json_images_range *ranges,
    json_images_found *found);

#pragma clang assume_nonnull end
