"""Makes the images of these tests and what Pillow makes of them.

    python3 make-fixtures.py

Needs Pillow and numpy. Beside this script it writes, for every image `NAME.EXT`:

    NAME.EXT.rgb            the upright image as Pillow decodes it
    resized-*.rgb           what Pillow resizes one image to
    letterbox-*.rgb         what `ImageOps.pad` makes of it
    grey-resized-*.grey     what it resizes the grey image to
    profile-*.srgb          what ImageCms makes of an image with an ICC profile
    foreign-*               images with a profile for other colours
    photo-*-WxH.*.rgb       what it makes of a larger JPEG, decoded whole and at a smaller scale
    expected.json           sizes, and which file belongs to which case

`.rgb` and `.srgb` files are rows of interleaved eight-bit RGB, `.grey` files of grey. Everything is drawn here, from a fixed seed.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

HERE = pathlib.Path(__file__).parent
BACKGROUND = (255, 255, 255)
random = np.random.default_rng(20)
images = []
resizes = []
letterboxes = []
profiled = []
foreign = []
greys = []
scalings = []


def drawing(width, height):
    """A gradient, a disc, stripes and some noise: smooth parts, edges and texture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.stack(
        [255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 128 + 90 * np.sin(x / 3 + y / 5)],
        axis=2,
    )
    disc = (x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (min(width, height) / 4) ** 2
    image[disc] = [230, 40, 20]
    image += random.normal(0, 12, image.shape)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def photograph(width, height):
    """Noise whose power falls with frequency as it does in photographs, with some edges."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        plane = np.fft.ifft2(np.fft.fft2(random.normal(size=(height, width))) / frequency).real
        planes.append(plane / plane.std())
    light = planes[0]
    image = np.stack([light + 0.3 * planes[1], light, light + 0.3 * planes[2]], axis=2) * 45 + 120
    y, x = np.mgrid[0:height, 0:width]
    image[np.hypot(x - width * 0.4, y - height * 0.5) < height * 0.25] += 50
    image[(x > width * 0.6) & (x < width * 0.85) & (y > height * 0.2)] -= 45
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def upright_rgb(data):
    """What the default contract asks for, in Pillow's terms."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "P":
        image = image.convert("RGBA")
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint16)
        image = Image.fromarray((samples >> 8).astype(np.uint8), "L")
    if image.mode == "1":
        image = image.convert("L")
    if "transparency" in image.info and image.mode in ("L", "RGB"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        image = image.convert("RGBA")
        behind = Image.new("RGB", image.size, BACKGROUND)
        behind.paste(image.convert("RGB"), mask=image.getchannel("A"))
        return behind
    return image.convert("RGB")


def add(name, data, expected=None):
    expected = expected or upright_rgb(data)
    (HERE / name).write_bytes(data)
    (HERE / f"{name}.rgb").write_bytes(expected.tobytes())
    images.append({"file": name, "width": expected.width, "height": expected.height})


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, raw, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    )


def rows_of(samples):
    return b"".join(b"\0" + row.tobytes() for row in samples)


def jpegs():
    image = drawing(53, 37)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        add(f"baseline-{name}.jpg", encoded(image, format="JPEG", quality=88, subsampling=sampling))
    add("progressive.jpg", encoded(image, format="JPEG", quality=80, progressive=True))
    add("restart.jpg", encoded(image, format="JPEG", quality=70, restart_marker_rows=1))
    add("grey.jpg", encoded(image.convert("L"), format="JPEG", quality=85))
    add("cmyk-adobe.jpg", encoded(image.convert("CMYK"), format="JPEG", quality=90))
    # The same scan without the Adobe marker, and told to be YCCK by it.
    data = encoded(image.convert("CMYK"), format="JPEG", quality=90)
    adobe = data.index(b"\xff\xee\x00\x0eAdobe")
    add("cmyk-plain.jpg", data[:adobe] + data[adobe + 16 :])
    add("ycck.jpg", data[: adobe + 15] + b"\2" + data[adobe + 16 :])
    data = encoded(image, format="JPEG", quality=90, keep_rgb=True)
    add("rgb-adobe.jpg", data)
    add("one-pixel.jpg", encoded(drawing(1, 1), format="JPEG"))
    add("thin.jpg", encoded(drawing(1, 90), format="JPEG", subsampling=2))
    add("wide.jpg", encoded(drawing(90, 1), format="JPEG", subsampling=2))
    # Bytes between the scan and the end that mean nothing, and bytes after it.
    data = encoded(image, format="JPEG", quality=60)
    add("extraneous.jpg", data[:-2] + b"\x12\x34" + data[-2:] + b"trailing")
    small = drawing(23, 14)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"orientation-{orientation}.jpg", encoded(small, format="JPEG", quality=90, exif=exif))


