// Events of a JSON text in one pass of yajl, and the numbers of a list whose place is known.
//
// Nothing is kept. yajl's allocations are bounded; one beyond the bound ends the pass by a jump
// that stays inside this target.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum json_event_kind {
  JSON_EVENT_NULL = 0,
  JSON_EVENT_BOOLEAN = 1,
  JSON_EVENT_NUMBER = 2,
  JSON_EVENT_STRING = 3,
  JSON_EVENT_KEY = 4,
  JSON_EVENT_LIST = 5,
  JSON_EVENT_LIST_END = 6,
  JSON_EVENT_OBJECT = 7,
  JSON_EVENT_OBJECT_END = 8,
} json_event_kind;

typedef struct json_event {
  json_event_kind kind;
  /// A number as it is written; a string or a key without escapes; "true" or "false"; else empty.
  const uint8_t *bytes;
  size_t byte_count;
  /// Place in the input: of a string what is between its quotes, escapes included; of anything else
  /// only the end counts, which follows it.
  size_t start;
  size_t end;
} json_event;

/// Takes an event; false ends the pass.
typedef bool (*json_event_handler)(void *context, const json_event *event);

typedef enum json_events_status {
  JSON_EVENTS_OK = 0,
  /// The input is not JSON; `message` holds yajl's explanation.
  JSON_EVENTS_MALFORMED = 1,
  /// The handler has ended the pass.
  JSON_EVENTS_ENDED = 2,
  /// yajl would have needed more than `scratch_byte_count`.
  JSON_EVENTS_OUT_OF_MEMORY = 3,
} json_events_status;

enum { JSON_EVENTS_MESSAGE_BYTE_COUNT = 128 };

typedef struct json_events_end {
  /// Offset in the input where the pass ended.
  size_t offset;
  char message[JSON_EVENTS_MESSAGE_BYTE_COUNT];
} json_events_end;

/// Reads the input.
json_events_status json_events_read(
    const uint8_t *input, size_t byte_count, size_t scratch_byte_count, json_event_handler handler,
    void *context, json_events_end *end);

/// Reads `count` numbers of a list from `start` on, which may be in lists themselves, and returns
/// the offset after the last, or 0 if there are fewer before `end`.
///
/// The input has passed `json_events_read`, so that it ends with a bracket after its last number.
size_t json_numbers_read(
    const uint8_t *input, size_t start, size_t end, float *numbers, size_t count);

#pragma clang assume_nonnull end
