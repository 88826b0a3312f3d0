#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Reader of encoded images that returns rows of RGB: one interface to libjpeg-turbo, libspng,
// libwebp and giflib, and to libtiff and libheif, which are opened when they are first needed and
// need not be installed.
//
// A reader belongs to one thread at a time. It borrows the encoded bytes, which must stay in place
// until it is closed. Nothing longer than a row is allocated before `image_codec_reader_start`, so
// that a caller can refuse an image by its header.

typedef enum image_codec_format {
  IMAGE_CODEC_FORMAT_JPEG = 0,
  IMAGE_CODEC_FORMAT_PNG = 1,
  IMAGE_CODEC_FORMAT_WEBP = 2,
  IMAGE_CODEC_FORMAT_GIF = 3,
  IMAGE_CODEC_FORMAT_TIFF = 4,
  /// AVIF and HEIC.
  IMAGE_CODEC_FORMAT_HEIF = 5,
} image_codec_format;

typedef enum image_codec_status {
  IMAGE_CODEC_STATUS_OK = 0,
  /// The bytes break the rules of their format.
  IMAGE_CODEC_STATUS_CORRUPT = 1,
  /// The bytes end too early.
  IMAGE_CODEC_STATUS_TRUNCATED = 2,
  /// A valid image of a kind that is not decoded (12-bit or arithmetic-coded JPEG, …).
  IMAGE_CODEC_STATUS_UNSUPPORTED = 3,
  IMAGE_CODEC_STATUS_OUT_OF_MEMORY = 4,
} image_codec_status;

typedef enum image_codec_colour {
  IMAGE_CODEC_COLOUR_GREY = 0,
  IMAGE_CODEC_COLOUR_RGB = 1,
  IMAGE_CODEC_COLOUR_CMYK = 2,
} image_codec_colour;

enum {
  /// Bytes of a message buffer that holds every message whole.
  IMAGE_CODEC_MESSAGE_BYTE_COUNT = 256,
  /// Scans of one progressive JPEG, each of which costs a pass over the whole image. Encoders write
  /// about ten.
  IMAGE_CODEC_JPEG_SCAN_LIMIT = 100,
  /// Blocks of 8 x 8 coefficients that all scans of a JPEG may visit together: twenty scans of a
  /// colour image of 40 million pixels visit some 13 million.
  IMAGE_CODEC_JPEG_VISIT_LIMIT = 1 << 24,
  /// Fewer are allowed for small files, whose scans hold nothing: so many whatever their size, …
  IMAGE_CODEC_JPEG_FREE_VISIT_COUNT = 1 << 21,
  /// … and so many for each byte. Encoders write at least a bit for each block and channel.
  IMAGE_CODEC_JPEG_VISIT_COUNT_PER_BYTE = 64,
  /// Bytes in a scan of a JPEG that belong to no code and are not taken for damage.
  IMAGE_CODEC_JPEG_EXTRANEOUS_BYTE_COUNT = 16,
  /// Bytes of a JPEG from which on tables of this target's own for its Huffman codes pay.
  IMAGE_CODEC_OWN_HUFFMAN_BYTE_COUNT = 8 << 10,
  /// Groups of prefix codes that a lossless WebP is expected to have at most. It may have 65,536,
  /// which take hundreds of megabytes: only a limit on the process helps.
  IMAGE_CODEC_WEBP_GROUP_COUNT = 1024,
  /// Strips or tiles of a TIFF.
  IMAGE_CODEC_TIFF_PIECE_LIMIT = 1 << 20,
  /// Samples of a pixel of a TIFF.
  IMAGE_CODEC_SAMPLE_LIMIT = 32,
};

typedef struct image_codec_header {
  uint32_t width;
  uint32_t height;
  /// EXIF orientation, 1 to 8; 1 if the file has no valid one.
  uint8_t orientation;
  /// Bits of one sample: 1, 2, 4, 8, 10, 12 or 16.
  uint8_t bit_depth;
  bool has_alpha;
  /// Whether the image can be decoded at 1/2, 1/4 and 1/8 of its size.
  bool is_scalable;
  image_codec_colour colour;
  /// Whether an image whose colour is not grey stores light alone.
  bool has_light_alone;
  /// Samples that are stored for each pixel, alpha among them; 0 in formats that have none but
  /// those of the colour and alpha.
  uint8_t sample_count;
  /// Whether `image_codec_reader_read_samples` reads the image: its samples are numbers of 8 or 16
  /// bits, of which 0 is the least light.
  bool has_bands;
  /// Number of the sample that is alpha, or -1; of an image with bands.
  int8_t alpha_band;
  /// Bytes that the codec holds at once while it decodes at full size and that grow with the image;
  /// decoding at a smaller size takes no more.
  uint64_t decoding_byte_count;
} image_codec_header;

