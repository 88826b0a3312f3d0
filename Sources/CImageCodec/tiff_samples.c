#include "tiff.h"

enum { tiff_colour_count_limit = 4 };

/// Returns a sample as stored, but for the low byte of 16 bits, which is dropped.
static uint32_t sample_at(const uint8_t *row, size_t index, unsigned bit_count) {
  if (bit_count == 8) return row[index];
  // libtiff returns numbers in the order of this machine's bytes.
  if (bit_count == 16) return ((const uint16_t *)(const void *)row)[index] >> 8;
  const size_t bit = index * bit_count;
  return row[bit / 8] >> (8 - bit_count - bit % 8) & ((1u << bit_count) - 1);
}

/// Returns x * y / 255, rounded to nearest.
static uint8_t scaled(uint32_t x, uint32_t y) {
  const uint32_t product = x * y + 128;
  return (uint8_t)((product + (product >> 8)) >> 8);
}

static void convert_pixel(const tiff_samples *samples, const uint32_t *values, uint8_t *rgba) {
  const uint32_t top = samples->bit_count < 8 ? (1u << samples->bit_count) - 1 : 255;
  switch (samples->photometric) {
    case PHOTOMETRIC_MINISWHITE:
      rgba[0] = rgba[1] = rgba[2] = (uint8_t)((top - values[0]) * 255 / top);
      break;
    case PHOTOMETRIC_MINISBLACK:
      rgba[0] = rgba[1] = rgba[2] = (uint8_t)(values[0] * 255 / top);
      break;
    case PHOTOMETRIC_PALETTE:
      for (int channel = 0; channel < 3; channel++) {
        rgba[channel] = samples->palette[values[0]][channel];
      }
      break;
    case PHOTOMETRIC_SEPARATED:
      for (int channel = 0; channel < 3; channel++) {
        const uint32_t light = 255 - values[3];
        rgba[channel] = (uint8_t)(light - scaled(values[channel], light));
      }
      break;
    default:
      for (int channel = 0; channel < 3; channel++) rgba[channel] = (uint8_t)values[channel];
      break;
  }
}

/// Takes alpha out of the colours again, as Pillow does.
static void divide_by_alpha(uint8_t *rgba) {
  const uint32_t alpha = rgba[3];
  if (alpha == 0 || alpha == 255) return;
  for (int channel = 0; channel < 3; channel++) {
    const uint32_t colour = 255 * (uint32_t)rgba[channel] / alpha;
    rgba[channel] = (uint8_t)(colour > 255 ? 255 : colour);
  }
}

const char *tiff_samples_refusal(const tiff_samples *samples) {
  const bool may_be_multiplied = samples->photometric == PHOTOMETRIC_MINISBLACK ||
                                 samples->photometric == PHOTOMETRIC_RGB;
  if (samples->has_unknown) {
    return "it does not say whether samples beyond its colours are alpha; save it with "
           "ExtraSamples, or with colours alone";
  }
  if (samples->alpha_count > 1) {
    return "it has several samples of alpha; save it with one of them at most, or mark the others "
           "as unspecified (ExtraSamples 0)";
  }
  if (samples->is_premultiplied && !may_be_multiplied) {
    return "its colours are multiplied by alpha, and are neither RGB nor grey (BlackIsZero); save "
           "it without alpha, or with alpha that is not associated (ExtraSamples 2)";
  }
  return NULL;
}

/// Returns a sample of a pixel.
static uint32_t value_at(
    const tiff_samples *samples, const uint8_t *const *rows, size_t x, size_t sample) {
  return samples->is_separate
             ? sample_at(rows[sample], x, samples->bit_count)
             : sample_at(rows[0], x * samples->count + sample, samples->bit_count);
}

void tiff_samples_convert(
    const tiff_samples *samples, const uint8_t *const *rows, uint8_t *rgba, size_t width) {
  uint32_t values[tiff_colour_count_limit] = {0};
  const uint32_t top = samples->bit_count < 8 ? (1u << samples->bit_count) - 1 : 255;
  for (size_t x = 0; x < width; x++, rgba += 4) {
    for (size_t sample = 0; sample < samples->colour_count; sample++) {
      values[sample] = value_at(samples, rows, x, sample);
    }
    convert_pixel(samples, values, rgba);
    rgba[3] = 255;
    if (samples->alpha >= 0) {
      rgba[3] = (uint8_t)(value_at(samples, rows, x, (size_t)samples->alpha) * 255 / top);
    }
    if (samples->is_premultiplied) divide_by_alpha(rgba);
  }
}

bool tiff_samples_fill(const tiff_samples *samples, codec_colour_table *table) {
  if (samples->count != 1 || samples->bit_count > 8) return false;
  uint8_t colours[256][4] = {{0}};
  for (uint32_t value = 0; value < 1u << samples->bit_count; value++) {
    convert_pixel(samples, &value, colours[value]);
    colours[value][3] = 255;
  }
  const image_codec_backdrop none = {0};
  codec_colour_table_fill(table, colours, none);
  return true;
}

bool tiff_samples_are_rgb(const tiff_samples *samples) {
  // libtiff returns RGB of a JPEG inside.
  return (samples->photometric == PHOTOMETRIC_RGB || samples->photometric == PHOTOMETRIC_YCBCR) &&
         samples->count == 3 && samples->bit_count == 8 && !samples->is_separate;
}

bool tiff_samples_are_bands(const tiff_samples *samples) {
  return (samples->photometric == PHOTOMETRIC_MINISBLACK ||
          samples->photometric == PHOTOMETRIC_RGB) &&
         (samples->bit_count == 8 || samples->bit_count == 16) && samples->alpha_count <= 1;
}

void tiff_samples_copy(
    const tiff_samples *samples, const uint8_t *const *rows, int skipped, uint16_t *values,
    size_t width) {
  const size_t count = samples->count;
  for (size_t x = 0; x < width; x++) {
    for (size_t sample = 0; sample < count; sample++) {
      if ((int)sample == skipped) continue;
      const uint8_t *row = rows[samples->is_separate ? sample : 0];
      const size_t index = samples->is_separate ? x : x * count + sample;
      *values++ =
          samples->bit_count == 8 ? row[index] : ((const uint16_t *)(const void *)row)[index];
    }
  }
}
