"""JPEG files made to be expensive, and one made to be like a photograph. All but few are whole."""

import random
import struct

START, END = b"\xff\xd8", b"\xff\xd9"
SIDE_LIMIT = 65_500
# The longest run of empty blocks that one symbol of the tables below says.
RUN_LIMIT = 32_767


def segment(marker: int, content: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def entropy_coded(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    return packed.replace(b"\xff", b"\xff\0")


def huffman(table: int, symbols: dict[int, list[int]]) -> bytes:
    """`symbols` by the length of their codes; class and number in `table`."""
    counts = bytes(len(symbols.get(length, [])) for length in range(1, 17))
    listed = [symbol for length in sorted(symbols) for symbol in symbols[length]]
    return segment(0xC4, bytes([table]) + counts + bytes(listed))


def frame(marker: int, width: int, height: int, components: int) -> bytes:
    listed = b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + listed)


def scan(components: list[int], first: int, last: int, refinement: int = 0) -> bytes:
    listed = b"".join(bytes([number + 1, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + listed + bytes([first, last, refinement]))


QUANTISATION = segment(0xDB, b"\0" + bytes([1] * 64))
# DC: no difference is 0. AC: "the next blocks are empty, 14 bits say how many" is 0, "this one
# is" is 10.
EMPTY_TABLES = huffman(0x00, {1: [0x00]}) + huffman(0x10, {1: [0xE0], 2: [0x00]})
BASELINE_TABLES = huffman(0x00, {1: [0x00]}) + huffman(0x10, {1: [0x00]})


def empty_run(count: int) -> bytes:
    """A scan of empty blocks, in as few symbols as say that."""
    if count < 1 << 14:
        return entropy_coded("10" * count)
    parts = -(-count // RUN_LIMIT)
    runs = [count // parts + (number < count % parts) for number in range(parts)]
    return entropy_coded("".join("0" + format(run - (1 << 14), "014b") for run in runs))


def blocks(width: int, height: int) -> int:
    return -(-width // 8) * -(-height // 8)


def progressive(side: int, components: int, scan_count: int) -> bytes:
    """All of its coefficients must be held, and every scan walks over those of one component."""
    count = blocks(side, side)
    out = START + QUANTISATION + frame(0xC2, side, side, components) + EMPTY_TABLES
    for number in range(components):
        out += scan([number], 0, 0) + bytes(-(-count // 8))
    for number in range(max(0, scan_count - components)):
        out += scan([number % components], 1, 63) + empty_run(count)
    return out + END


def small_progressive(side: int, components: int) -> bytes:
    """As little as makes a decoder take memory for all coefficients: no scan has a DC."""
    out = START + QUANTISATION + frame(0xC2, side, side, components) + EMPTY_TABLES
    for number in range(components):
        out += scan([number], 1, 63) + empty_run(blocks(side, side))
    return out + END


def spectral(side: int, scan_count: int) -> bytes:
    """A scan for each coefficient, and again for each one's last bit."""
    count = blocks(side, side)
    out = START + QUANTISATION + frame(0xC2, side, side, 1) + EMPTY_TABLES
    out += scan([0], 0, 0) + bytes(-(-count // 8))
    steps = [(number, bit) for bit in (0x01, 0x10) for number in range(1, 64)]
    for number, bit in steps[:scan_count - 1]:
        out += scan([0], number, number, bit) + empty_run(count)
    return out + END


def flat(width: int, height: int, components: int = 1, between: bytes = b"",
         restarts: bool = False) -> bytes:
    """One colour, with any segments before its scan; with a restart after each block."""
    count = blocks(width, height)
    out = START + between + QUANTISATION + frame(0xC0, width, height, components)
    out += BASELINE_TABLES + (segment(0xDD, b"\0\1") if restarts else b"")
    out += scan(list(range(components)), 0, 63)
    if restarts:
        # Two bits a component, filled up to a byte of ones.
        block = bytes([0xFF >> 2 * components])
        cycle = b"".join(block + bytes([0xFF, 0xD0 + number]) for number in range(8))
        return out + (cycle * (count // 8 + 1))[:3 * count - 2] + END
    return out + bytes(-(-2 * components * count // 8)) + END


def empty_segments(byte_count: int, marker: int = 0xE1) -> bytes:
    return flat(64, 64, between=segment(marker) * (byte_count // 4))


def table_storm(count: int) -> bytes:
    """A decoder builds its lookups anew for a table whose codes are as long as they may be."""
    long = huffman(0x00, {length: [length - 1] for length in range(1, 17)})
    return flat(64, 64, between=long * count)


def incomplete_table() -> bytes:
    """More codes of a length than there are."""
    return START + QUANTISATION + frame(0xC0, 64, 64, 1) + huffman(
        0x00, {1: [0, 1, 2, 3], 2: list(range(200))}) + scan([0], 0, 63) + bytes(64) + END


def exif(entries: int, cyclic: bool) -> bytes:
    """A directory of so many entries, all for long values, whose next one is itself."""
    entry = struct.pack(">HHII", 0x010F, 2, 0x7FFFFFFF, 8)
    tiff = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", entries & 0xFFFF)
    tiff += entry * min(entries, 5000) + struct.pack(">I", 8 if cyclic else 0)
    return flat(64, 64, between=segment(0xE1, b"Exif\0\0" + tiff) * 100)


def photograph(width: int = 512, height: int = 384, byte_count: int = 110_000) -> bytes:
    """As many bits a block as a photograph's, of values that fall with their frequency."""
    randomness = random.Random(11)
    count = 3 * blocks(width, height)
    budget = 8 * byte_count // count
    # Codes of four bits: sizes 0 to 9 of a difference; here and there runs before a value.
    direct = list(range(10))
    places = [0x00, 0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x21, 0x31, 0x41, 0x51, 0x61, 0x05]
    code = {symbol: format(number, "04b") for number, symbol in enumerate(places)}
    out = START + QUANTISATION.replace(bytes([1] * 64), bytes(min(255, 6 + n) for n in range(64)))
    out += frame(0xC0, width, height, 3) + huffman(0x00, {4: direct}) + huffman(0x10, {4: places})
    out += scan([0, 1, 2], 0, 63)

    def value(size: int) -> str:
        return format(randomness.getrandbits(size), f"0{size}b") if size else ""

    parts = []
    for _ in range(count):
        size = randomness.choice([0, 1, 2, 3])
        bits, position = format(direct.index(size), "04b") + value(size), 1
        while len(bits) < budget - 4 and position < 60:
            symbol = randomness.choice(places[1:9] if position > 6 else places[2:5])
            position += (symbol >> 4) + 1
            bits += code[symbol] + value(symbol & 15)
        parts.append(bits + code[0])
    return out + entropy_coded("".join(parts)) + END
