#include "json_events.h"

#include <stdlib.h>

#include "scratch.h"

typedef struct {
  scratch memory;
  yajl_handle parser;
  const uint8_t *input;
  json_event_handler handler;
  void *context;
  // End of the previous token: a string begins at the first quote from there on.
  size_t consumed;
} reader;

static int pass(reader *at, json_event_kind kind, const void *bytes, size_t count) {
  size_t end = yajl_get_bytes_consumed(at->parser);
  json_event event = {kind, bytes, count, end, end};
  if (kind == JSON_EVENT_STRING) {
    size_t start = at->consumed;
    while (start < end && at->input[start] != '"') start += 1;
    event.start = start + 1;
    event.end = end - 1;
  }
  at->consumed = end;
  return at->handler(at->context, &event);
}

static int on_null(void *context) { return pass(context, JSON_EVENT_NULL, "", 0); }

static int on_boolean(void *context, int value) {
  return value ? pass(context, JSON_EVENT_BOOLEAN, "true", 4)
               : pass(context, JSON_EVENT_BOOLEAN, "false", 5);
}

static int on_number(void *context, const char *digits, size_t count) {
  return pass(context, JSON_EVENT_NUMBER, digits, count);
}

static int on_string(void *context, const unsigned char *bytes, size_t count) {
  return pass(context, JSON_EVENT_STRING, bytes, count);
}

static int on_start_object(void *context) { return pass(context, JSON_EVENT_OBJECT, "", 0); }

static int on_key(void *context, const unsigned char *bytes, size_t count) {
  return pass(context, JSON_EVENT_KEY, bytes, count);
}

static int on_end_object(void *context) { return pass(context, JSON_EVENT_OBJECT_END, "", 0); }

static int on_start_array(void *context) { return pass(context, JSON_EVENT_LIST, "", 0); }

static int on_end_array(void *context) { return pass(context, JSON_EVENT_LIST_END, "", 0); }

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_object,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

static json_events_status parse(reader *at, size_t byte_count, json_events_end *end) {
  yajl_alloc_funcs functions = scratch_functions(&at->memory);
  at->parser = yajl_alloc(&callbacks, &functions, at);
  yajl_status status = yajl_parse(at->parser, at->input, byte_count);
  end->offset = yajl_get_bytes_consumed(at->parser);
  if (status == yajl_status_ok) status = yajl_complete_parse(at->parser);
  if (status == yajl_status_client_canceled) return JSON_EVENTS_ENDED;
  if (status == yajl_status_ok) return JSON_EVENTS_OK;
  json_note(at->parser, end->message, sizeof end->message);
  return JSON_EVENTS_MALFORMED;
}

json_events_status json_events_read(
    const uint8_t *input, size_t byte_count, size_t scratch_byte_count, json_event_handler handler,
    void *context, json_events_end *end) {
  *end = (json_events_end){0};
  reader at = {
      .memory = {.limit = scratch_byte_count},
      .input = input,
      .handler = handler,
      .context = context,
  };
  // After the jump, only `memory.first` of `at` is read, which is written through pointers. yajl
  // takes memory between calls of the handler, never inside one, so no frame of it is jumped over.
  json_events_status status = JSON_EVENTS_OUT_OF_MEMORY;
  if (setjmp(at.memory.refused) == 0) status = parse(&at, byte_count, end);
  else status = JSON_EVENTS_OUT_OF_MEMORY;
  scratch_free(&at.memory);
  return status;
}

size_t json_numbers_read(
    const uint8_t *input, size_t start, size_t end, float *numbers, size_t count) {
  const char *text = (const char *)input;
  size_t at = start;
  for (size_t index = 0; index < count; index += 1) {
    // Between two numbers stand brackets, commas and white space.
    while (at < end && text[at] != '-' && (text[at] < '0' || text[at] > '9')) at += 1;
    if (at >= end) return 0;
    char *rest = NULL;
    numbers[index] = strtof(text + at, &rest);
    at = (size_t)(rest - text);
  }
  return at;
}
