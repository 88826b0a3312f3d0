#include <algorithm>

#include "heif.h"

// ITU-T H.273, section 8.3: from light and chroma to red, green and blue. libheif 1.15 leaves the
// range of light alone as it is, narrows that of identity, and stretches others by 256 of 219 parts
// where 255 are meant.
//
// Pixels keep the bits of the frame, for libheif wants those of the tiles of a grid to be the
// grid's. But they have values of eight bits, rounded, in their upper bits: libheif drops the rest.

namespace {

enum matrix_number {
  matrix_identity = 0,
  matrix_bt709 = 1,
  matrix_unspecified = 2,
  matrix_fcc = 4,
  matrix_bt601_625 = 5,
  matrix_bt601_525 = 6,
  matrix_smpte240 = 7,
  matrix_ycgco = 8,
  matrix_bt2020 = 9,
  matrix_from_primaries = 12,
};

/// Parts of the first and the second chroma, -0.5 to 0.5, that are added to light, 0 to 1, for
/// each of red, green and blue.
struct matrix {
  float parts[3][2];
};

/// Matrix of the shares that red and blue have in light.
matrix matrix_of(double red, double blue) {
  const double green = 1 - red - blue;
  return {{{0, static_cast<float>(2 - 2 * red)},
           {static_cast<float>(-2 * blue * (1 - blue) / green),
            static_cast<float>(-2 * red * (1 - red) / green)},
           {static_cast<float>(2 - 2 * blue), 0}}};
}

/// Chromaticities x and y of red, green, blue and white: H.273, table 2.
struct primaries {
  uint16_t number;
  double points[4][2];
};

const primaries known_primaries[] = {
    {1, {{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}, {0.3127, 0.3290}}},
    {4, {{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}, {0.310, 0.316}}},
    {5, {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}, {0.3127, 0.3290}}},
    {6, {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, {0.3127, 0.3290}}},
    {7, {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, {0.3127, 0.3290}}},
    {8, {{0.681, 0.319}, {0.243, 0.692}, {0.145, 0.049}, {0.310, 0.316}}},
    {9, {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, {0.3127, 0.3290}}},
    {11, {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, {0.314, 0.351}}},
    {12, {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, {0.3127, 0.3290}}},
    {22, {{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}, {0.3127, 0.3290}}},
};

/// Determinant of three colours of the same light, by their chromaticities.
double volume(const double (&a)[2], const double (&b)[2], const double (&c)[2]) {
  const auto row = [](const double (&point)[2], double (&out)[3]) {
    out[0] = point[0] / point[1];
    out[1] = 1;
    out[2] = (1 - point[0] - point[1]) / point[1];
  };
  double x[3], y[3], z[3];
  row(a, x);
  row(b, y);
  row(c, z);
  return x[0] * (y[1] * z[2] - y[2] * z[1]) - x[1] * (y[0] * z[2] - y[2] * z[0]) +
         x[2] * (y[0] * z[1] - y[1] * z[0]);
}

/// Returns the matrix in which red and blue have the shares that make white of the primaries.
/// Unknown ones are taken for those of BT.709.
matrix matrix_of_primaries(uint16_t number) {
  const primaries *chosen = &known_primaries[0];
  for (const primaries &known : known_primaries) {
    if (known.number == number) chosen = &known;
  }
  const auto &[red, green, blue, white] = chosen->points;
  const double all = volume(red, green, blue);
  return matrix_of(volume(white, green, blue) / all, volume(red, green, white) / all);
}

/// Finds the matrix of a number; false for one that is not known.
bool find_matrix(const heif_colours &colours, matrix &found) {
  switch (colours.matrix) {
    case matrix_bt709: found = matrix_of(0.2126, 0.0722); return true;
    case matrix_fcc: found = matrix_of(0.30, 0.11); return true;
    case matrix_unspecified: case matrix_bt601_625: case matrix_bt601_525:
      found = matrix_of(0.299, 0.114);
      return true;
    case matrix_smpte240: found = matrix_of(0.212, 0.087); return true;
    case matrix_bt2020: found = matrix_of(0.2627, 0.0593); return true;
    case matrix_ycgco: found = {{{-1, 1}, {1, 0}, {-1, -1}}}; return true;
    case matrix_from_primaries: found = matrix_of_primaries(colours.primaries); return true;
    default: return false;
  }
}

