"""Makes the GIF, BMP, TIFF, AVIF and HEIC images of these tests and what Pillow makes of them.

    python3 make-formats.py

Needs Pillow with libavif, pillow-heif, numpy, and Debian's avifenc 0.11 (libavif-bin). Beside this script it writes, for every image
`NAME.EXT`, `NAME.EXT.rgb`: the upright image as Pillow decodes it, or, where Pillow decodes no such
file, as it was drawn. `expected.json` has sizes and the largest and mean differences that a lossy
format may have, whose colours other libraries convert with other rounding and other chroma.
"""

import io
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
BACKGROUND = (255, 255, 255)
random = np.random.default_rng(13)
images = []


def drawing(width, height, noise=12):
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.stack(
        [255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 128 + 90 * np.sin(x / 9 + y / 15)],
        axis=2,
    )
    image[(x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (min(width, height) / 4) ** 2] = [230, 40, 20]
    image += random.normal(0, noise, image.shape)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def upright_rgb(image):
    """What the default contract asks for, in Pillow's terms."""
    if image.format not in ("AVIF", "HEIF"):
        image = ImageOps.exif_transpose(image)
    if image.mode == "P":
        image = image.convert("RGBA")
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint16)
        image = Image.fromarray((samples >> 8).astype(np.uint8), "L")
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("LA", "RGBA"):
        image = image.convert("RGBA")
        behind = Image.new("RGB", image.size, BACKGROUND)
        behind.paste(image.convert("RGB"), mask=image.getchannel("A"))
        return behind
    return image.convert("RGB")


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def add(name, data, expected=None, largest=0, mean=0.0):
    if expected is None:
        opened = pillow_heif.open_heif(data, convert_hdr_to_8bit=True).to_pillow() if name.endswith(
            ".heic") else Image.open(io.BytesIO(data))
        if name.endswith(".heic"):
            opened.format = "HEIF"
        elif name.endswith(".avif"):
            opened = ImageOps.exif_transpose(opened)
            opened.format = "AVIF"
        expected = upright_rgb(opened)
    (HERE / name).write_bytes(data)
    (HERE / f"{name}.rgb").write_bytes(expected.convert("RGB").tobytes())
    images.append({
        "file": name, "width": expected.width, "height": expected.height, "largest": largest,
        "mean": mean,
    })


def gifs():
    image = drawing(31, 22).quantize(40)
    add("palette.gif", encoded(image, format="GIF", interlace=0))
    add("interlaced.gif", encoded(image, format="GIF", interlace=1))
    clear = encoded(image, format="GIF", transparency=5, interlace=0)
    add("transparent.gif", clear)
    add("grey.gif", encoded(drawing(9, 7).convert("L"), format="GIF"))
    add("animated.gif", encoded(
        image, format="GIF", save_all=True, append_images=[drawing(31, 22).quantize(9)], duration=20))
    # A canvas that the frame does not fill, and one that it exceeds.
    for name, data in (("frame-inside", encoded(image, format="GIF", interlace=0)),
                       ("frame-inside-transparent", clear)):
        place = data.index(b"\x2c\0\0\0\0") + 1
        data = data[:6] + struct.pack("<HH", 40, 30) + data[10:place] + struct.pack(
            "<HH", 5, 3) + data[place + 4:]
        add(f"{name}.gif", data)
    data = encoded(image, format="GIF")
    add("frame-outside.gif", data[:6] + struct.pack("<HH", 20, 40) + data[10:])
    add("one-pixel.gif", encoded(drawing(1, 1).quantize(2), format="GIF"))


def bitmap(width, height, bits, pixels, palette=b"", size=40, compression=0, extra=b"", used=0):
    header = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, compression, len(pixels), 0, 0, used, 0) + extra
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def rows(samples, dtype):
    """Rows from the lowest up, padded to four bytes."""
    out = b""
    for row in samples[::-1]:
        data = row.astype(dtype).tobytes()
        out += data + bytes(-len(data) % 4)
    return out


def packed(indices, bits):
    out = b""
    for row in indices[::-1]:
        flags = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits:].reshape(-1)
        data = np.packbits(flags).tobytes()
        out += data + bytes(-len(data) % 4)
    return out


