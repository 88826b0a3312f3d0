#include "CYajl.h"

#include <stdio.h>
#include <string.h>

#include "scratch.h"

typedef enum { KEY_OTHER, KEY_IMAGE, KEY_IMAGES } key;

// Where a value stands.
typedef enum { AT_TOP, AT_MEMBER, AT_LIST } place;

typedef struct {
  scratch memory;
  yajl_handle parser;
  const uint8_t *input;
  json_images_limits limits;
  json_images_range *ranges;
  json_images_member *members;
  json_images_found *found;
  json_images_status status;
  place place;
  key key;
  bool saw_image;
  bool saw_images;
  // End of the previous token: a string begins at the first quote from there on.
  size_t consumed;
} reader;

// MARK: Tokens

static int stop(reader *at, json_images_status status) {
  at->status = status;
  return 0;
}

static int advance(reader *at) {
  at->consumed = yajl_get_bytes_consumed(at->parser);
  return 1;
}

static void copy(json_images_text *text, const void *bytes, size_t count) {
  text->byte_count = count;
  memcpy(text->bytes, bytes, count < sizeof text->bytes ? count : sizeof text->bytes);
}

// Handles a value that is not an image.
static int other_value(reader *at, json_images_kind kind, const void *bytes, size_t count) {
  if (at->place == AT_TOP) return stop(at, JSON_IMAGES_NOT_AN_OBJECT);
  if (at->place == AT_LIST) return stop(at, JSON_IMAGES_IMAGES_TYPE);
  if (at->key != KEY_OTHER) {
    // As if the key were missing.
    if (kind == JSON_IMAGES_NULL) return advance(at);
    return stop(at, at->key == KEY_IMAGE ? JSON_IMAGES_IMAGE_TYPE : JSON_IMAGES_IMAGES_TYPE);
  }
  json_images_member *member = &at->members[at->found->member_count - 1];
  member->kind = kind;
  copy(&member->value, bytes, count);
  bool nests = kind == JSON_IMAGES_LIST || kind == JSON_IMAGES_OBJECT;
  return nests ? stop(at, JSON_IMAGES_NESTED) : advance(at);
}

static int on_null(void *context) { return other_value(context, JSON_IMAGES_NULL, "", 0); }

static int on_boolean(void *context, int value) {
  return value ? other_value(context, JSON_IMAGES_BOOLEAN, "true", 4)
               : other_value(context, JSON_IMAGES_BOOLEAN, "false", 5);
}

static int on_number(void *context, const char *digits, size_t count) {
  return other_value(context, JSON_IMAGES_NUMBER, digits, count);
}

static int on_string(void *context, const unsigned char *bytes, size_t count) {
  reader *at = context;
  bool is_single = at->place == AT_MEMBER && at->key == KEY_IMAGE;
  if (!is_single && at->place != AT_LIST) {
    return other_value(at, JSON_IMAGES_STRING, bytes, count);
  }
  if (at->found->count == at->limits.image_count) return stop(at, JSON_IMAGES_TOO_MANY_IMAGES);
  size_t end = yajl_get_bytes_consumed(at->parser);
  size_t start = at->consumed;
  while (start < end && at->input[start] != '"') start += 1;
  at->ranges[at->found->count] = (json_images_range){start + 1, end - 1};
  at->found->count += 1;
  if (is_single) at->found->has_image = true;
  return advance(at);
}

static int on_start_object(void *context) {
  reader *at = context;
  if (at->place != AT_TOP) return other_value(at, JSON_IMAGES_OBJECT, "", 0);
  at->place = AT_MEMBER;
  return advance(at);
}

static int on_key(void *context, const unsigned char *bytes, size_t count) {
  reader *at = context;
  if (count == 5 && memcmp(bytes, "image", 5) == 0) {
    if (at->saw_image) return stop(at, JSON_IMAGES_DUPLICATE_IMAGE);
    at->saw_image = true;
    at->key = KEY_IMAGE;
  } else if (count == 6 && memcmp(bytes, "images", 6) == 0) {
    if (at->saw_images) return stop(at, JSON_IMAGES_DUPLICATE_IMAGES);
    at->saw_images = true;
    at->key = KEY_IMAGES;
  } else {
    if (at->found->member_count == at->limits.member_count) {
      return stop(at, JSON_IMAGES_TOO_MANY_MEMBERS);
    }
    json_images_member *member = &at->members[at->found->member_count];
    *member = (json_images_member){0};
    copy(&member->name, bytes, count);
    at->found->member_count += 1;
    at->key = KEY_OTHER;
  }
  return advance(at);
}

static int on_end_object(void *context) { return advance(context); }

static int on_start_array(void *context) {
  reader *at = context;
  if (at->place != AT_MEMBER || at->key != KEY_IMAGES) {
    return other_value(at, JSON_IMAGES_LIST, "", 0);
  }
  at->found->has_images = true;
  at->place = AT_LIST;
  return advance(at);
}

static int on_end_array(void *context) {
  reader *at = context;
  at->place = AT_MEMBER;
  return advance(at);
}

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

// MARK: The pass

static json_images_status parse(reader *at, size_t byte_count) {
  yajl_alloc_funcs functions = scratch_functions(&at->memory);
  at->parser = yajl_alloc(&callbacks, &functions, at);
  yajl_status status = yajl_parse(at->parser, at->input, byte_count);
  at->found->offset = yajl_get_bytes_consumed(at->parser);
  if (status == yajl_status_ok) status = yajl_complete_parse(at->parser);
  if (status == yajl_status_client_canceled) return at->status;
  if (status == yajl_status_ok) return JSON_IMAGES_OK;
  json_note(at->parser, at->found->message, sizeof at->found->message);
  return JSON_IMAGES_MALFORMED;
}

json_images_status json_images_read(
    const uint8_t *input, size_t byte_count, json_images_limits limits, json_images_range *ranges,
    json_images_member *members, json_images_found *found) {
  *found = (json_images_found){0};
  reader at = {
      .memory = {.limit = limits.scratch_byte_count},
      .input = input,
      .limits = limits,
      .ranges = ranges,
      .members = members,
      .found = found,
  };
  // After the jump, only `memory.first` of `at` is read, which is written through pointers.
  json_images_status status = JSON_IMAGES_OUT_OF_MEMORY;
  if (setjmp(at.memory.refused) == 0) status = parse(&at, byte_count);
  else status = JSON_IMAGES_OUT_OF_MEMORY;
  scratch_free(&at.memory);
  return status;
}
