#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

#include "CImageCodec.h"

// Huffman decoding of JPEGs in the place of libjpeg-turbo's, which takes most of the time of a
// large photograph. The rest of the library goes on as it is: markers, inverse transform,
// upsampling and colours. So pixels are the library's to the bit, and errors are its own:
//
//   library's coefficient controller ── entropy->decode_mcu ──> this decoder
//                                                                    │ anything but clean data
//                                                                    v
//       the library's decoder: reads the scan from its first byte again, and all that follows
//
// Until then the library's decoder and the source of bytes are as they were when the scan began, so
// that nothing of its state has to be known or made up. Only the three members of
// `struct jpeg_entropy_decoder` that <jpegint.h> declares are used.

typedef struct codec_huffman codec_huffman;

/// Returns whether the decoder pays where this many bytes follow the header: its tables have to be
/// built first, and its memory has to be taken.
bool codec_huffman_pays(size_t byte_count);

/// Returns the bytes of the decoder that grow with the image, whose header has been read. Its
/// tables and buffers take some 62 KB whatever the image.
uint64_t codec_huffman_byte_count(j_decompress_ptr info);

/// Puts a decoder in the place of the library's, which must stand before the first byte of the
/// first scan: within the first call to the progress monitor if there are several scans, else once
/// `jpeg_start_decompress` has returned. The source must hold the whole file. Returns null, and
/// leaves everything as it was, if the library is not as expected, the scan is of a kind that is
/// left to it, or memory is short. The caller frees the decoder after the last row.
codec_huffman *codec_huffman_attach(j_decompress_ptr info);

/// Returns whether the decoder has decoded all scans so far itself.
bool codec_huffman_is_in_charge(
    const codec_huffman *decoder, const struct jpeg_decompress_struct *info);

void codec_huffman_free(codec_huffman *decoder);

/// Returns whether both decoders give the same pixels for images made for this purpose; found out
/// once in the life of the process.
bool codec_huffman_is_proven(void);
