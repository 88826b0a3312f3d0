#include "CYajl.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

// yajl uses the result of an allocation unchecked, so a refusal must not return.

typedef struct block {
  struct block *next;
  struct block *previous;
  size_t byte_count;
  // yajl's memory follows at the alignment of any type.
  max_align_t bytes[];
} block;

typedef struct {
  block *first;
  size_t used;
  size_t limit;
  jmp_buf refused;
} scratch;

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

// MARK: Memory

static void *take(void *context, size_t count) {
  scratch *memory = context;
  if (count > memory->limit - memory->used) longjmp(memory->refused, 1);
  block *made = malloc(sizeof(block) + count);
  if (!made) longjmp(memory->refused, 1);
  made->byte_count = count;
  made->previous = NULL;
  made->next = memory->first;
  if (made->next) made->next->previous = made;
  memory->first = made;
  memory->used += count;
  return made->bytes;
}

static block *block_of(void *bytes) { return (block *)((char *)bytes - offsetof(block, bytes)); }

static void give(void *context, void *bytes) {
  if (!bytes) return;
  scratch *memory = context;
  block *old = block_of(bytes);
  memory->used -= old->byte_count;
  if (old->next) old->next->previous = old->previous;
  if (old->previous) old->previous->next = old->next;
  else memory->first = old->next;
  free(old);
}

static void *change(void *context, void *bytes, size_t count) {
  if (!bytes) return take(context, count);
  scratch *memory = context;
  block *old = block_of(bytes);
  size_t others = memory->used - old->byte_count;
  if (count > memory->limit - others) longjmp(memory->refused, 1);
  block *made = realloc(old, sizeof(block) + count);
  if (!made) longjmp(memory->refused, 1);
  made->byte_count = count;
  if (made->next) made->next->previous = made;
  if (made->previous) made->previous->next = made;
  else memory->first = made;
  memory->used = others + count;
  return made->bytes;
}

static void give_all(scratch *memory) {
  while (memory->first) {
    block *next = memory->first->next;
    free(memory->first);
    memory->first = next;
  }
}

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

static void note(reader *at) {
  // Without the input, which may be anything, and long.
  unsigned char *message = yajl_get_error(at->parser, 0, NULL, 0);
  snprintf(at->found->message, sizeof at->found->message, "%s", (const char *)message);
  size_t end = strcspn(at->found->message, "\n");
  at->found->message[end] = 0;
  yajl_free_error(at->parser, message);
}

static json_images_status parse(reader *at, size_t byte_count) {
  yajl_alloc_funcs functions = {take, change, give, &at->memory};
  at->parser = yajl_alloc(&callbacks, &functions, at);
  yajl_status status = yajl_parse(at->parser, at->input, byte_count);
  at->found->offset = yajl_get_bytes_consumed(at->parser);
  if (status == yajl_status_ok) status = yajl_complete_parse(at->parser);
  if (status == yajl_status_client_canceled) return at->status;
  if (status == yajl_status_ok) return JSON_IMAGES_OK;
  note(at);
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
  give_all(&at.memory);
  return status;
}
