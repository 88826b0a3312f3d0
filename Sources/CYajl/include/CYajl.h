// The images of a request in JSON, found in one pass over yajl, without a tree and without copies.
//
//     {"image": "<base64>"}   or   {"images": ["<base64>", ...]}, other keys as they like
//
// Strings are handed over as ranges of the text, escapes and all. What yajl allocates is bounded;
// an allocation beyond that ends the pass by a jump that stays inside the room.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum json_images_status {
  JSON_IMAGES_OK = 0,
  /// The text is not JSON; `message` holds what yajl says.
  JSON_IMAGES_MALFORMED = 1,
  JSON_IMAGES_NOT_AN_OBJECT = 2,
  JSON_IMAGES_TOO_DEEP = 3,
  /// More values and keys than allowed that are not images.
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
  /// Arrays and objects inside each other.
  size_t depth;
  /// Values and keys that are not images.
  size_t value_count;
  /// Bytes that yajl holds at once.
  size_t scratch_byte_count;
} json_images_limits;

/// A string's bytes in the text, between its quotes.
typedef struct json_images_range {
  size_t start;
  size_t end;
} json_images_range;

enum { JSON_IMAGES_MESSAGE_BYTE_COUNT = 128 };

typedef struct json_images_found {
  /// Images in all.
  size_t count;
  /// Whether the key is there with something other than null.
  bool has_image;
  bool has_images;
  /// Where in the text the pass ended.
  size_t offset;
  char message[JSON_IMAGES_MESSAGE_BYTE_COUNT];
} json_images_found;

/// Reads the text. `ranges` has room for `limits.image_count`.
json_images_status json_images_read(
    const uint8_t *text, size_t byte_count, json_images_limits limits, json_images_range *ranges,
    json_images_found *found);

#pragma clang assume_nonnull end