def bmps():
    image = drawing(21, 13)
    samples = np.asarray(image)
    add("rgb-24.bmp", encoded(image, format="BMP"))
    add("rgb-32.bmp", encoded(image.convert("RGBA"), format="BMP"))
    add("grey-8.bmp", encoded(image.convert("L"), format="BMP"))
    add("one-bit.bmp", encoded(image.convert("1"), format="BMP"))
    top_down = b"".join(row[:, ::-1].tobytes() + b"\0" for row in samples)
    add("top-down.bmp", bitmap(21, -13, 24, top_down))
    for bits in (1, 2, 4, 8):
        indices = random.integers(0, 1 << bits, (13, 21)).astype(np.uint8)
        palette = random.integers(0, 256, (1 << bits, 3)).astype(np.uint8)
        stored = b"".join(bytes(colour[::-1]) + b"\0" for colour in palette)
        drawn = Image.fromarray(palette[indices], "RGB")
        add(f"palette-{bits}.bmp", bitmap(21, 13, bits, packed(indices, bits), stored), drawn)
        if bits in (1, 4, 8):
            core = struct.pack("<IHHHH", 12, 21, 13, 1, bits) + b"".join(
                bytes(colour[::-1]) for colour in palette)
            add(f"os2-{bits}.bmp", struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + len(core)) + core
                + packed(indices, bits), drawn)
    few = random.integers(0, 256, (3, 3)).astype(np.uint8)
    indices = random.integers(0, 3, (13, 21)).astype(np.uint8)
    add("palette-of-three.bmp", bitmap(
        21, 13, 8, packed(indices, 8), b"".join(bytes(c[::-1]) + b"\0" for c in few), used=3),
        Image.fromarray(few[indices], "RGB"))
    core = struct.pack("<IHHHH", 12, 21, 13, 1, 24)
    add("os2-24.bmp", struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + len(core)) + core
        + rows(samples[:, :, ::-1].copy(), np.uint8))
    add("os2-64.bmp", bitmap(
        21, 13, 24, rows(samples[:, :, ::-1].copy(), np.uint8), size=64, extra=bytes(24)))
    five = (samples >> 3).astype(np.uint16)
    add("555.bmp", bitmap(21, 13, 16, rows(five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2], "<u2")))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    six = five[..., 0] << 11 | (samples[..., 1] >> 2).astype(np.uint16) << 5 | five[..., 2]
    add("565.bmp", bitmap(21, 13, 16, rows(six, "<u2"), palette=masks, compression=3))
    clear = np.dstack([samples, random.integers(0, 256, (13, 21)).astype(np.uint8)]).astype(np.uint32)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    argb = clear[..., 3] << 24 | clear[..., 0] << 16 | clear[..., 1] << 8 | clear[..., 2]
    add("alpha.bmp", bitmap(21, 13, 32, rows(argb, "<u4"), size=124, compression=3, extra=masks + bytes(68)))
    masks = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
    rgbx = clear[..., 0] << 24 | clear[..., 1] << 16 | clear[..., 2] << 8
    add("masks-32.bmp", bitmap(21, 13, 32, rows(rgbx, "<u4"), palette=masks, compression=3))
    masks = struct.pack("<III", 0x3FF00000, 0xFFC00, 0x3FF)
    ten = clear[..., 0] << 22 | clear[..., 1] << 12 | clear[..., 2] << 2
    add("ten-bits.bmp", bitmap(21, 13, 32, rows(ten, "<u4"), palette=masks, compression=3), image)
    runs()