def pngs():
    image = drawing(29, 21)
    alpha = Image.fromarray((random.integers(0, 256, (21, 29))).astype(np.uint8), "L")
    clear = image.copy()
    clear.putalpha(alpha)
    add("rgb.png", encoded(image, format="PNG"))
    add("rgba.png", encoded(clear, format="PNG"))
    add("grey-alpha.png", encoded(clear.convert("LA"), format="PNG"))
    for bits in (1, 2, 4, 8):
        top = (1 << bits) - 1
        grey = np.asarray(image.convert("L")).astype(np.uint16) * top // 255
        packed = []
        for row in grey:
            padded = np.concatenate([row, np.zeros(-len(row) % 8, np.uint16)]).astype(np.uint8)
            flags = np.unpackbits(padded[:, None], axis=1)[:, 8 - bits :].reshape(-1)
            packed.append(np.packbits(flags)[: (29 * bits + 7) // 8])
        values = Image.fromarray((grey * 255 // top).astype(np.uint8), "L").convert("RGB")
        add(f"grey-{bits}.png", png(29, 21, bits, 0, rows_of(packed)), values)
        palette = random.integers(0, 256, (1 << bits, 3)).astype(np.uint8)
        extra = chunk(b"PLTE", palette.tobytes())
        coloured = Image.fromarray(palette[grey], "RGB")
        add(f"palette-{bits}.png", png(29, 21, bits, 3, rows_of(packed), extra), coloured)
        see_through = extra + chunk(b"tRNS", bytes([0, 100]))
        add(f"palette-transparent-{bits}.png", png(29, 21, bits, 3, rows_of(packed), see_through))
    deep = random.integers(0, 65536, (9, 11, 4)).astype(">u2")
    high = (deep >> 8).astype(np.uint8)
    add("grey-16.png", png(11, 9, 16, 0, rows_of(deep[:, :, 0])),
        Image.fromarray(high[:, :, 0], "L").convert("RGB"))
    add("rgb-16.png", png(11, 9, 16, 2, rows_of(deep[:, :, :3].copy())),
        Image.fromarray(high[:, :, :3].copy(), "RGB"))
    add("rgba-16.png", png(11, 9, 16, 6, rows_of(deep)))
    key = chunk(b"tRNS", struct.pack(">HHH", *(int(v) for v in np.asarray(image)[3, 4])))
    add("rgb-key.png", png(29, 21, 8, 2, rows_of(np.asarray(image)), key))
    grey = np.asarray(image.convert("L"))
    key = chunk(b"tRNS", struct.pack(">H", int(grey[5, 6])))
    add("grey-key.png", png(29, 21, 8, 0, rows_of(grey), key))
    interlaced()
    exif = Image.Exif()
    exif[0x0112] = 6
    add("orientation-6.png", encoded(image, format="PNG", exif=exif))
    for name, is_deflated in (("orientation-6-deflated.png", True), ("orientation-6-text.png", False)):
        # As ImageMagick writes it.
        block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
        digits = "\n".join(block.hex()[start : start + 72] for start in range(0, 2 * len(block), 72))
        text = PngImagePlugin.PngInfo()
        text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{digits}\n", zip=is_deflated)
        add(name, encoded(image, format="PNG", pnginfo=text))
    frames = [drawing(16, 12), drawing(16, 12)]
    add("animated.png", encoded(frames[0], format="PNG", save_all=True, append_images=frames[1:]))
    add("one-pixel.png", encoded(drawing(1, 1), format="PNG"))


def interlaced():
    """Adam7 by hand, since Pillow does not write it."""
    for name, mode, colour in (("rgb", "RGB", 2), ("rgba", "RGBA", 6)):
        image = drawing(13, 10)
        if mode == "RGBA":
            image.putalpha(Image.linear_gradient("L").resize((13, 10)))
        samples = np.asarray(image)
        raw = b""
        for x0, y0, dx, dy in (
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
        ):
            part = samples[y0::dy, x0::dx]
            if part.size:
                raw += rows_of(part.copy())
        header = struct.pack(">IIBBBBB", 13, 10, 8, colour, 0, 0, 1)
        data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
        add(f"interlaced-{name}.png", data)


def webps():
    image = drawing(37, 26)
    clear = image.copy()
    clear.putalpha(Image.radial_gradient("L").resize(image.size))
    add("lossy.webp", encoded(image, format="WEBP", quality=80))
    add("lossless.webp", encoded(image, format="WEBP", lossless=True))
    add("lossy-alpha.webp", encoded(clear, format="WEBP", quality=80))
    add("lossless-alpha.webp", encoded(clear, format="WEBP", lossless=True, exact=True))
    frames = [clear, drawing(37, 26).convert("RGBA")]
    add("animated.webp", encoded(
        frames[0], format="WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=50))
    exif = Image.Exif()
    exif[0x0112] = 8
    add("orientation-8.webp", encoded(image, format="WEBP", lossless=True, exif=exif))
    add("one-pixel.webp", encoded(drawing(1, 1), format="WEBP", lossless=True))


def resizing():
    image = drawing(97, 71)
    add("resize-source.png", encoded(image, format="PNG"))
    filters = {
        "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS, "box": Image.Resampling.BOX,
        "nearest": Image.Resampling.NEAREST,
    }
    for name, kernel in filters.items():
        for width, height in ((48, 35), (32, 32), (120, 30), (97, 20), (13, 71), (1, 1), (110, 80)):
            file = f"resized-{name}-{width}x{height}.rgb"
            (HERE / file).write_bytes(image.resize((width, height), kernel).tobytes())
            resizes.append({"file": file, "filter": name, "width": width, "height": height})
    fill = (124, 116, 104)
    for name, width, height in (
        ("bilinear", 64, 64), ("bicubic", 64, 66), ("nearest", 120, 50), ("lanczos", 20, 39),
        ("box", 97, 72), ("bilinear", 97, 71), ("bicubic", 1, 9),
    ):
        file = f"letterbox-{name}-{width}x{height}.rgb"
        padded = ImageOps.pad(image, (width, height), filters[name], fill)
        (HERE / file).write_bytes(padded.tobytes())
        letterboxes.append({
            "file": file, "filter": name, "width": width, "height": height, "fill": fill})
    for name, width, height in (("bilinear", 28, 28), ("lanczos", 40, 30), ("nearest", 97, 71)):
        file = f"grey-resized-{name}-{width}x{height}.grey"
        (HERE / file).write_bytes(image.convert("L").resize((width, height), filters[name]).tobytes())
        greys.append({"file": file, "filter": name, "width": width, "height": height})


def scaling():
    """Odd sizes on both sides of every step from one scale to the next. Pillow's `draft` takes the
    smallest that has the size it is asked for; the box says how much of the last pixels counts."""
    image = photograph(211, 157)
    # Luma and chroma in the places of cyan, magenta and yellow, and the marker that says so. Pillow
    # stores the inverse of each.
    luma_chroma = [ImageOps.invert(plane) for plane in image.convert("YCbCr").split()]
    key = Image.linear_gradient("L").resize(image.size).point(lambda value: value // 2)
    ycck = encoded(Image.merge("CMYK", luma_chroma + [key]), format="JPEG", quality=88)
    adobe = ycck.index(b"\xff\xee\x00\x0eAdobe")
    images_by_kind = {
        "420": encoded(image, format="JPEG", quality=85, subsampling=2),
        "422": encoded(image, format="JPEG", quality=85, subsampling=1),
        "444": encoded(image, format="JPEG", quality=85, subsampling=0),
        "progressive": encoded(image, format="JPEG", quality=85, progressive=True),
        "grey": encoded(image.convert("L"), format="JPEG", quality=85),
        "cmyk": encoded(image.convert("CMYK"), format="JPEG", quality=88),
        "ycck": ycck[: adobe + 15] + b"\2" + ycck[adobe + 16 :],
    }
    steps = [(13, 9), (14, 9), (13, 10), (26, 19), (27, 19), (26, 20), (52, 39), (53, 39), (52, 40)]
    for kind, data in images_by_kind.items():
        (HERE / f"photo-{kind}.jpg").write_bytes(data)
        for width, height in steps if kind == "420" else [(13, 9), (26, 19), (52, 39)]:
            whole = Image.open(io.BytesIO(data))
            drafted = Image.open(io.BytesIO(data))
            _, box = drafted.draft(None, (2 * width, 2 * height)) or (None, (0, 0, *drafted.size))
            name = f"photo-{kind}-{width}x{height}"
            for suffix, source, part in (("exact", whole, None), ("scaled", drafted, box)):
                resized = source.convert("RGB").resize(
                    (width, height), Image.Resampling.BILINEAR, box=part)
                (HERE / f"{name}.{suffix}.rgb").write_bytes(resized.tobytes())
            scalings.append({
                "picture": f"photo-{kind}.jpg", "file": name, "width": width, "height": height,
                "denominator": -(-whole.width // drafted.width) if drafted.size != whole.size else 1,
            })


def profile(kind, tags):
    """An ICC profile of version 2 for a display: "RGB " or "GRAY", with these tags."""
    table, blocks, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, block in tags.items():
        block += bytes(-len(block) % 4)
        table += name + struct.pack(">II", offset, len(block))
        blocks += block
        offset += len(block)
    head = struct.pack(">I4sI4s4s4s", offset, b"    ", 0x02400000, b"mntr", kind, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    white = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return (head + white + bytes(128 - len(head + white)) + struct.pack(">I", len(tags)) + table
            + blocks)


def xyz(*numbers):
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(number * 65536) for number in numbers))


def gamma(number):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(number * 256))


def icc_profiles():
    """Primaries and gamma of Adobe RGB (1998), and a grey gamma of 1.8."""
    described = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    wide = profile(b"RGB ", {
        b"desc": described, b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947), b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": gamma(2.2), b"gTRC": gamma(2.2), b"bTRC": gamma(2.2),
    })
    dark = profile(b"GRAY", {
        b"desc": described, b"wtpt": xyz(0.9642, 1, 0.8249), b"kTRC": gamma(1.8)})
    return wide, dark


def profiles():
    """Profiles in every container."""
    wide, dark = icc_profiles()
    image = drawing(31, 22)
    cases = {
        "profile-rgb.jpg": (image, wide, {"format": "JPEG", "quality": 92}),
        "profile-rgb.png": (image, wide, {"format": "PNG"}),
        "profile-rgb.webp": (image, wide, {"format": "WEBP", "lossless": True}),
        "profile-grey.png": (image.convert("L"), dark, {"format": "PNG"}),
        "profile-grey.jpg": (image.convert("L"), dark, {"format": "JPEG", "quality": 92}),
        "profile-rgb.tif": (image, wide, {"format": "TIFF"}),
        "profile-grey.tif": (image.convert("L"), dark, {"format": "TIFF", "compression": "tiff_lzw"}),
        "profile-rgb.avif": (image, wide, {"format": "AVIF", "quality": 100, "subsampling": "4:4:4"}),
    }
    for name, (stored, icc, options) in cases.items():
        data = encoded(stored, icc_profile=icc, **options)
        if name == "profile-rgb.jpg":
            data = in_parts(data, icc)
        # Of AVIF, decoders round colours in more than one way.
        add_profiled(name, data, largest=8 if name.endswith(".avif") else 1)


def in_parts(data, icc):
    """The JPEG with its profile in three segments, which need not be in order."""
    start = data.index(b"\xff\xe2")
    end = start + 2 + struct.unpack(">H", data[start + 2 : start + 4])[0]
    third = -(-len(icc) // 3)
    segments = b""
    for number in (2, 1, 3):
        part = b"ICC_PROFILE\0" + bytes([number, 3]) + icc[third * (number - 1) : third * number]
        segments += b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part
    return data[:start] + segments + data[end:]


def foreign_profiles():
    """Profiles for other colours than those of their image, which ImageCms refuses; and a profile
    for grey in an AVIF of light alone, which Pillow opens as RGB."""
    wide, dark = icc_profiles()
    inks = profile(b"CMYK", {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)})
    image = drawing(15, 11)
    formats = {
        "jpg": {"format": "JPEG"}, "png": {"format": "PNG"}, "tif": {"format": "TIFF"},
        "webp": {"format": "WEBP", "lossless": True}, "avif": {"format": "AVIF", "quality": 90},
    }
    for suffix, options in formats.items():
        cases = {"grey": (image, dark), "cmyk": (image, inks)}
        # WebP has no grey, and an AVIF of light alone may have either profile.
        if suffix not in ("webp", "avif"):
            cases["rgb"] = (image.convert("L"), wide)
        for kind, (stored, icc) in cases.items():
            name = f"foreign-{kind}.{suffix}"
            (HERE / name).write_bytes(encoded(stored, icc_profile=icc, **options))
            foreign.append({"file": name, "width": 15, "height": 11})
    light = encoded(
        drawing(31, 22).convert("L"), format="AVIF", quality=90, subsampling="4:0:0", icc_profile=dark)
    add_profiled("profile-grey.avif", light, largest=2, mode="L")


def add_profiled(name, data, largest, mode=None):
    image = Image.open(io.BytesIO(data))
    if mode is not None:
        icc, image = image.info["icc_profile"], image.convert(mode)
        image.info["icc_profile"] = icc
    source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    converted = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    (HERE / name).write_bytes(data)
    (HERE / f"{name}.srgb").write_bytes(converted.tobytes())
    profiled.append(
        {"file": name, "width": image.width, "height": image.height, "largest": largest})


def described():
    """Orientation in XMP, which counts where EXIF has none."""
    image = drawing(19, 13)

    def attribute(orientation, before=""):
        return (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description {before} xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/>'
            "</rdf:RDF></x:xmpmeta>")

    def element(orientation):
        return attribute(1).replace(' tiff:Orientation="1"/>', f"><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>")

    def text(xmp, name="iTXt", is_deflated=False):
        chunks = PngImagePlugin.PngInfo()
        for part in [xmp] if isinstance(xmp, str) else xmp:
            if name == "iTXt":
                chunks.add_itxt("XML:com.adobe.xmp", part, "", "XMP", zip=is_deflated)
            else:
                chunks.add_text("XML:com.adobe.xmp", part, zip=is_deflated)
        return encoded(image, format="PNG", pnginfo=chunks)

    silent, upright = Image.Exif(), Image.Exif()
    silent[0x010F] = "maker"
    upright[0x0112] = 1
    add("xmp-6.jpg", encoded(image, format="JPEG", quality=90, xmp=attribute(6).encode()))
    add("xmp-silent.jpg", encoded(image, format="JPEG", quality=90, xmp=element(3).encode(), exif=silent))
    add("xmp-upright.jpg", encoded(image, format="JPEG", quality=90, xmp=attribute(6).encode(), exif=upright))
    add("xmp-beyond.jpg", encoded(image, format="JPEG", quality=90, xmp=attribute(9).encode()))
    add("xmp-8.webp", encoded(image, format="WEBP", lossless=True, xmp=attribute(8).encode()))
    add("xmp-5.png", text(element(5)))
    # The name lies across two of the pieces in which it is inflated.
    count = 4096 - 8 - attribute(7, 'dc:source=""').index('tiff:Orientation="')
    padding = ("tiff:Orientatio" * count)[:count]
    add("xmp-7-deflated.png", text(attribute(7, f'dc:source="{padding}"'), is_deflated=True))
    add("xmp-2-text.png", text(attribute(2), "zTXt", True))
    add("xmp-two.png", text([attribute(2), attribute(4)]))


def smaller_frames():
    """Animated WebPs whose first frame leaves a part of the canvas uncovered. Their flag says whether
    they have transparency, their frames may have some without it. Pillow writes no such frames."""
    image = drawing(15, 11)
    clear = image.copy()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))

    def part(kind, body):
        return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    def number(value):
        return struct.pack("<I", value)[:3]

    def frame(still, x, y, width, height):
        place = number(x // 2) + number(y // 2) + number(width - 1) + number(height - 1)
        return part(b"ANMF", place + number(50) + b"\0" + still)

    def animation(first, is_transparent):
        # The chunks of still images, without their container and their own VP8X.
        still = encoded(first, format="WEBP", lossless=True, exact=True)[12:]
        second = encoded(drawing(24, 18), format="WEBP", lossless=True)[12:]
        flags = bytes([0x12 if is_transparent else 0x02, 0, 0, 0])
        head = part(b"VP8X", flags + number(23) + number(17)) + part(b"ANIM", bytes([255, 0, 0, 255, 0, 0]))
        body = b"WEBP" + head + frame(still, 4, 6, *first.size) + frame(second, 0, 0, 24, 18)
        return part(b"RIFF", body)

    add("smaller-frame.webp", animation(image, False))
    add("smaller-frame-alpha.webp", animation(clear, True))
    add("smaller-frame-unflagged.webp", animation(clear, False))


for stale in HERE.glob("*"):
    if stale.suffix in (
        ".rgb", ".grey", ".srgb", ".jpg", ".png", ".webp", ".tif", ".avif", ".json",
    ):
        stale.unlink()
jpegs()
pngs()
webps()
resizing()
scaling()
profiles()
described()
foreign_profiles()
smaller_frames()
listing = {
    "pictures": images, "resizes": resizes, "resize_source": "resize-source.png",
    "letterboxes": letterboxes, "greys": greys, "profiled": profiled, "foreign": foreign,
    "scalings": scalings,
}
(HERE / "expected.json").write_text(json.dumps(listing, indent=1) + "\n")
