"""WebP files made to be expensive: lossless ones of one colour, animations, tables without end."""

import struct

# The order in which the lengths of the codes for code lengths are written.
LENGTH_ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, *range(6, 16)]
SIDE_LIMIT = 16_384
GROUPS_A_SIDE = 256


class Bits:
    """Lowest bit first."""

    def __init__(self) -> None:
        self.value, self.count, self.done = 0, 0, bytearray()

    def put(self, value: int, width: int) -> None:
        self.value |= value << self.count
        self.count += width
        while self.count >= 8:
            self.done.append(self.value & 0xFF)
            self.value >>= 8
            self.count -= 8

    def one_symbol(self) -> None:
        """A simple code of the one symbol 0, which takes no bits."""
        self.put(1, 4)

    def all_bytes(self, others: int) -> None:
        """A code of eight bits for each of 256 symbols, and of none for `others`."""
        self.put(0, 1)
        used = LENGTH_ORDER.index(8) + 1
        self.put(used - 4, 4)
        for symbol in LENGTH_ORDER[:used]:
            self.put(1 if symbol in (8, 18) else 0, 3)
        self.put(0, 1)
        for _ in range(256):
            self.put(0, 1)
        if others:
            self.put(1, 1)
            self.put(others - 11, 7)

    def bytes(self) -> bytes:
        return bytes(self.done) + (bytes([self.value]) if self.count else b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def begin(width: int, height: int, alpha: bool = False) -> Bits:
    bits = Bits()
    bits.put(0x2F, 8)
    bits.put(width - 1, 14)
    bits.put(height - 1, 14)
    bits.put(int(alpha), 1)
    bits.put(0, 3)
    return bits


def flat_chunk(width: int, height: int) -> bytes:
    bits = begin(width, height)
    bits.put(0, 3)  # neither a transform, a cache of colours nor groups
    for _ in range(5):
        bits.one_symbol()
    return chunk(b"VP8L", bits.bytes())


def flat(width: int, height: int) -> bytes:
    return riff(flat_chunk(width, height))


def groups() -> bytes:
    """65,536 groups of codes, each with tables of its own, in 295 KB."""
    tile_bits = 2
    side = GROUPS_A_SIDE << tile_bits
    bits = begin(side, side)
    bits.put(0b100, 3)  # groups alone
    bits.put(tile_bits - 2, 3)
    bits.put(0, 1)
    bits.all_bytes(24)
    bits.all_bytes(0)
    for _ in range(3):
        bits.one_symbol()
    swapped = [int(format(value, "08b")[::-1], 2) for value in range(256)]
    for number in range(GROUPS_A_SIDE ** 2):
        bits.put(swapped[number & 0xFF], 8)
        bits.put(swapped[number >> 8], 8)
    for _ in range(GROUPS_A_SIDE ** 2 * 5):
        bits.one_symbol()
    return riff(chunk(b"VP8L", bits.bytes()))


def transforms(side: int) -> bytes:
    """All four transforms over one colour."""
    bits = begin(side, side)
    for kind, size in ((0, 0), (1, 0)):  # prediction and colour, in the smallest tiles
        bits.put(1, 1)
        bits.put(kind, 2)
        bits.put(size, 3)
        bits.put(0, 1)
        for _ in range(5):
            bits.one_symbol()
    bits.put(1, 1)
    bits.put(2, 2)  # subtracted green
    bits.put(0, 3)
    for _ in range(5):
        bits.one_symbol()
    return riff(chunk(b"VP8L", bits.bytes()))


def animated(side: int, frame_count: int) -> bytes:
    """A canvas of `side` squared whose frames each fill it."""
    sides = struct.pack("<I", side - 1)[:3]
    extended = chunk(b"VP8X", b"\x02\0\0\0" + sides * 2)
    control = chunk(b"ANIM", b"\xff\xff\xff\xff\0\0")
    frame = chunk(b"ANMF", bytes(6) + sides * 2 + b"\x01\0\0\0" + flat_chunk(side, side))
    return riff(extended, control, frame * frame_count)


def chunk_storm(count: int) -> bytes:
    extended = chunk(b"VP8X", b"\0\0\0\0" + struct.pack("<I", 63)[:3] * 2)
    return riff(extended, chunk(b"XXXX", b"") * count, flat_chunk(64, 64))


def lossy_header(width: int, height: int) -> bytes:
    """A key frame that says its size, and nothing else."""
    content = b"\x10\x02\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 40
    return riff(chunk(b"VP8 ", content))