def runs():
    palette = random.integers(0, 256, (16, 3)).astype(np.uint8)
    stored = b"".join(bytes(colour[::-1]) + b"\0" for colour in palette)
    indices = np.zeros((6, 11), np.uint8)
    # From the lowest row: a run and literals, two rows of runs, a jump, the end.
    eight, four = b"", b""
    indices[5] = [3] * 6 + [1, 2, 3, 4, 5]
    eight += bytes([6, 3, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0])
    four += bytes([6, 0x33, 0, 5, 0x12, 0x34, 0x50, 0, 0, 0])
    indices[4] = [7] * 11
    indices[3] = [9] * 4 + [0] * 7
    eight += bytes([11, 7, 0, 0, 4, 9, 0, 0])
    four += bytes([11, 0x77, 0, 0, 4, 0x99, 0, 0])
    # Three to the right and one up from the third row's start.
    indices[1][3:7] = 5
    eight += bytes([0, 2, 3, 1, 4, 5, 0, 1])
    four += bytes([0, 2, 3, 1, 4, 0x55, 0, 1])
    drawn = Image.fromarray(palette[indices], "RGB")
    add("rle-8.bmp", bitmap(11, 6, 8, eight, stored, compression=1, used=16), drawn)
    add("rle-4.bmp", bitmap(11, 6, 4, four, stored, compression=2), drawn)
    alternating = np.array([[(1, 2)[x % 2] for x in range(11)]] * 2, np.uint8)
    add("rle-4-pairs.bmp", bitmap(
        11, 2, 4, bytes([11, 0x12, 0, 0, 11, 0x12, 0, 1]), stored, compression=2),
        Image.fromarray(palette[alternating], "RGB"))


