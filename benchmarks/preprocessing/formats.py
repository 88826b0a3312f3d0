"""Times Imaging next to Pillow over one picture in each format and prints a Markdown table.

A turn is a process of each for each file, in turns; figures are the medians over the turns of each
process's medians, in processor time of one thread.
"""

import argparse
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
SIDE = 256
ROUNDS = 9
PROCESS_SECOND_LIMIT = 600
STEPS = ("decode", "resize", "prepare")


def bitmap16(image: Image.Image) -> bytes:
    """A bitmap of 5, 6 and 5 bits, which Pillow does not write, of an even width."""
    red, green, blue = np.moveaxis(np.asarray(image).astype(np.uint16), 2, 0)
    pixels = (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2")[::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, *image.size, 1, 16, 3, len(pixels), 0, 0, 0, 0)
    header += struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def write_files(image: Image.Image, folder: pathlib.Path) -> dict[str, pathlib.Path]:
    palette = image.quantize(256)
    pictures = {
        "BMP, 24 bits": (image, "bmp", {}),
        "BMP, 32 bits": (image.convert("RGBA"), "bmp", {}),
        "BMP, 8 bits": (palette, "bmp", {}),
        "BMP, 1 bit": (image.convert("1"), "bmp", {}),
        "GIF": (palette, "gif", {}),
        "PNG": (image, "png", {}),
        "PNG, alpha": (image.convert("RGBA"), "png", {}),
        "PNG, 8 bits": (palette, "png", {}),
        "PNG, 1 bit": (image.convert("1"), "png", {}),
        "TIFF": (image, "tif", {}),
        "TIFF, LZW": (image, "tif", {"compression": "tiff_lzw"}),
        "TIFF, Deflate": (image, "tif", {"compression": "tiff_adobe_deflate"}),
        "WebP": (image, "webp", {"quality": 80}),
        "WebP, lossless": (image, "webp", {"lossless": True}),
    }
    files = {}
    for number, (name, (picture, ending, options)) in enumerate(pictures.items()):
        files[name] = folder / f"{number}.{ending}"
        picture.save(files[name], **options)
    files["BMP, 16 bits"] = folder / "16.bmp"
    files["BMP, 16 bits"].write_bytes(bitmap16(image))
    return files


def times(command: list[str]) -> dict[str, float]:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--picture", required=True, type=pathlib.Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("own", type=pathlib.Path, nargs="?", help="a picture of one's own")
    options = parser.parse_args()
    with Image.open(options.own or options.picture) as opened:
        image = opened.convert("RGB")
    image = image.crop((0, 0, image.width // 2 * 2, image.height))
    width = round(image.width * SIDE / image.height)

    print("| file | " + " | ".join(f"{step} | Pillow | ratio" for step in STEPS) + " |")
    print("|---|" + "---|" * 3 * len(STEPS))
    with tempfile.TemporaryDirectory() as folder:
        for name, path in sorted(write_files(image, pathlib.Path(folder)).items()):
            arguments = [str(path), str(width), str(ROUNDS)]
            ours, pillows = [], []
            for _ in range(options.turns):
                ours.append(times([options.program, *arguments, "exact"]))
                pillow = [sys.executable, str(HERE / "pillow.py"), *arguments, "plain"]
                pillows.append(times(pillow))
            cells = []
            for step in STEPS:
                own = statistics.median(turn[step] for turn in ours)
                other = statistics.median(turn[step] for turn in pillows)
                cells.append(f"{own:.2f} ms | {other:.2f} ms | {own / other:.2f}")
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
