// Finds the colour profiles of files by CColourProfile and converts colours by them.
// usage: profiles FILE...
#include "CColourProfile.h"
#include "driver.h"

enum { step_count = 12, pixel_count = step_count * step_count * step_count };

static int changing_count;

static int try_container(const char *name, colour_profile_container container, contents file) {
  const size_t working =
      colour_profile_working_byte_count(container, file.bytes, file.byte_count);
  colour_profile *profile = NULL;
  const colour_profile_status status = colour_profile_open(
      container, COLOUR_PROFILE_OF_GREY | COLOUR_PROFILE_OF_RGB, file.bytes, file.byte_count,
      &profile);
  printf("%s in %d: %zu bytes, %d, %d\n", name, container, working, status, profile != NULL);
  if (!profile) return 0;
  // From white to black, and a colour at last, which profiles do not leave as it is.
  static uint8_t colours[3 * (pixel_count + 1)];
  for (int index = 0; index < pixel_count; index++) {
    colours[3 * index] = (uint8_t)(253 - index % step_count * 23);
    colours[3 * index + 1] = (uint8_t)(253 - index / step_count % step_count * 23);
    colours[3 * index + 2] = (uint8_t)(253 - index / step_count / step_count * 23);
  }
  static const uint8_t last[] = {200, 40, 90};
  memcpy(colours + 3 * pixel_count, last, 3);
  colour_profile_convert(profile, colours, pixel_count + 1);
  changing_count += memcmp(colours + 3 * pixel_count, last, 3) != 0;
  printf("  converted: %016llx\n", (unsigned long long)digest(0, colours, sizeof colours));
  colour_profile_close(profile);
  return 1;
}

int main(int argc, char **argv) {
  colour_profile_warm_up();
  int found = 0;
  for (int index = 1; index < argc; index++) {
    const contents file = read_file(argv[index]);
    const char *name = name_of(argv[index]);
    for (int container = COLOUR_PROFILE_IN_JPEG; container <= COLOUR_PROFILE_IN_HEIF; container++)
      found += try_container(name, (colour_profile_container)container, file);
    free(file.bytes);
  }
  require(found > 4, "%d profiles in %d files", found, argc - 1);
  require(changing_count > 4, "%d profiles change a colour", changing_count);
  printf("%d profiles, of which %d change a colour\n", found, changing_count);
}
