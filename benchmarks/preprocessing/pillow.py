"""Times Pillow over one picture: python3 pillow.py PICTURE WIDTH ROUNDS plain|draft

Prints the median of each step in milliseconds of processor time. WIDTH is that of the picture
resized to a height of 256. `draft` lets libjpeg decode at the smallest scale that leaves twice
that.
"""

import io
import statistics
import sys
import time

import numpy as np
from PIL import Image

SIDE, CROP = 256, 224
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)

path, width, rounds, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with open(path, "rb") as file:
    data = file.read()


def decoded():
    image = Image.open(io.BytesIO(data))
    box = None
    if mode == "draft":
        _, box = image.draft("RGB", (2 * width, 2 * SIDE)) or (None, None)
    return image.convert("RGB"), box


def resized():
    image, box = decoded()
    return image.resize((width, SIDE), Image.Resampling.BILINEAR, box=box)


def prepared():
    left, top = round((width - CROP) / 2), round((SIDE - CROP) / 2)
    image = resized().crop((left, top, left + CROP, top + CROP))
    pixels = (np.asarray(image, np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def median(work):
    work()
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return statistics.median(times) * 1e3


for name, work in (("decode", decoded), ("resize", resized), ("prepare", prepared)):
    print(f"{name} {median(work):.4f}")
