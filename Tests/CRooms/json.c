// Reads files by CYajl: as events, as a request's images and, from the first list, as numbers; cut
// at every byte as well.
// usage: json FILE...
#include "CYajl.h"
#include "driver.h"

enum { image_limit = 8, member_limit = 16, scratch_byte_count = 1 << 16, number_limit = 64 };

typedef struct {
  uint64_t events;
  size_t count;
  // Where the first list begins.
  size_t list;
} seen;

static bool take(void *context, const json_event *event) {
  seen *s = context;
  s->events = digest(s->events, &(int32_t){event->kind}, sizeof(int32_t));
  s->events = digest(s->events, event->bytes, event->byte_count);
  s->events = digest(s->events, &(uint64_t[]){event->start, event->end}, 2 * sizeof(uint64_t));
  s->count++;
  if (event->kind == JSON_EVENT_LIST && s->list == 0) s->list = event->end;
  return s->count < 1000;
}

static void print_text(const json_images_text *text) {
  printf(" %zu ", text->byte_count);
  // Shown as digits, for the bytes may be any.
  for (size_t index = 0; index < text->byte_count && index < sizeof text->bytes; index++)
    printf("%02x", (unsigned char)text->bytes[index]);
}

static void read_images(contents file) {
  json_images_range ranges[image_limit];
  json_images_member members[member_limit];
  json_images_found found = {0};
  const json_images_status status = json_images_read(
      file.bytes, file.byte_count,
      (json_images_limits){image_limit, member_limit, scratch_byte_count}, ranges, members, &found);
  printf(
      "  images: %d, %zu, %zu members, %d %d %d, until %zu %s\n", status, found.count,
      found.member_count, found.has_image, found.has_images, found.has_url, found.end.offset,
      status == JSON_IMAGES_MALFORMED ? found.end.message : "");
  if (status != JSON_IMAGES_OK) return;
  for (size_t index = 0; index < found.count; index++)
    printf("  from %zu to %zu\n", ranges[index].start, ranges[index].end);
  for (size_t index = 0; index < found.member_count; index++) {
    printf("  member %d", members[index].kind);
    print_text(&members[index].name);
    print_text(&members[index].value);
    putchar('\n');
  }
}

// Returns whether the file is JSON.
static bool read_events(contents file, bool prints_numbers) {
  seen s = {0};
  json_events_end end = {0};
  const json_events_status status = json_events_read(
      file.bytes, file.byte_count, scratch_byte_count, take, &s, &end);
  printf(
      "  events: %d, %zu %016llx, until %zu %s\n", status, s.count, (unsigned long long)s.events,
      end.offset, status == JSON_EVENTS_MALFORMED ? end.message : "");
  if (status == JSON_EVENTS_OK && s.list > 0 && prints_numbers) {
    float numbers[number_limit];
    for (size_t count = 1; count <= number_limit; count *= 2) {
      memset(numbers, 0, sizeof numbers);
      const size_t after = json_numbers_read(
          file.bytes, s.list, file.byte_count, numbers, count);
      // Bits, for a number is read exactly or not at all.
      printf(
          "  %zu numbers: until %zu, %016llx\n", count, after,
          (unsigned long long)digest(0, numbers, after > 0 ? count * sizeof *numbers : 0));
    }
  }
  return status == JSON_EVENTS_OK;
}

int main(int argc, char **argv) {
  int read = 0;
  for (int index = 1; index < argc; index++) {
    const contents file = read_file(argv[index]);
    printf("%s\n", name_of(argv[index]));
    read += read_events(file, true);
    read_images(file);
    for (size_t byte_count = 0; byte_count < file.byte_count && byte_count < 300; byte_count++) {
      const contents cut = {malloc(byte_count + !byte_count), byte_count};
      require(cut.bytes, "no memory");
      memcpy(cut.bytes, file.bytes, byte_count);
      read_events(cut, false);
      read_images(cut);
      free(cut.bytes);
    }
    free(file.bytes);
  }
  require(read > 0, "none of %d files is JSON", argc - 1);
}