def tiff(entries, pieces, order="<", extra=b""):
    """One directory by hand: `pieces` are its strips or tiles, `extra` follows them."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body, offsets = b"", []
    for piece in pieces:
        offsets.append(8 + len(body))
        body += piece + bytes(len(piece) % 2)
    sizes = {"H": 2, "I": 4, "B": 1}
    entries = dict(entries)
    where, counts = (324, 325) if 322 in entries else (273, 279)
    entries[where] = ("I", offsets)
    entries[counts] = ("I", [len(piece) for piece in pieces])
    directory = b""
    for tag in sorted(entries):
        kind, values = entries[tag]
        data = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(data) > 4:
            data, place = data + bytes(len(data) % 2), 8 + len(body)
            body += data
            data = struct.pack(f"{order}I", place)
        directory += struct.pack(f"{order}HHI", tag, {"B": 1, "H": 3, "I": 4}[kind], len(values))
        directory += data + bytes(4 - len(data))
        assert sizes[kind]
    return mark + struct.pack(f"{order}I", 8 + len(body)) + body + struct.pack(
        f"{order}H", len(entries)) + directory + bytes(4)


def described(width, height, bits, photometric, samples, **more):
    entries = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * samples),
               259: ("H", [1]), 262: ("H", [photometric]), 277: ("H", [samples]),
               278: ("I", [height])}
    entries.update({int(tag[1:]): value for tag, value in more.items()})
    return entries


def tiffs():
    image = drawing(37, 23)
    clear = image.copy()
    clear.putalpha(Image.fromarray(random.integers(0, 256, (23, 37)).astype(np.uint8), "L"))
    add("rgb.tif", encoded(image, format="TIFF"))
    for name in ("lzw", "adobe_deflate"):
        add(f"{name}.tif", encoded(image, format="TIFF", compression=f"tiff_{name}", tiffinfo={317: 2}))
    add("packbits.tif", encoded(image, format="TIFF", compression="packbits"))
    add("strips.tif", encoded(image, format="TIFF", compression="tiff_lzw", tiffinfo={278: 5}))
    add("rgba.tif", encoded(clear, format="TIFF"))
    add("grey-alpha.tif", encoded(clear.convert("LA"), format="TIFF"))
    add("grey.tif", encoded(image.convert("L"), format="TIFF"))
    add("palette.tif", encoded(image.quantize(30), format="TIFF"))
    add("cmyk.tif", encoded(image.convert("CMYK"), format="TIFF", compression="tiff_lzw"))
    for name in ("group3", "group4", "tiff_ccitt"):
        add(f"{name}.tif", encoded(image.convert("1"), format="TIFF", compression=name))
    add("jpeg.tif", encoded(image, format="TIFF", compression="jpeg"), largest=2, mean=0.5)
    add("big.tif", encoded(image, format="TIFF", big_tiff=True))
    add("pages.tif", encoded(image, format="TIFF", save_all=True, append_images=[drawing(9, 9)]))
    small = drawing(13, 9)
    for orientation in range(2, 9):
        add(f"orientation-{orientation}.tif",
            encoded(small, format="TIFF", tiffinfo={274: orientation}))
    samples = np.asarray(image)
    add("big-endian.tif", tiff(described(37, 23, 8, 2, 3), [samples.tobytes()], order=">"))
    deep = random.integers(0, 65536, (23, 37, 4))
    high = (deep >> 8).astype(np.uint8)
    for order in "<>":
        stored = deep.astype(f"{order}u2")
        name = "little" if order == "<" else "big"
        add(f"grey-16-{name}.tif", tiff(
            described(37, 23, 16, 1, 1), [stored[..., 0].tobytes()], order=order),
            Image.fromarray(high[..., 0], "L"))
        add(f"rgb-16-{name}.tif", tiff(
            described(37, 23, 16, 2, 3), [stored[..., :3].tobytes()], order=order),
            Image.fromarray(high[..., :3].copy(), "RGB"))
    add("cmyk-16.tif", tiff(described(37, 23, 16, 5, 4), [deep.astype("<u2").tobytes()]),
        Image.fromarray(high, "CMYK").convert("RGB"))
    grey = np.asarray(image.convert("L"))
    add("white-is-zero.tif", tiff(described(37, 23, 8, 0, 1), [(255 - grey).tobytes()]))
    for bits in (2, 4):
        top = (1 << bits) - 1
        values = grey.astype(np.uint16) * top // 255
        data = b""
        for row in values:
            flags = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits:].reshape(-1)
            data += np.packbits(flags).tobytes()
        add(f"grey-{bits}.tif", tiff(described(37, 23, bits, 1, 1), [data]),
            Image.fromarray((values * 255 // top).astype(np.uint8), "L"))
    planes = [samples[..., channel][start:start + 8].tobytes()
              for channel in range(3) for start in (0, 8, 16)]
    add("planes.tif", tiff(described(37, 23, 8, 2, 3, t284=("H", [2]), t278=("I", [8])), planes), image)
    for name, separate in (("tiles", False), ("tile-planes", True)):
        tiles = []
        padded = np.zeros((32, 48, 3), np.uint8)
        padded[:23, :37] = samples
        for channel in range(3) if separate else [slice(None)]:
            for y in (0, 16):
                for x in (0, 16, 32):
                    tiles.append(padded[y:y + 16, x:x + 16, channel].tobytes())
        entries = described(
            37, 23, 8, 2, 3, t322=("I", [16]), t323=("I", [16]), t284=("H", [2 if separate else 1]))
        del entries[278]
        add(f"{name}.tif", tiff(entries, tiles), image)
    full = np.asarray(clear).astype(np.uint32)
    multiplied = full.copy()
    multiplied[..., :3] = (full[..., :3] * full[..., 3:] + 127) // 255
    add("associated-alpha.tif", tiff(
        described(37, 23, 8, 2, 4, t338=("H", [1])), [multiplied.astype(np.uint8).tobytes()]))
    add("unspecified-sample.tif", tiff(
        described(37, 23, 8, 2, 4, t338=("H", [0])), [np.asarray(clear).tobytes()]), image)


def items():
    image = drawing(64, 48, noise=3)
    clear = image.copy()
    clear.putalpha(Image.radial_gradient("L").resize(image.size))
    # libavif smooths chroma where libheif repeats it.
    add("lossy.avif", encoded(image, format="AVIF", quality=70), largest=60, mean=3.0)
    add("444.avif", encoded(image, format="AVIF", quality=90, subsampling="4:4:4"), largest=2, mean=0.5)
    add("alpha.avif", encoded(clear, format="AVIF", quality=90, subsampling="4:4:4"), largest=2, mean=0.5)
    add("grey.avif", encoded(image.convert("L"), format="AVIF", quality=90, subsampling="4:0:0"),
        largest=2, mean=0.5)
    small = drawing(40, 24, noise=3)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encoded(small, format="AVIF", quality=90, subsampling="4:4:4", exif=exif)
        add(f"orientation-{orientation}.avif", data, largest=2, mean=0.5)
    pillow_heif.register_heif_opener()
    add("lossy.heic", encoded(image, format="HEIF", quality=60), largest=2, mean=0.5)
    add("lossless.heic", encoded(image, format="HEIF", quality=-1, chroma=444), largest=1, mean=0.1)
    add("alpha.heic", encoded(clear, format="HEIF", quality=80), largest=2, mean=0.5)
    for orientation in (3, 6, 7):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"orientation-{orientation}.heic",
            encoded(small, format="HEIF", quality=80, exif=exif.tobytes()), largest=2, mean=0.5)
    deep = np.asarray(image).astype(np.uint16) * 257
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    buffer = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", image.size, deep.tobytes()).save(buffer, quality=70, chroma=444)
    add("ten-bits.heic", buffer.getvalue(), largest=2, mean=0.6)
    add("two-images.heic", encoded(
        image, format="HEIF", quality=60, save_all=True, append_images=[drawing(16, 16)]),
        largest=2, mean=0.5)


def smooth(width, height):
    """A drawing whose colours change little from pixel to pixel, for small files."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.stack([40 + 180 * x / (width - 1), 30 + 190 * y / (height - 1),
                      128 + 90 * np.sin(x / 9 + y / 15)], axis=2)
    return Image.fromarray(np.rint(image).astype(np.uint8), "RGB")


