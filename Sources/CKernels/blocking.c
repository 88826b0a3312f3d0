#include "blocking.h"

// Tiles that a pass over the weights serves. More of them only fill the cache, unless the weights
// are too large to stay in a cache until the next pass (measured on an AMD EPYC for 64 to 512
// channels).
static const int64_t tiles_per_pass = 28;
static const int64_t cached_weight_byte_limit = 16 << 20;
// Tiles below which a thread shares them and takes a part of the output channels instead.
static const int64_t tiles_per_thread = 8;

static int64_t divided_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

winograd_blocking winograd_blocking_make(const winograd_convolution *c) {
  winograd_blocking b = {.channel_block = winograd_channel_block(c->instructions)};
  b.input_blocks = divided_up(c->input_channels, b.channel_block);
  b.output_blocks = divided_up(c->output_channels, b.channel_block);
  b.output_height = c->input_height + 2 * c->padding_height - (WINOGRAD_KERNEL - 1);
  b.output_width = c->input_width + 2 * c->padding_width - (WINOGRAD_KERNEL - 1);
  b.tile_rows = divided_up(b.output_height, WINOGRAD_OUTPUTS);
  b.tile_columns = divided_up(b.output_width, WINOGRAD_OUTPUTS);
  b.tile_count = c->batch * b.tile_rows * b.tile_columns;

  const int64_t block = b.channel_block;
  b.input_pixel = c->channels_last ? b.input_blocks * block : block;
  b.input_block = c->channels_last ? block : c->input_height * c->input_width * block;
  b.output_pixel = c->channels_last ? b.output_blocks * block : block;
  b.output_block = c->channels_last ? block : b.output_height * b.output_width * block;

  b.tile_parts = least(c->threads, divided_up(b.tile_count, tiles_per_thread));
  b.channel_parts = least(c->threads / b.tile_parts, divided_up(b.output_blocks, 2));

  const int64_t weight_byte_count = WINOGRAD_POINTS * b.input_blocks * b.output_blocks *
                                    b.channel_block * b.channel_block * (int64_t)sizeof(float);
  const int64_t tiles_per_part = divided_up(b.tile_count, b.tile_parts);
  const int64_t tiles =
      weight_byte_count > cached_weight_byte_limit ? WINOGRAD_TILE_LIMIT : tiles_per_pass;
  // Passes of one size, so that the last is not a small remainder.
  b.tiles = divided_up(tiles_per_part, divided_up(tiles_per_part, tiles));

  // One vector more, so that the points of a tile do not fall into one set of the cache.
  b.input_stride = (b.input_blocks * b.tiles + 1) * b.channel_block;
  b.product_stride = (2 * b.tiles + 1) * b.channel_block;
  return b;
}

// Bytes of both transforms in one pass over tiles, which a cache that cores share should hold, and
// tiles below which the sums are read and written again too often. Measured on an AMD EPYC (Zen 4)
// for 16 to 512 channels; half or twice as much makes little difference.
static const int64_t pass_byte_limit = 2 << 20;
static const int64_t tiles_per_gradient_pass = 64;

winograd_blocking winograd_blocking_make_gradient(const winograd_convolution *c) {
  winograd_blocking b = winograd_blocking_make(c);
  const int64_t tile_byte_count = WINOGRAD_POINTS * (b.input_blocks + b.output_blocks) *
                                  b.channel_block * (int64_t)sizeof(float);
  int64_t tiles = pass_byte_limit / tile_byte_count;
  if (tiles < tiles_per_gradient_pass) tiles = tiles_per_gradient_pass;
  tiles = least(tiles, WINOGRAD_GRADIENT_TILE_LIMIT);
  b.tiles = divided_up(b.tile_count, divided_up(b.tile_count, tiles));
  b.input_stride = (b.input_blocks * b.tiles + 1) * b.channel_block;
  b.product_stride = (b.output_blocks * b.tiles + 1) * b.channel_block;
  return b;
}