/// Decoder of a JPEG's Huffman codes. All give the same pixels, and the same errors for what is
/// damaged.
typedef enum image_codec_huffman {
  /// The fastest for the image.
  IMAGE_CODEC_HUFFMAN_AUTOMATIC = 0,
  /// libjpeg-turbo's.
  IMAGE_CODEC_HUFFMAN_LIBRARY = 1,
  /// The one of this target, which leaves to the library what is not clean, or not known to it.
  IMAGE_CODEC_HUFFMAN_OWN = 2,
} image_codec_huffman;

/// Treatment of transparency.
typedef struct image_codec_backdrop {
  /// False takes the colours as stored and drops alpha.
  bool composes;
  uint8_t red;
  uint8_t green;
  uint8_t blue;
} image_codec_backdrop;

/// Range of columns of the decoded image.
typedef struct image_codec_columns {
  uint32_t first;
  uint32_t count;
} image_codec_columns;

typedef struct image_codec_reader image_codec_reader;

/// Reads the header. On success the caller must close `*reader`; on failure it is null and
/// `message` holds a terminated string.
image_codec_status image_codec_reader_open(
    image_codec_format format, const uint8_t *_Nonnull bytes, size_t byte_count,
    image_codec_reader *_Nullable *_Nonnull reader, image_codec_header *_Nonnull header,
    char *_Nonnull message, size_t message_byte_count);

/// Takes the memory that decoding needs. Called once, before the first row. The sides of the
/// decoded image are those stored, divided by `scale_denominator` and rounded up: 1, or 2, 4 or 8
/// if the header says that the image is scalable. A last row or column may then stand for fewer
/// stored ones than the rest. `*columns` gives the wanted columns, at least one; it is set to those
/// that rows will hold, which include all that are wanted.
image_codec_status image_codec_reader_start(
    image_codec_reader *_Nonnull reader, uint32_t scale_denominator,
    image_codec_columns *_Nonnull columns, image_codec_backdrop backdrop, char *_Nonnull message,
    size_t message_byte_count);

/// Writes the next row, 3 bytes of RGB for each of its columns, top to bottom as stored. Called at
/// most once for each row of the scaled image.
image_codec_status image_codec_reader_read_row(
    image_codec_reader *_Nonnull reader, uint8_t *_Nonnull row, char *_Nonnull message,
    size_t message_byte_count);

/// Writes the samples of the next row as they are stored, in the order of this machine's bytes, 2
/// bytes for each of `sample_count` in each of its columns, without that of number `skipped` if it
/// is not negative. Called in place of `image_codec_reader_read_row` for every row or for none, if
/// the header says that the image has bands. `row` is aligned to 2 bytes.
image_codec_status image_codec_reader_read_samples(
    image_codec_reader *_Nonnull reader, int skipped, uint8_t *_Nonnull row,
    char *_Nonnull message, size_t message_byte_count);

/// Checks the bytes after the last row. Called after all rows.
image_codec_status image_codec_reader_finish(
    image_codec_reader *_Nonnull reader, char *_Nonnull message, size_t message_byte_count);

/// Chooses what decodes the Huffman codes of a JPEG; of other formats, nothing. Called before
/// `image_codec_reader_start`, by tests and benchmarks.
void image_codec_reader_choose_huffman(
    image_codec_reader *_Nonnull reader, image_codec_huffman choice);

/// Returns whether the decoder of this target has decoded all Huffman codes so far.
bool image_codec_reader_has_own_huffman(const image_codec_reader *_Nonnull reader);

/// Frees the reader, whatever its state.
void image_codec_reader_close(image_codec_reader *_Nonnull reader);

/// Versions of the libraries, terminated strings of static storage.
const char *_Nonnull image_codec_version_jpeg(void);
const char *_Nonnull image_codec_version_png(void);
/// 0xMMmmpp: major, minor, patch.
uint32_t image_codec_version_webp(void);
const char *_Nonnull image_codec_version_gif(void);

