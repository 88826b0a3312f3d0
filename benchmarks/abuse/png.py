"""PNG files made to be expensive. All but few are whole."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# First column and row of each of Adam7's passes, and the steps to the next.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
PIECE = bytes(1 << 20)


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def header(width: int, height: int, depth: int, colour: int, interlaced: bool = False) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))


def zeros(byte_count: int) -> bytes:
    """A stream that inflates to so many zeros."""
    packer = zlib.compressobj(9)
    out = b"".join(packer.compress(PIECE) for _ in range(byte_count // len(PIECE)))
    return out + packer.compress(bytes(byte_count % len(PIECE))) + packer.flush()


def raw_byte_count(width: int, height: int, depth: int, colour: int, interlaced: bool) -> int:
    bits = depth * CHANNELS[colour]
    if not interlaced:
        return height * (1 + -(-width * bits // 8))
    total = 0
    for x, y, across, down in PASSES:
        columns, rows = -(-(width - x) // across), -(-(height - y) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def black(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: bool = False,
          extra: int = 0, between: bytes = b"", cut: bool = False) -> bytes:
    """One colour; `extra` bytes more than it needs, `between` before the pixels."""
    stream = zeros(raw_byte_count(width, height, depth, colour, interlaced) + extra)
    if cut:
        stream = stream[:len(stream) // 2]
    return (header(width, height, depth, colour, interlaced) + between + chunk(b"IDAT", stream)
            + chunk(b"IEND"))


def tiny_chunks(count: int) -> bytes:
    """Its pixels in chunks of one byte, among as many empty ones."""
    side = 512
    # Stored, so that there are enough bytes.
    stream = zlib.compress(bytes(raw_byte_count(side, side, 8, 0, False)), 0)
    first = b"".join(chunk(b"IDAT", stream[at:at + 1]) + chunk(b"IDAT")
                     for at in range(count // 2))
    return header(side, side, 8, 0) + first + chunk(b"IDAT", stream[count // 2:]) + chunk(b"IEND")


def text_bomb(inflated: int) -> bytes:
    """A compressed text and a profile that inflate without an end."""
    stream = zeros(inflated)
    return black(64, 64, between=chunk(b"iCCP", b"p\0\0" + stream)
                 + chunk(b"zTXt", b"t\0\0" + stream) + chunk(b"iTXt", b"t\0\1\0\0\0" + stream))


def chunk_storm(count: int) -> bytes:
    return black(64, 64, between=chunk(b"tEXt", b"a\0b") * count)
