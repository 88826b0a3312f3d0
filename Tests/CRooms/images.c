// Decodes files by CImageCodec: as every format, at every size, by both decoders of Huffman codes,
// whole and cut in half.
// usage: images FILE...
#include "CImageCodec.h"
#include "driver.h"

// Bounds the time under qemu; nothing of the tests is larger but what only claims to be.
enum { pixel_count_limit = 1 << 20, message_byte_count = IMAGE_CODEC_MESSAGE_BYTE_COUNT };

static const char *const formats[] = {"jpeg", "png", "webp", "gif", "tiff", "heif"};

typedef struct {
  image_codec_status status;
  uint64_t pixels;
  bool is_own;
  char message[message_byte_count];
} outcome;

typedef struct {
  uint32_t scale;
  image_codec_huffman huffman;
  image_codec_backdrop backdrop;
  bool reads_samples;
} manner;

static outcome decode(
    image_codec_format format, contents file, manner how, image_codec_header *header) {
  outcome result = {0};
  image_codec_reader *reader = NULL;
  result.status = image_codec_reader_open(
      format, file.bytes, file.byte_count, &reader, header, result.message, message_byte_count);
  if (result.status != IMAGE_CODEC_STATUS_OK) return result;
  if ((uint64_t)header->width * header->height > pixel_count_limit) {
    image_codec_reader_close(reader);
    return result;
  }
  image_codec_reader_choose_huffman(reader, how.huffman);
  image_codec_columns columns = {0, (header->width + how.scale - 1) / how.scale};
  result.status = image_codec_reader_start(
      reader, how.scale, &columns, how.backdrop, result.message, message_byte_count);
  const size_t pixel = how.reads_samples ? 2 * (size_t)header->sample_count : 3;
  const size_t row_byte_count = pixel * columns.count;
  uint8_t *row = memory_of(row_byte_count);
  const uint32_t rows = (header->height + how.scale - 1) / how.scale;
  for (uint32_t y = 0; y < rows && result.status == IMAGE_CODEC_STATUS_OK; y++) {
    result.status =
        how.reads_samples
            ? image_codec_reader_read_samples(reader, -1, row, result.message, message_byte_count)
            : image_codec_reader_read_row(reader, row, result.message, message_byte_count);
    if (result.status == IMAGE_CODEC_STATUS_OK)
      result.pixels = digest(result.pixels, row, row_byte_count);
  }
  if (result.status == IMAGE_CODEC_STATUS_OK)
    result.status = image_codec_reader_finish(reader, result.message, message_byte_count);
  result.is_own = image_codec_reader_has_own_huffman(reader);
  image_codec_reader_close(reader);
  free(row);
  return result;
}

static void print_outcome(const char *what, const outcome *o) {
  printf(
      "  %s: %d %016llx%s %s\n", what, o->status, (unsigned long long)o->pixels,
      o->is_own ? " own" : "", o->status == IMAGE_CODEC_STATUS_OK ? "" : o->message);
}

static void print_header(const image_codec_header *h) {
  printf(
      "  %u x %u, orientation %d, %d bits, alpha %d, scalable %d, colour %d, light %d, "
      "samples %d, bands %d, alpha band %d, %llu bytes\n",
      h->width, h->height, h->orientation, h->bit_depth, h->has_alpha, h->is_scalable, h->colour,
      h->has_light_alone, h->sample_count, h->has_bands, h->alpha_band,
      (unsigned long long)h->decoding_byte_count);
}

// Returns whether the file is such an image.
static bool try_format(const char *name, image_codec_format format, contents file) {
  image_codec_header header = {0};
  manner how = {.scale = 1, .huffman = IMAGE_CODEC_HUFFMAN_LIBRARY};
  const outcome plain = decode(format, file, how, &header);
  printf("%s as %s, %zu bytes:\n", name, formats[format], file.byte_count);
  print_outcome("whole", &plain);
  if (header.width == 0) return false;
  print_header(&header);
  how.backdrop = (image_codec_backdrop){true, 200, 100, 50};
  const outcome composed = decode(format, file, how, &header);
  print_outcome("composed", &composed);
  if (header.has_bands) {
    how.reads_samples = true;
    const outcome samples = decode(format, file, how, &header);
    print_outcome("samples", &samples);
    how.reads_samples = false;
  }
  for (how.scale = 1; how.scale <= (header.is_scalable ? 8 : 1); how.scale *= 2) {
    how.huffman = IMAGE_CODEC_HUFFMAN_LIBRARY;
    const outcome library = decode(format, file, how, &header);
    how.huffman = IMAGE_CODEC_HUFFMAN_OWN;
    const outcome own = decode(format, file, how, &header);
    require(
        own.status == library.status && own.pixels == library.pixels &&
            strcmp(own.message, library.message) == 0,
        "%s at 1/%u: both decoders of Huffman codes must give the same", name, how.scale);
    print_outcome("scaled", &own);
  }
  return plain.status == IMAGE_CODEC_STATUS_OK;
}

static bool try_all(const char *name, contents file) {
  bool is_image = false;
  for (int format = IMAGE_CODEC_FORMAT_JPEG; format <= IMAGE_CODEC_FORMAT_HEIF; format++)
    is_image |= try_format(name, (image_codec_format)format, file);
  return is_image;
}

// What the writers make of pixels; a PNG must give the same pixels again.
static void encode(void) {
  enum { width = 61, height = 37, capacity = 1 << 16 };
  uint8_t *pixels = memory_of(3 * width * height), *bytes = memory_of(capacity);
  for (size_t index = 0; index < 3 * width * height; index++)
    pixels[index] = (uint8_t)(index * index / 97 + index % 3 * 80);
  contents file = {bytes, image_codec_png_encode(pixels, width, height, bytes, capacity)};
  image_codec_header header = {0};
  const outcome png = decode(IMAGE_CODEC_FORMAT_PNG, file, (manner){.scale = 1}, &header);
  require(
      png.status == IMAGE_CODEC_STATUS_OK &&
          png.pixels == digest(no_bytes_digest, pixels, 3 * width * height),
      "a PNG must give the pixels that it was made of");
  printf("png: %zu %016llx\n", file.byte_count, (unsigned long long)png.pixels);
  file.byte_count = image_codec_webp_encode(pixels, width, height, 80, bytes, capacity);
  require(file.byte_count > 0, "no WebP is made");
  printf("webp: %016llx\n", (unsigned long long)digest(0, file.bytes, file.byte_count));
  free(pixels);
  free(bytes);
}

int main(int argc, char **argv) {
  int decoded = 0;
  for (int index = 1; index < argc; index++) {
    const contents file = read_file(argv[index]);
    decoded += try_all(name_of(argv[index]), file);
    // A block of its own, so that nothing stands after the last byte.
    const contents half = {malloc(file.byte_count / 2 + 1), file.byte_count / 2};
    memcpy(half.bytes, file.bytes, half.byte_count);
    try_all(name_of(argv[index]), half);
    free(half.bytes);
    free(file.bytes);
  }
  encode();
  require(2 * decoded > argc, "%d of %d files are images", decoded, argc - 1);
  printf("%d images of %d files\n", decoded, argc - 1);
  char version[64];
  require(image_codec_version_tiff(version, sizeof version), "libtiff is not found");
  require(image_codec_version_heif(version, sizeof version), "libheif is not found");
  require(image_codec_version_de265(version, sizeof version), "libde265 is not found");
  require(image_codec_version_dav1d(version, sizeof version), "dav1d is not found");
}
