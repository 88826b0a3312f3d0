// Compresses files by CCompression and decompresses them again, in pieces of several sizes, whole,
// cut and damaged.
// usage: compression FILE...
#include "CCompression.h"
#include "driver.h"

static const char *const formats[] = {"gzip", "zlib", "zstd"};

typedef struct {
  compression_status status;
  uint64_t bytes;
  size_t byte_count;
  const char *reason;
} outcome;

static outcome decompress(compression_format format, contents input, size_t room) {
  outcome result = {.status = COMPRESSION_GOES_ON, .reason = ""};
  decompression *reading = decompression_create(format);
  uint8_t *piece = malloc(room);
  require(reading && piece, "no memory");
  size_t offset = 0;
  while (result.status == COMPRESSION_GOES_ON) {
    size_t written = 0;
    result.status = decompression_step(
        reading, input.bytes, input.byte_count, &offset, piece, room, &written);
    require(written <= room && offset <= input.byte_count, "a step goes too far");
    result.bytes = digest(result.bytes, piece, written);
    result.byte_count += written;
  }
  // The words are the library's own.
  if (result.status == COMPRESSION_CORRUPT) result.reason = decompression_reason(reading);
  decompression_destroy(reading);
  free(piece);
  return result;
}

static void print_outcome(const char *what, outcome o) {
  printf(
      "  %s: %d %zu %016llx %s\n", what, o.status, o.byte_count, (unsigned long long)o.bytes,
      o.reason);
}

static void try_format(const char *name, compression_format format, contents plain) {
  const size_t room = 2 * plain.byte_count + 1024;
  contents packed = {.bytes = malloc(room)};
  require(packed.bytes, "no memory");
  const compression_status status = compression_compress(
      format, plain.bytes, plain.byte_count, packed.bytes, room, &packed.byte_count);
  require(status == COMPRESSION_DONE, "%s is not compressed: %d", name, status);
  printf(
      "%s as %s: %zu to %zu, %016llx\n", name, formats[format], plain.byte_count,
      packed.byte_count, (unsigned long long)digest(0, packed.bytes, packed.byte_count));
  static const size_t rooms[] = {1, 100, 1 << 16};
  for (size_t index = 0; index < sizeof rooms / sizeof rooms[0]; index++) {
    if (rooms[index] == 1 && plain.byte_count > 4096) continue;
    const outcome again = decompress(format, packed, rooms[index]);
    require(
        again.status == COMPRESSION_DONE && again.byte_count == plain.byte_count &&
            again.bytes == digest(0, plain.bytes, plain.byte_count),
        "%s comes out otherwise than it went in", name);
  }
  for (size_t part = 1; part < 8; part++) {
    const contents cut = {packed.bytes, packed.byte_count * part / 8};
    if (cut.byte_count > 0) print_outcome("cut", decompress(format, cut, 1 << 12));
    const size_t place = packed.byte_count * part / 8;
    packed.bytes[place] ^= 0x80;
    print_outcome("damaged", decompress(format, packed, 1 << 12));
    packed.bytes[place] ^= 0x80;
  }
  free(packed.bytes);
}

int main(int argc, char **argv) {
  require(argc > 1, "usage: compression FILE...");
  for (int index = 1; index < argc; index++) {
    const contents file = read_file(argv[index]);
    for (int format = COMPRESSION_GZIP; format <= COMPRESSION_ZSTD; format++) {
      try_format(name_of(argv[index]), (compression_format)format, file);
      if (file.byte_count > 0)
        print_outcome("as it is", decompress((compression_format)format, file, 1 << 12));
    }
    free(file.bytes);
  }
}
