"""From a JPEG to a network's input with Pillow and numpy: torchvision's evaluation transform."""

import io

import numpy as np
from PIL import Image

RESIZE, CROP = 256, 224
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)[:, None, None]
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)[:, None, None]
SCALE = 1 / (255 * DEVIATION)
OFFSET = MEAN / DEVIATION


def prepare(encoded: bytes, draft: bool = False) -> np.ndarray:
    """`[3, 224, 224]`; with `draft` libjpeg may decode at 1/2, 1/4 or 1/8 of the size.

    Only what the crop keeps is resized, which gives the same pixels.
    """
    image = Image.open(io.BytesIO(encoded))
    if draft:
        image.draft("RGB", (RESIZE, RESIZE))
    image = image.convert("RGB")
    width, height = image.size
    shorter = min(width, height)
    resized = RESIZE * width // shorter, RESIZE * height // shorter
    box = []
    for extent, target in zip(image.size, resized):
        start = round((target - CROP) / 2)
        box.append((start * extent / target, (start + CROP) * extent / target))
    image = image.resize(
        (CROP, CROP), Image.Resampling.BILINEAR,
        (box[0][0], box[1][0], box[0][1], box[1][1]))
    pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32, order="C")
    pixels *= SCALE
    pixels -= OFFSET
    return pixels
