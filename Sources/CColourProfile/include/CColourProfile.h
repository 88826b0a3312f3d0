#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// ICC profiles inside encoded images, and the conversion of rows to sRGB by them: lcms2.

typedef enum colour_profile_container {
  COLOUR_PROFILE_IN_JPEG = 0,
  COLOUR_PROFILE_IN_PNG = 1,
  COLOUR_PROFILE_IN_WEBP = 2,
  /// Also BigTIFF.
  COLOUR_PROFILE_IN_TIFF = 3,
  /// HEIC and AVIF.
  COLOUR_PROFILE_IN_HEIF = 4,
} colour_profile_container;

typedef enum colour_profile_status {
  COLOUR_PROFILE_OK = 0,
  /// Broken, or longer than the limit.
  COLOUR_PROFILE_UNUSABLE = 1,
  COLOUR_PROFILE_OUT_OF_MEMORY = 2,
} colour_profile_status;

/// Colours that a profile may be for; a set.
typedef enum colour_profile_colours {
  COLOUR_PROFILE_OF_GREY = 1,
  COLOUR_PROFILE_OF_RGB = 2,
} colour_profile_colours;

enum {
  /// Bytes of a profile, inflated. Those of displays and cameras have some hundreds to a million.
  COLOUR_PROFILE_BYTE_COUNT_LIMIT = 2 << 20,
  /// Bytes held at once for each byte of a profile: itself twice, and copies of its tables in 16
  /// bits for 8. Peaks of 11.5 were measured.
  COLOUR_PROFILE_WORKING_FACTOR = 12,
  /// Bytes held besides: the table that lcms2 makes of all, 33 x 33 x 33 colours, and what it is
  /// made with.
  COLOUR_PROFILE_WORKING_BYTE_COUNT = 3 << 20,
};

typedef struct colour_profile colour_profile;

/// Returns the bytes that will be held at once to convert the image, at most; 0 if it has no
/// profile. Copies and inflates nothing.
size_t colour_profile_working_byte_count(
    colour_profile_container container, const uint8_t *bytes, size_t byte_count);

/// Makes the conversion. `colours` is the set of `colour_profile_colours` that fit the image: a
/// profile for others says nothing of it, and counts as none. `*profile` is null if the image has
/// no profile, and after a failure. The bytes may go once it has returned.
colour_profile_status colour_profile_open(
    colour_profile_container container, unsigned colours, const uint8_t *bytes, size_t byte_count,
    colour_profile *_Nullable *_Nonnull profile);

/// Converts pixels of RGB in place.
void colour_profile_convert(const colour_profile *profile, uint8_t *row, size_t pixel_count);

void colour_profile_close(colour_profile *_Nullable profile);

/// Makes the library do what it does on first use: glibc then opens the file of the time zone,
/// which a decoder may not.
void colour_profile_warm_up(void);

/// Version of lcms2 as loaded: 2140 for 2.14.
int colour_profile_library_version(void);

#pragma clang assume_nonnull end