/// How stored numbers become light, 0 to 255, and chroma, -127.5 to 127.5.
struct scale {
  float offset;
  float factor;
  float chroma_offset;
  float chroma_factor;
};

scale scale_of(int bit_count, bool is_full_range) {
  const float unit = static_cast<float>(1 << (bit_count - 8));
  const float top = static_cast<float>((1 << bit_count) - 1);
  return {is_full_range ? 0 : 16 * unit, is_full_range ? 255 / top : 255 / (219 * unit),
          128 * unit, is_full_range ? 255 / top : 255 / (224 * unit)};
}

/// Returns a value of 0 to 255 in the upper eight bits of a sample.
template <typename Sample>
Sample sample_of(float value, int shift) {
  const float inside = std::min(std::max(value, 0.0f), 255.0f);
  return static_cast<Sample>(static_cast<int>(inside + 0.5f) << shift);
}

template <typename Sample>
struct planes {
  const Sample *light;
  const Sample *chromas[2];
  Sample *rgb[3];
};

template <typename Sample>
void convert_grey(
    const planes<Sample> &row, size_t width, const scale &scale, int shift) {
  for (size_t x = 0; x < width; x++) {
    const float light = (static_cast<float>(row.light[x]) - scale.offset) * scale.factor;
    row.rgb[0][x] = row.rgb[1][x] = row.rgb[2][x] = sample_of<Sample>(light, shift);
  }
}

/// Green, blue and red are stored as they are.
template <typename Sample>
void convert_identity(
    const planes<Sample> &row, size_t width, const scale &scale, int shift) {
  const Sample *stored[3] = {row.chromas[1], row.light, row.chromas[0]};
  for (int channel = 0; channel < 3; channel++) {
    for (size_t x = 0; x < width; x++) {
      const float value =
          (static_cast<float>(stored[channel][x]) - scale.offset) * scale.factor;
      row.rgb[channel][x] = sample_of<Sample>(value, shift);
    }
  }
}

/// Chroma of half the width is repeated.
template <typename Sample>
void convert_colours(
    const planes<Sample> &row, size_t width, size_t halving, const matrix &matrix,
    const scale &scale, int shift) {
  for (size_t x = 0; x < width; x++) {
    const float light = (static_cast<float>(row.light[x]) - scale.offset) * scale.factor;
    float chromas[2];
    for (int index = 0; index < 2; index++) {
      const float stored = static_cast<float>(row.chromas[index][x >> halving]);
      chromas[index] = (stored - scale.chroma_offset) * scale.chroma_factor;
    }
    for (int channel = 0; channel < 3; channel++) {
      const float *parts = matrix.parts[channel];
      row.rgb[channel][x] = sample_of<Sample>(
          light + parts[0] * chromas[0] + parts[1] * chromas[1], shift);
    }
  }
}

template <typename Sample>
const Sample *row_of(const heif_frame_plane &plane, int row) {
  return reinterpret_cast<const Sample *>(plane.bytes + row * plane.stride);
}

/// What all rows of a frame have in common.
struct conversion {
  bool is_grey;
  bool is_identity;
  size_t halving;
  int row_halving;
  matrix colours;
  scale numbers;
};

