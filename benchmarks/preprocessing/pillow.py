"""Times Pillow over one picture: python3 pillow.py PICTURE ROUNDS. Prints the median in ms."""

import io
import statistics
import sys
import time

import PIL
from PIL import Image

data = open(sys.argv[1], "rb").read()
rounds = int(sys.argv[2])


def decode():
    return Image.open(io.BytesIO(data)).convert("RGB")


def resize():
    image = decode()
    width, height = image.size
    short = min(width, height)
    return image.resize((256 * width // short, 256 * height // short), Image.Resampling.BILINEAR)


def median(work):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


for work in (decode, resize):
    median(work)
print(f"pillow-version {PIL.__version__}")
print(f"decode {median(decode):.3f}")
print(f"decode+resize {median(resize):.3f}")
