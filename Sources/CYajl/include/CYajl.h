// Bodies of requests, in one pass of yajl with bounded memory: the images of a request
// (`json_images_read`), or one event after another (`json_events_read`, in json_events.h).
//
// Finds the images of a JSON request in one pass of yajl, without a tree and without copies.
//
//     {"image": "<base64>"}, {"images": ["<base64>", ...]} or {"url": "<address>"}, and further
//     members with a number, a string, true, false or null
//
// Strings of images are returned as ranges of the input, escapes included. Nothing nests deeper, so
// a list or an object anywhere else ends the pass. yajl's allocations are bounded; one beyond the
// bound ends the pass by a jump that stays inside this target.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_events.h"

#pragma clang assume_nonnull begin

typedef enum json_images_status {
  JSON_IMAGES_OK = 0,
  /// The input is not JSON; `end.message` holds yajl's explanation.
  JSON_IMAGES_MALFORMED = 1,
  JSON_IMAGES_NOT_AN_OBJECT = 2,
  /// The last of the further members is a list or an object.
  JSON_IMAGES_NESTED = 3,
  /// It has more further members than allowed.
  JSON_IMAGES_TOO_MANY_MEMBERS = 4,
  JSON_IMAGES_TOO_MANY_IMAGES = 5,
  JSON_IMAGES_DUPLICATE_IMAGE = 6,
  JSON_IMAGES_DUPLICATE_IMAGES = 7,
  /// `image` is not a string.
  JSON_IMAGES_IMAGE_TYPE = 8,
  /// `images` is not an array of strings.
  JSON_IMAGES_IMAGES_TYPE = 9,
  /// yajl would have needed more than `scratch_byte_limit`.
  JSON_IMAGES_OUT_OF_MEMORY = 10,
  JSON_IMAGES_DUPLICATE_URL = 11,
  /// `url` is not a string.
  JSON_IMAGES_URL_TYPE = 12,
} json_images_status;

typedef struct json_images_limits {
  size_t image_count;
  /// Further members.
  size_t member_count;
  /// Bytes that yajl holds at once.
  size_t scratch_byte_count;
} json_images_limits;

/// Bytes of a string in the input, between its quotes.
typedef struct json_images_range {
  size_t start;
  size_t end;
} json_images_range;

enum { JSON_IMAGES_TEXT_BYTE_COUNT = 64 };

/// The first bytes of a string, without escapes, and how many it has.
typedef struct json_images_text {
  size_t byte_count;
  char bytes[JSON_IMAGES_TEXT_BYTE_COUNT];
} json_images_text;

/// A further member of the object.
typedef struct json_images_member {
  json_images_text name;
  /// Kind of its value.
  json_event_kind kind;
  /// A number as it is written, or a string; empty for null, a list or an object.
  json_images_text value;
} json_images_member;

typedef struct json_images_found {
  /// Count of all images.
  size_t count;
  /// Count of further members, the one that ended the pass included.
  size_t member_count;
  /// Whether the key is present with a value other than null.
  bool has_image;
  bool has_images;
  /// The string of `url`, where there is one.
  bool has_url;
  json_images_range url;
  /// Where the pass ended, and why if the input is not JSON.
  json_events_end end;
} json_images_found;

/// Reads the input. `ranges` has room for `limits.image_count`, `members` for
/// `limits.member_count`.
json_images_status json_images_read(
    const uint8_t *input, size_t byte_count, json_images_limits limits, json_images_range *ranges,
    json_images_member *members, json_images_found *found);

#pragma clang assume_nonnull end
