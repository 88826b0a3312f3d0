#include <lcms2.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "containers.h"

// Embedded ICC profiles: found in the container, then given to lcms2, which converts rows to sRGB.
// Nothing is copied or inflated before `colour_profile_open`.

enum {
  /// Bytes that one deflated byte can become at most.
  deflate_ratio = 1032,
};

struct colour_profile {
  cmsContext context;
  cmsHTRANSFORM transform;
  /// Whether the profile is of grey. Each channel of a pixel is then looked up by itself, which is
  /// right for grey and for what transparency made of it.
  bool is_grey;
  uint8_t greys[256][3];
};

/// Returns false if the container says that there is a profile but does not hold it whole.
static bool find(
    colour_profile_container container, const uint8_t *bytes, size_t byte_count, parts *found) {
  memset(found, 0, sizeof *found);
  switch (container) {
    case COLOUR_PROFILE_IN_JPEG: return profile_in_jpeg(bytes, byte_count, found);
    case COLOUR_PROFILE_IN_PNG: return profile_in_png(bytes, byte_count, found);
    case COLOUR_PROFILE_IN_WEBP: return profile_in_webp(bytes, byte_count, found);
    case COLOUR_PROFILE_IN_TIFF: return profile_in_tiff(bytes, byte_count, found);
    case COLOUR_PROFILE_IN_HEIF: return profile_in_heif(bytes, byte_count, found);
    default: return true;
  }
}

/// Returns the bytes that the profile has at most, never more than one beyond the limit.
static size_t size_of(const parts *found) {
  const size_t limit = COLOUR_PROFILE_BYTE_COUNT_LIMIT;
  size_t byte_count = 0;
  for (size_t index = 0; index < found->count; index++) {
    byte_count += found->list[index].byte_count;
    if (byte_count > limit) return found->is_deflated ? limit : limit + 1;
  }
  if (!found->is_deflated) return byte_count;
  return byte_count > limit / deflate_ratio ? limit : byte_count * deflate_ratio;
}

size_t colour_profile_working_byte_count(
    colour_profile_container container, const uint8_t *bytes, size_t byte_count) {
  parts found;
  if (find(container, bytes, byte_count, &found) && found.count == 0) return 0;
  return size_of(&found) * COLOUR_PROFILE_WORKING_FACTOR + COLOUR_PROFILE_WORKING_BYTE_COUNT;
}

// MARK: Converting

/// Inflates a profile into at most `limit` bytes; 0 if it is broken or longer.
static size_t inflate_profile(span deflated, uint8_t *profile, size_t limit) {
  uLongf byte_count = limit;
  const int code =
      uncompress(profile, &byte_count, deflated.bytes, (uLong)deflated.byte_count);
  return code == Z_OK ? byte_count : 0;
}

/// Copies the profile into one block; 0 if it is broken or longer than the limit.
static size_t gather(const parts *found, uint8_t *profile, size_t limit) {
  if (found->is_deflated) return inflate_profile(found->list[0], profile, limit);
  size_t byte_count = 0;
  for (size_t index = 0; index < found->count; index++) {
    const span part = found->list[index];
    if (part.byte_count > limit - byte_count) return 0;
    memcpy(profile + byte_count, part.bytes, part.byte_count);
    byte_count += part.byte_count;
  }
  return byte_count;
}

/// Returns which of `colour_profile_colours` a profile that lcms2 has read is for; 0 for others.
static unsigned colours_of(cmsHPROFILE source) {
  switch (cmsGetColorSpace(source)) {
    case cmsSigGrayData: return COLOUR_PROFILE_OF_GREY;
    case cmsSigRgbData: return COLOUR_PROFILE_OF_RGB;
    default: return 0;
  }
}

/// Makes the transform of a profile for grey or RGB. The intent is perceptual and there are no
/// flags, as in Pillow's `ImageCms.profileToProfile`.
static bool prepare(colour_profile *made, cmsHPROFILE source) {
  made->is_grey = colours_of(source) == COLOUR_PROFILE_OF_GREY;
  cmsHPROFILE target = cmsCreate_sRGBProfileTHR(made->context);
  if (target == NULL) return false;
  made->transform = cmsCreateTransformTHR(
      made->context, source, made->is_grey ? TYPE_GRAY_8 : TYPE_RGB_8, target, TYPE_RGB_8,
      INTENT_PERCEPTUAL, 0);
  cmsCloseProfile(target);
  if (made->transform == NULL) return false;
  if (made->is_grey) {
    uint8_t stored[256];
    for (int grey = 0; grey < 256; grey++) stored[grey] = (uint8_t)grey;
    cmsDoTransform(made->transform, stored, made->greys, sizeof stored);
  }
  return true;
}

colour_profile_status colour_profile_open(
    colour_profile_container container, unsigned colours, const uint8_t *bytes, size_t byte_count,
    colour_profile **profile) {
  *profile = NULL;
  parts found;
  if (!find(container, bytes, byte_count, &found)) return COLOUR_PROFILE_UNUSABLE;
  if (found.count == 0) return COLOUR_PROFILE_OK;
  const size_t size = size_of(&found);
  if (size == 0 || size > COLOUR_PROFILE_BYTE_COUNT_LIMIT) return COLOUR_PROFILE_UNUSABLE;
  colour_profile *made = calloc(1, sizeof *made);
  uint8_t *block = malloc(size);
  if (made != NULL) made->context = cmsCreateContext(NULL, NULL);
  if (made == NULL || block == NULL || made->context == NULL) {
    free(block);
    colour_profile_close(made);
    return COLOUR_PROFILE_OUT_OF_MEMORY;
  }
  const size_t length = gather(&found, block, size);
  cmsHPROFILE source =
      length == 0 ? NULL : cmsOpenProfileFromMemTHR(made->context, block, (cmsUInt32Number)length);
  // Its numbers would be taken for colours that it does not know.
  const bool is_foreign = source != NULL && (colours_of(source) & colours) == 0;
  const bool is_ready = source != NULL && !is_foreign && prepare(made, source);
  if (source != NULL) cmsCloseProfile(source);
  free(block);
  if (!is_ready) {
    colour_profile_close(made);
    return is_foreign ? COLOUR_PROFILE_OK : COLOUR_PROFILE_UNUSABLE;
  }
  *profile = made;
  return COLOUR_PROFILE_OK;
}

void colour_profile_convert(
    const colour_profile *profile, uint8_t *row, size_t pixel_count) {
  if (!profile->is_grey) {
    cmsDoTransform(profile->transform, row, row, (cmsUInt32Number)pixel_count);
    return;
  }
  for (size_t pixel = 0; pixel < pixel_count; pixel++) {
    for (size_t channel = 0; channel < 3; channel++) {
      uint8_t *value = row + 3 * pixel + channel;
      *value = profile->greys[*value][channel];
    }
  }
}

void colour_profile_close(colour_profile *profile) {
  if (profile == NULL) return;
  if (profile->transform != NULL) cmsDeleteTransform(profile->transform);
  if (profile->context != NULL) cmsDeleteContext(profile->context);
  free(profile);
}

void colour_profile_warm_up(void) {
  cmsHPROFILE profile = cmsCreate_sRGBProfile();
  if (profile != NULL) cmsCloseProfile(profile);
}

int colour_profile_library_version(void) { return cmsGetEncodedCMMversion(); }