template <typename Sample>
void convert_rows(
    const heif_frame &frame, const conversion &how, uint8_t *const (&targets)[3],
    const int (&strides)[3]) {
  const auto width = static_cast<size_t>(frame.width);
  const int shift = frame.bit_count - 8;
  for (int y = 0; y < frame.height; y++) {
    planes<Sample> row = {};
    row.light = row_of<Sample>(frame.planes[0], y);
    for (int channel = 0; channel < 3; channel++) {
      row.rgb[channel] = reinterpret_cast<Sample *>(
          targets[channel] + static_cast<ptrdiff_t>(y) * strides[channel]);
    }
    if (how.is_grey) {
      convert_grey(row, width, how.numbers, shift);
      continue;
    }
    for (int index = 0; index < 2; index++) {
      row.chromas[index] = row_of<Sample>(frame.planes[index + 1], y >> how.row_halving);
    }
    if (how.is_identity) {
      convert_identity(row, width, how.numbers, shift);
    } else {
      convert_colours(row, width, how.halving, how.colours, how.numbers, shift);
    }
  }
}

heif_error refuse(const char *reason) {
  current_allowance.refusal = reason;
  return {heif_error_Unsupported_feature, heif_suberror_Unsupported_color_conversion, reason};
}

/// Returns whether all planes that are read are as large as the frame asks for.
bool has_planes(const heif_frame &frame, const conversion &how) {
  if (frame.width <= 0 || frame.height <= 0) return false;
  for (int index = 0; index < (how.is_grey ? 1 : 3); index++) {
    const heif_frame_plane &plane = frame.planes[index];
    const int halving = index == 0 ? 0 : static_cast<int>(how.halving);
    const int row_halving = index == 0 ? 0 : how.row_halving;
    if (plane.bytes == nullptr) return false;
    if (plane.width <= (frame.width - 1) >> halving) return false;
    if (plane.height <= (frame.height - 1) >> row_halving) return false;
  }
  return true;
}

heif_error convert_into(const heif_frame &frame, const conversion &how, heif_image *image) {
  static const heif_channel channels[3] = {heif_channel_R, heif_channel_G, heif_channel_B};
  const heif_library *heif = heif_library_shared();
  uint8_t *targets[3] = {};
  int strides[3] = {};
  for (int index = 0; index < 3; index++) {
    const heif_error error = heif->image_add_plane(
        image, channels[index], frame.width, frame.height, frame.bit_count);
    if (error.code != heif_error_Ok) return error;
    targets[index] = heif->image_plane(image, channels[index], &strides[index]);
    if (targets[index] == nullptr) return heif_no_memory;
  }
  if (frame.bit_count == 8) {
    convert_rows<uint8_t>(frame, how, targets, strides);
  } else {
    convert_rows<uint16_t>(frame, how, targets, strides);
  }
  return heif_success;
}

}  // namespace

heif_error heif_frame_convert(
    const heif_frame &frame, const heif_colours &colours, bool is_alpha, heif_image **image) {
  conversion how = {};
  how.is_grey = is_alpha || frame.chroma == heif_chroma_monochrome;
  how.is_identity = colours.matrix == matrix_identity;
  how.halving = frame.chroma == heif_chroma_420 || frame.chroma == heif_chroma_422 ? 1 : 0;
  how.row_halving = frame.chroma == heif_chroma_420 ? 1 : 0;
  if (frame.bit_count < 8 || frame.bit_count > 16 || !has_planes(frame, how)) return heif_damaged;
  how.numbers = scale_of(frame.bit_count, colours.is_full_range);
  if (!how.is_grey && how.is_identity && how.halving != 0) {
    return refuse("it stores red and blue at half the size; save it with 4:4:4, or as a PNG");
  }
  if (!how.is_grey && !how.is_identity && !find_matrix(colours, how.colours)) {
    return refuse(
        "its matrix of colours is not one of RGB, BT.709, BT.601, FCC, SMPTE 240M, YCgCo and "
        "BT.2020 of non-constant luminance; save it with one of these, or as a PNG");
  }
  const heif_library *heif = heif_library_shared();
  heif_image *made = nullptr;
  heif_error error = heif->image_create(
      frame.width, frame.height, heif_colorspace_RGB, heif_chroma_444, &made);
  if (error.code != heif_error_Ok) return error;
  error = convert_into(frame, how, made);
  if (error.code != heif_error_Ok) {
    heif->image_release(made);
    return error;
  }
  *image = made;
  return heif_success;
}
