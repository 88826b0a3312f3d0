"""Writes the benchmark's picture: 500 x 375 pixels, about 110 KB, as detailed as a photograph.

    python3 make-picture.py OUT.jpg

Needs Pillow and numpy. Noise whose power falls with frequency as it does in photographs,
with some edges.
"""

import io
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT, BYTES = 500, 375, 110_000

random = np.random.default_rng(7)
frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.fftfreq(WIDTH)[None, :])
frequency[0, 0] = 1
planes = []
for _ in range(3):
    spectrum = np.fft.fft2(random.normal(size=(HEIGHT, WIDTH))) / frequency
    plane = np.fft.ifft2(spectrum).real
    planes.append(plane / plane.std())
light = planes[0]
image = np.stack([light + 0.3 * planes[1], light, light + 0.3 * planes[2]], axis=2) * 45 + 120
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
image[(x - 180) ** 2 + (y - 190) ** 2 < 90**2] += 50
image[(x > 300) & (x < 420) & (y > 80)] -= 45
picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8), "RGB")

for quality in range(98, 40, -1):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    if buffer.tell() <= BYTES:
        break
with open(sys.argv[1], "wb") as file:
    file.write(buffer.getvalue())
print(f"{sys.argv[1]}: {buffer.tell()} bytes at quality {quality}")