def avifenc(image, *options, quantizer=0):
    """An AVIF by libavif 0.11, which gives tiles the turns of their grid, and alpha none."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/image.png", f"{folder}/image.avif"
        image.save(source)
        subprocess.run(
            ["avifenc", "--min", str(quantizer), "--max", str(quantizer), "-s", "6", "-c", "aom",
             *options, source, target], check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(target).read_bytes()


def ranges():
    """Colours of the range of video, and by other matrices than that of BT.601."""
    image = smooth(32, 24)
    grey = image.convert("L")
    for bits in (8, 10, 12):
        data = avifenc(grey, "-y", "400", "-r", "limited", "-d", str(bits))
        add(f"limited-grey-{bits}.avif", data, largest=1, mean=0.3)
        if bits == 10:
            # The box counts, not the stream.
            place = data.index(b"colrnclx") + 14
            add("full-by-box.avif", data[:place] + b"\x80" + data[place + 1:], largest=1, mean=0.3)
    # Pillow's libyuv has two as the largest part of chroma, and drops bits beyond eight: what was
    # drawn is the better measure.
    for name, numbers, bits in (
            ("bt709", "1/13/1", 8), ("bt601", "1/13/6", 8), ("bt2020", "9/13/9", 10),
            ("primaries", "1/13/12", 8), ("bt709", "1/13/1", 12)):
        data = avifenc(image, "-y", "444", "-r", "limited", "-d", str(bits), "--cicp", numbers)
        add(f"limited-{name}-{bits}.avif", data, image, largest=3, mean=1.0)
    for bits in (8, 10):
        data = avifenc(image, "-y", "444", "-r", "limited", "-d", str(bits), "--cicp", "1/13/0")
        add(f"limited-identity-{bits}.avif", data, largest=1, mean=0.3)
    add("full-ycgco-10.avif", avifenc(
        image, "-y", "444", "-r", "full", "-d", "10", "--cicp", "1/13/8"), largest=1, mean=0.3)
    for name, matrix in (("bt709", 1), ("bt601", 6), ("bt2020", 9)):
        # libheif stretches light by 256/219.
        add(f"limited-{name}.heic", encoded(
            image, format="HEIF", quality=80, chroma=444, matrix_coefficients=matrix,
            color_primaries=1, transfer_characteristic=13, full_range_flag=0), largest=2, mean=0.9)


def turned():
    """Images made of parts, which have turns of their own or lack those of the whole."""
    image = smooth(128, 64)
    add("grid-turned.avif", avifenc(
        image, "-y", "444", "--grid", "2x1", "--irot", "1", "--imir", "0", quantizer=40),
        largest=2, mean=0.5)
    add("tiles-turned.heic", tiles_turned(image), largest=2, mean=0.5)
    small = smooth(32, 24)
    clear = small.copy()
    clear.putalpha(Image.fromarray(np.linspace(0, 255, 32 * 24).reshape(24, 32).astype(np.uint8), "L"))
    for turns in (1, 2):
        add(f"alpha-turned-{turns}.avif", avifenc(
            clear, "-y", "444", "--irot", str(turns)), largest=2, mean=0.5)
    add("mirrored-10.avif", avifenc(
        small.convert("L"), "-y", "400", "-d", "10", "--irot", "1", "--imir", "1"),
        largest=1, mean=0.3)
    # Pillow cuts nothing out. Columns 2 to 21, rows 6 to 17, then turned.
    data = avifenc(small, "-y", "444", "--clap", "20,1,12,1,-4,1,0,1", "--irot", "3")
    whole = Image.open(io.BytesIO(avifenc(small, "-y", "444")))
    add("cut-out.avif", data, whole.crop((2, 6, 22, 18)).transpose(Image.Transpose.ROTATE_270),
        largest=2, mean=0.5)


def boxes(data, start, end):
    while start < end:
        length, kind = struct.unpack(">I4s", data[start:start + 8])
        yield kind, start + 8, start + length
        start += length


def tiles_turned(image):
    """An HEIC of two tiles that are turned one by one, and then together: the number of the tiles'
    colours becomes that of the turn of their grid, for libheif writes none."""
    exif = Image.Exif()
    exif[0x0112] = 3
    data = bytearray(encoded(
        image, format="HEIF", quality=60, tile_size=64, exif=exif.tobytes()))

    def child(kind, start, end):
        return next(place[1:] for place in boxes(data, start, end) if place[0] == kind)

    start, end = child(b"meta", 0, len(data))
    properties = child(b"iprp", start + 4, end)
    kinds = [kind for kind, *_ in boxes(data, *child(b"ipco", *properties))]
    place = child(b"ipma", *properties)[0] + 8
    colours, turn = kinds.index(b"colr") + 1, kinds.index(b"irot") + 1
    for _ in range(3):
        item, count = struct.unpack(">HB", data[place:place + 3])
        for index in range(place + 3, place + 3 + count):
            if item > 1 and data[index] & 0x7F == colours:
                data[index] = 0x80 | turn
        place += 3 + count
    return bytes(data)


def extras():
    """TIFFs whose alpha is not the fourth sample of RGB."""
    width, height = 17, 11
    colours = np.asarray(smooth(width, height))
    inks = np.asarray(smooth(width, height).convert("CMYK"))
    alpha = (np.arange(width * height) * 7 % 256).astype(np.uint8).reshape(height, width)
    other = 255 - alpha[::-1]

    def write(name, photometric, planes, kinds, bits=8, expected=None):
        samples = np.dstack(planes)
        entries = described(width, height, bits, photometric, samples.shape[2])
        if kinds:
            entries[338] = ("H", kinds)
        stored = samples.astype("<u2") * 257 if bits == 16 else samples
        add(name, tiff(entries, [stored.tobytes()]), expected)

    def composed(image):
        image = image.convert("RGB")
        image.putalpha(Image.fromarray(alpha, "L"))
        return upright_rgb(image)

    clear_inks = composed(Image.fromarray(inks, "CMYK"))
    write("cmyk-alpha.tif", 5, [inks, alpha], [2], expected=clear_inks)
    write("cmyk-alpha-last.tif", 5, [inks, other, alpha], [0, 2], expected=clear_inks)
    write("cmyk-unspecified.tif", 5, [inks, alpha], [0])
    clear = composed(Image.fromarray(colours, "RGB"))
    write("rgb-alpha-last.tif", 2, [colours, other, alpha], [0, 2], expected=clear)
    write("rgb-alpha-first.tif", 2, [colours, alpha, other], [2, 0])
    write("rgb-two-unspecified.tif", 2, [colours, alpha, other], [0, 0])
    write("rgb-silent-fourth.tif", 2, [colours, alpha], None)
    write("rgb-silent-fourth-16.tif", 2, [colours, alpha], None, bits=16)


for stale in HERE.glob("*"):
    if stale.suffix != ".py":
        stale.unlink()
gifs()
bmps()
tiffs()
items()
ranges()
turned()
extras()
(HERE / "expected.json").write_text(json.dumps({"images": images}, indent=1) + "\n")
