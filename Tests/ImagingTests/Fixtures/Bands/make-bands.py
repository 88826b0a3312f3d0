"""Makes the TIFFs with bands of these tests and what Pillow and numpy make of them.

    python3 make-bands.py

Needs Pillow 12 or later, tifffile and numpy. Beside this script it writes `NAME.tif`, and for each of
its resizes `NAME-FILTER-WIDTHxHEIGHT.samples`: the upright image, each band resized by Pillow on its own,
as 16-bit little-endian numbers, the bands of a pixel next to each other. `expected.json` lists
both. The images that it does not list are for policies and refusals.
"""

import json
import pathlib

import numpy as np
import tifffile
from PIL import Image

HERE = pathlib.Path(__file__).parent
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "nearest": Image.NEAREST, "box": Image.BOX}
random = np.random.default_rng(26)
images = []


def drawing(bands, bits, width=29, height=23):
    y, x = np.mgrid[0:height, 0:width]
    scale = 255 if bits == 8 else 11000
    planes = [
        scale * (0.5 + 0.3 * np.sin(x / (3 + band) + y / 5) + 0.15 * np.cos(y / (2 + band)))
        + random.normal(0, scale / 20, x.shape)
        for band in range(bands)
    ]
    top = 255 if bits == 8 else 65535
    return np.clip(np.stack(planes, axis=2), 0, top).astype(np.uint8 if bits == 8 else np.uint16)


def resized(samples, width, height, filter):
    bands = [
        np.asarray(Image.fromarray(np.ascontiguousarray(samples[..., band])).resize((width, height), FILTERS[filter]))
        for band in range(samples.shape[2])
    ]
    return np.stack(bands, axis=2)


def write(name, samples, planes=False, **options):
    stored = np.moveaxis(samples, 2, 0) if planes else samples
    if samples.shape[2] == 1:
        stored = samples[..., 0]
    else:
        options["planarconfig"] = "separate" if planes else "contig"
    options.setdefault("photometric", "minisblack")
    tifffile.imwrite(HERE / f"{name}.tif", stored, software=False, metadata=None, **options)


def add(name, samples, resizes, upright=None, **options):
    write(name, samples, **options)
    upright = samples if upright is None else upright
    listed = []
    for filter, width, height in resizes:
        file = f"{name}-{filter}-{width}x{height}.samples"
        result = resized(upright, width, height, filter)
        (HERE / file).write_bytes(result.astype("<u2").tobytes())
        listed.append({"file": file, "filter": filter, "width": width, "height": height})
    images.append({
        "file": f"{name}.tif", "bands": upright.shape[2], "bits": samples.dtype.itemsize * 8,
        "height": upright.shape[0], "width": upright.shape[1], "resizes": listed,
    })


down, up = ("bilinear", 12, 9), ("bicubic", 31, 7)
add("four-8", drawing(4, 8), [down, up, ("nearest", 11, 40)])
four = drawing(4, 8)
add("rgb-near-infrared-8", four, [down], photometric="rgb", extrasamples=["unspecified"])
add("thirteen-16", drawing(13, 16), [down], compression="zlib", rowsperstrip=7)
add("six-planes-16", drawing(6, 16), [down, ("box", 29, 5)], planes=True, rowsperstrip=8)
add("four-tiles-16-big", drawing(4, 16), [down], tile=(16, 16), byteorder=">")
add("two-tile-planes-8", drawing(2, 8), [down], planes=True, tile=(16, 16))
add("one-16", drawing(1, 16), [down])
add("limit-8", drawing(32, 8, 9, 8), [("bilinear", 4, 3)])
# Contrasts so large that bicubic's overshoot is cut off at both ends.
harsh = (random.integers(0, 2, (23, 29, 2)) * 65535).astype(np.uint16)
add("two-harsh-16", harsh, [("bilinear", 12, 9)])
turned = drawing(3, 16)
add("turned-16", turned, [down], np.rot90(turned, -1), extratags=[(274, "H", 1, 6, True)])
mirrored = drawing(2, 8)
add("mirrored-8", mirrored, [down], mirrored[:, ::-1], extratags=[(274, "H", 1, 2, True)])
# Transparency that a contract takes as a band, or leaves out.
write("marked-8", four, photometric="rgb", extrasamples=["unassalpha"])
write("mask-last-16", drawing(4, 16), extrasamples=["unspecified", "unspecified", "unassalpha"])
write("float", drawing(2, 8).astype(np.float32))
write("signed", drawing(2, 16).astype(np.int16))
write("beyond-limit", drawing(33, 8, 4, 4))
write("inverted-8", drawing(2, 8), photometric="miniswhite")
write("cmyk-8", drawing(4, 8), photometric="separated")
(HERE / "expected.json").write_text(json.dumps({"images": images}, indent=1) + "\n")
