"""Draws photographs: noise whose power falls with frequency as theirs does, edges, and grain.

`small` are 500 x 375 pixels in 110 KB, `large` 12 megapixels at quality 88.
"""

import io
import pathlib

import numpy as np
from PIL import Image

SIZES = {"small": (500, 375), "large": (4000, 3000)}
COUNTS = {"small": 16, "large": 4}
SMALL_BYTES = 110_000
LARGE_QUALITY = 88
GRAIN = 1.5


def draw(width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    # They differ in sharpness, contrast, light and tint, or a network could not tell them apart.
    frequency = frequency.astype(np.float32) ** random.uniform(0.9, 1.3)
    contrast, tint = random.uniform(25, 55), random.uniform(-40, 40, 3)

    def plane() -> np.ndarray:
        noise = random.standard_normal((height, width), dtype=np.float32)
        values = np.fft.irfft2(np.fft.rfft2(noise) / frequency, (height, width))
        return (values / values.std()).astype(np.float32)

    light = plane()
    image = np.stack([light + 0.3 * plane(), light, light + 0.3 * plane()], axis=2)
    image = image * contrast + random.uniform(80, 160) + tint.astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    # Things with edges, each of its own colour.
    for _ in range(6):
        centre = random.uniform(0, [width / height, 1])
        extent, colour = random.uniform(0.08, 0.3, 2), random.uniform(-70, 70, 3)
        inside = ((x - centre[0]) / extent[0]) ** 2 + ((y - centre[1]) / extent[1]) ** 2 < 1
        image[inside] += colour.astype(np.float32)
    image += GRAIN * random.standard_normal(image.shape, dtype=np.float32)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")


def encode(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def jpeg(size: str, seed: int) -> bytes:
    picture = draw(*SIZES[size], seed)
    if size == "large":
        return encode(picture, LARGE_QUALITY)
    for quality in range(98, 40, -1):
        encoded = encode(picture, quality)
        if len(encoded) <= SMALL_BYTES:
            break
    return encoded


def write(folder: pathlib.Path) -> dict[str, list[bytes]]:
    """The pictures of each size; those in `folder/SIZE` unless this file is younger."""
    since = pathlib.Path(__file__).stat().st_mtime
    found: dict[str, list[bytes]] = {}
    for size, count in COUNTS.items():
        (folder / size).mkdir(parents=True, exist_ok=True)
        paths = [folder / size / f"{index}.jpg" for index in range(count)]
        for seed, path in enumerate(paths):
            if not path.exists() or path.stat().st_mtime < since:
                path.write_bytes(jpeg(size, seed))
        found[size] = [path.read_bytes() for path in paths]
    return found