/// Libraries that are opened when they are first needed. Each function returns false if the library
/// is not installed, and else writes its version, cut to fit.
bool image_codec_version_tiff(char *_Nonnull text, size_t byte_count);
bool image_codec_version_heif(char *_Nonnull text, size_t byte_count);
bool image_codec_version_de265(char *_Nonnull text, size_t byte_count);
bool image_codec_version_dav1d(char *_Nonnull text, size_t byte_count);

/// Writes the RGB of `count` indices of 1, 2, 4 or 8 bits, which are packed from the highest bit of
/// each byte on. `colours` has four bytes for each of 256 indices, of which the last is nothing.
void image_codec_expand_indices(
    const uint8_t *_Nonnull colours, const uint8_t *_Nonnull indices, unsigned bit_count,
    uint8_t *_Nonnull rgb, size_t count);

/// Writes `count` pixels of blue, green and red as RGB.
void image_codec_reverse_colours(
    const uint8_t *_Nonnull bgr, uint8_t *_Nonnull rgb, size_t count);

/// Writes `count` pixels of four bytes as RGBA. `places` are those of red, green, blue and alpha in
/// a pixel, 0 to 3; alpha is 255 if its place is 4.
void image_codec_pick_bytes(
    const uint8_t *_Nonnull pixels, const uint8_t *_Nonnull places, uint8_t *_Nonnull rgba,
    size_t count);

/// Composes `count` pixels of RGBA over the backdrop. `rgb` may be the same memory as `rgba`.
void image_codec_compose_row(
    const uint8_t *_Nonnull rgba, uint8_t *_Nonnull rgb, size_t count,
    image_codec_backdrop backdrop);

/// Writes a PNG of rows of RGB. Returns its bytes, or 0 if it could not be made or has more than
/// `capacity`.
size_t image_codec_png_encode(
    const uint8_t *_Nonnull rgb, uint32_t width, uint32_t height, uint8_t *_Nonnull bytes,
    size_t capacity);

/// Writes a lossy WebP of rows of RGB; quality is 0 to 100. Returns its bytes, or 0 if it could not
/// be made or has more than `capacity`.
size_t image_codec_webp_encode(
    const uint8_t *_Nonnull rgb, uint32_t width, uint32_t height, float quality,
    uint8_t *_Nonnull bytes, size_t capacity);

enum {
  /// Fractional bits of the fixed-point weights of resampling.
  IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT = 22,
  /// Bytes of which the length of a row for the vertical pass is a multiple.
  IMAGE_CODEC_RESAMPLE_LANE_COUNT = 16,
};

/// Horizontal pass over a row of RGB. Output pixel `i` is the sum of the `tap_count` pixels from
/// `starts[i]`, weighted by `weights[i * tap_count...]`. One byte after the last pixel is read.
void image_codec_resample_row(
    const uint8_t *_Nonnull source, uint8_t *_Nonnull target, size_t output_count,
    size_t tap_count, const ptrdiff_t *_Nonnull starts, const int32_t *_Nonnull weights);

/// Vertical pass: the weighted sum of `count` rows, `stride` bytes apart and long.
void image_codec_resample_columns(
    const uint8_t *_Nonnull rows, size_t stride, size_t count, const int32_t *_Nonnull weights,
    uint8_t *_Nonnull target);

/// Both passes over rows of `band_count` samples of 2 bytes, at most IMAGE_CODEC_SAMPLE_LIMIT, in
/// numbers up to `top`. Rows are aligned to 2 bytes. The sums of samples of up to 8 bits are those
/// of the passes over RGB; nothing is read beyond a row.
void image_codec_resample_band_row(
    const uint8_t *_Nonnull source, uint8_t *_Nonnull target, size_t band_count, uint16_t top,
    size_t output_count, size_t tap_count, const ptrdiff_t *_Nonnull starts,
    const int32_t *_Nonnull weights);

/// `stride` is the bytes of a row.
void image_codec_resample_band_columns(
    const uint8_t *_Nonnull rows, size_t stride, size_t count, uint16_t top,
    const int32_t *_Nonnull weights, uint8_t *_Nonnull target);

#ifdef __cplusplus
}
#endif
