#include "CYajl.h"

#include <string.h>

typedef enum { KEY_OTHER, KEY_IMAGE, KEY_IMAGES, KEY_URL } key;

// Where a value stands.
typedef enum { AT_TOP, AT_MEMBER, AT_LIST } place;

typedef struct {
  json_images_limits limits;
  json_images_range *ranges;
  json_images_member *members;
  json_images_found *found;
  json_images_status status;
  place place;
  key key;
  bool saw_image;
  bool saw_images;
  bool saw_url;
} reader;

static bool stop(reader *at, json_images_status status) {
  at->status = status;
  return false;
}

static void copy(json_images_text *text, const json_event *event) {
  const size_t count = event->byte_count;
  text->byte_count = count;
  memcpy(text->bytes, event->bytes, count < sizeof text->bytes ? count : sizeof text->bytes);
}

static bool take_key(reader *at, const json_event *event) {
  if (event->byte_count == 5 && memcmp(event->bytes, "image", 5) == 0) {
    if (at->saw_image) return stop(at, JSON_IMAGES_DUPLICATE_IMAGE);
    at->saw_image = true;
    at->key = KEY_IMAGE;
  } else if (event->byte_count == 6 && memcmp(event->bytes, "images", 6) == 0) {
    if (at->saw_images) return stop(at, JSON_IMAGES_DUPLICATE_IMAGES);
    at->saw_images = true;
    at->key = KEY_IMAGES;
  } else if (event->byte_count == 3 && memcmp(event->bytes, "url", 3) == 0) {
    if (at->saw_url) return stop(at, JSON_IMAGES_DUPLICATE_URL);
    at->saw_url = true;
    at->key = KEY_URL;
  } else {
    if (at->found->member_count == at->limits.member_count) {
      return stop(at, JSON_IMAGES_TOO_MANY_MEMBERS);
    }
    json_images_member *member = &at->members[at->found->member_count];
    *member = (json_images_member){0};
    copy(&member->name, event);
    at->found->member_count += 1;
    at->key = KEY_OTHER;
  }
  return true;
}

static bool take_image(reader *at, const json_event *event) {
  if (at->found->count == at->limits.image_count) return stop(at, JSON_IMAGES_TOO_MANY_IMAGES);
  at->ranges[at->found->count] = (json_images_range){event->start, event->end};
  at->found->count += 1;
  if (at->place == AT_MEMBER) at->found->has_image = true;
  return true;
}

// Handles a value that is not an image.
static bool take_other(reader *at, const json_event *event) {
  if (at->place == AT_TOP) return stop(at, JSON_IMAGES_NOT_AN_OBJECT);
  if (at->place == AT_LIST) return stop(at, JSON_IMAGES_IMAGES_TYPE);
  if (at->key != KEY_OTHER) {
    // As if the key were missing.
    if (event->kind == JSON_EVENT_NULL) return true;
    if (at->key == KEY_URL) return stop(at, JSON_IMAGES_URL_TYPE);
    return stop(at, at->key == KEY_IMAGE ? JSON_IMAGES_IMAGE_TYPE : JSON_IMAGES_IMAGES_TYPE);
  }
  json_images_member *member = &at->members[at->found->member_count - 1];
  member->kind = event->kind;
  copy(&member->value, event);
  const bool nests = event->kind == JSON_EVENT_LIST || event->kind == JSON_EVENT_OBJECT;
  return nests ? stop(at, JSON_IMAGES_NESTED) : true;
}

static bool take(void *context, const json_event *event) {
  reader *at = context;
  const bool is_member = at->place == AT_MEMBER;
  switch (event->kind) {
    case JSON_EVENT_KEY: return take_key(at, event);
    case JSON_EVENT_STRING:
      if (at->place == AT_LIST || (is_member && at->key == KEY_IMAGE)) {
        return take_image(at, event);
      }
      if (is_member && at->key == KEY_URL) {
        at->found->url = (json_images_range){event->start, event->end};
        at->found->has_url = true;
        return true;
      }
      break;
    case JSON_EVENT_OBJECT:
      if (at->place != AT_TOP) break;
      at->place = AT_MEMBER;
      return true;
    case JSON_EVENT_LIST:
      if (!is_member || at->key != KEY_IMAGES) break;
      at->found->has_images = true;
      at->place = AT_LIST;
      return true;
    case JSON_EVENT_LIST_END: at->place = AT_MEMBER; return true;
    case JSON_EVENT_OBJECT_END: return true;
    default: break;
  }
  return take_other(at, event);
}

json_images_status json_images_read(
    const uint8_t *input, size_t byte_count, json_images_limits limits, json_images_range *ranges,
    json_images_member *members, json_images_found *found) {
  *found = (json_images_found){0};
  reader at = {.limits = limits, .ranges = ranges, .members = members, .found = found};
  const json_events_status status = json_events_read(
      input, byte_count, limits.scratch_byte_count, take, &at, &found->end);
  switch (status) {
    case JSON_EVENTS_OK: return JSON_IMAGES_OK;
    case JSON_EVENTS_MALFORMED: return JSON_IMAGES_MALFORMED;
    case JSON_EVENTS_ENDED: return at.status;
    case JSON_EVENTS_OUT_OF_MEMORY: break;
  }
  return JSON_IMAGES_OUT_OF_MEMORY;
}
