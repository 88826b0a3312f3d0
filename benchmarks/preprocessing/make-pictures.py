"""Writes the benchmark's pictures as JPEG (4:2:0), as detailed as photographs of their size.

    python3 make-pictures.py FOLDER

Needs Pillow and numpy. Noise whose power falls with frequency as it does in photographs, with
some edges; the quality is the highest that stays below the usual size of such a file.
"""

import io
import pathlib
import sys

import numpy as np
from PIL import Image

# Width, height, bytes.
PICTURES = ((500, 375, 110_000), (1920, 1080, 600_000), (4000, 3000, 4_000_000))
QUALITIES = range(98, 40, -2)


def photograph(width: int, height: int) -> Image.Image:
    random = np.random.default_rng(7)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        spectrum = np.fft.rfft2(random.normal(size=(height, width))) / frequency
        plane = np.fft.irfft2(spectrum, s=(height, width))
        planes.append(plane / plane.std())
    light = planes[0]
    image = np.stack([light + 0.3 * planes[1], light, light + 0.3 * planes[2]], axis=2)
    image = image * 45 + 120
    y, x = np.mgrid[0:height, 0:width]
    image[np.hypot(x - width * 0.36, y - height * 0.5) < height * 0.24] += 50
    image[(x > width * 0.6) & (x < width * 0.84) & (y > height * 0.2)] -= 45
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


for width, height, byte_limit in PICTURES:
    picture = photograph(width, height)
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= byte_limit:
            break
    path = pathlib.Path(sys.argv[1]) / f"{width}x{height}.jpg"
    path.write_bytes(buffer.getvalue())
    print(f"{path}: {buffer.tell()} bytes at quality {quality}", file=sys.stderr)
