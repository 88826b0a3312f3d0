#!/usr/bin/env python3
"""Makes the views that torchvision's transforms make of ../resize-source.png.

    make-augmentation.py

Needs torchvision (CPU) and Pillow 13. Beside this script it writes

    cases.json      what is done in each case, with which numbers, and what was erased
    NAME.rgb        the view, rows of interleaved RGB; NAME.grey if the image is grey

The transforms are torchvision's, the random numbers those of Sources/Numbers: whatever torch is asked for
is taken from the stream of the operation, in turn.
"""

import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

HERE = pathlib.Path(__file__).parent
CANVAS = (64, 52)
VIEW = (24, 20)
MASK = (1 << 64) - 1


class Numbers:
    """As ReproducibleNumbers of Sources/Numbers, one after the other."""

    def __init__(self, name):
        self.state = 0xCBF29CE484222325
        for byte in name.encode():
            self.state = (self.state ^ byte) * 0x100000001B3 & MASK

    def fraction(self):
        self.state = self.state + 0x9E3779B97F4A7C15 & MASK
        bits = self.state
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & MASK
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & MASK
        return ((bits ^ bits >> 31) >> 40) / (1 << 24)


numbers = None


def uniform(self, low=0, high=1):
    return self.double().fill_(float(low) + numbers.fraction() * (float(high) - float(low)))


def randint(low, high, size):
    return torch.tensor([low + int(numbers.fraction() * (high - low))])


def randperm(count):
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(numbers.fraction() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return torch.tensor(order)


torch.Tensor.uniform_ = uniform
torch.randint = randint
torch.randperm = randperm
torch.rand = lambda count: torch.tensor([numbers.fraction()], dtype=torch.float64)

SOURCE = Image.open(HERE.parent / "resize-source.png").convert("RGB")
WHOLE = {"scale": [0.08, 1], "ratio": [3 / 4, 4 / 3]}
ALL = {"brightness": 0.4, "contrast": 0.5, "saturation": 0.6, "hue": 0.1}


def make(name, epoch=0, filter="bilinear", grey=False, padding=None, resized=None, flips=False, jitter=None,
         erasing=None):
    global numbers
    seed, image = 7, 12

    def draw(operation):
        global numbers
        numbers = Numbers(f"augmentation {seed} {epoch} {image} {operation}")

    view = SOURCE.convert("L") if grey else SOURCE
    view = view.resize(CANVAS[::-1], getattr(Image.Resampling, filter.upper()))
    draw("crop")
    if resized:
        crop = T.RandomResizedCrop(VIEW, resized["scale"], resized["ratio"], InterpolationMode(filter))
        box = crop.get_params(view, crop.scale, crop.ratio)
        print(name, "part", box)
        draw("crop")
    elif padding is not None:
        crop = T.RandomCrop(VIEW, padding=padding, padding_mode="reflect")
    else:
        crop = T.CenterCrop(VIEW)
    view = crop(view)
    draw("flip")
    if flips:
        view = T.RandomHorizontalFlip()(view)
    draw("colours")
    if jitter:
        view = T.ColorJitter(**jitter)(view)
    erased = None
    if erasing:
        draw("erasing")
        ones = torch.ones(3, *VIEW)
        zeros = T.RandomErasing(erasing["probability"], erasing["scale"], erasing["ratio"])(ones)[0] == 0
        if zeros.any():
            rows, columns = torch.where(zeros)
            top, left = int(rows.min()), int(columns.min())
            erased = [top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1]
    file = name + (".grey" if grey else ".rgb")
    (HERE / file).write_bytes(np.asarray(view).tobytes())
    return {
        "file": file, "seed": seed, "epoch": epoch, "image": image, "filter": filter, "grey": grey,
        "padding": padding, "resized": resized, "flips": flips, "jitter": jitter, "erasing": erasing,
        "erased": erased,
    }


cases = [make("plain")]
cases += [make(f"padded-{epoch}", epoch, padding=4, flips=True) for epoch in range(3)]
# More than the canvas is wide: mirrored several times.
cases += [make("padded-wide", padding=130, grey=True)]
cases += [make(f"resized-{epoch}", epoch, resized=WHOLE) for epoch in range(5)]
cases += [
    # Much higher than wide, so that Pillow resizes the height first.
    make("resized-high", 1, resized={"scale": [0.5, 0.6], "ratio": [0.4, 0.5]}, flips=True),
    make("resized-wide", resized={"scale": [1, 1], "ratio": [3, 4]}),
    make("resized-narrow", resized={"scale": [1, 1], "ratio": [0.2, 0.25]}),
    make("resized-whole", resized={"scale": [1, 1], "ratio": [0.5, 2]}),
    make("resized-bicubic", 3, "bicubic", resized=WHOLE),
    make("resized-nearest", 3, "nearest", resized=WHOLE),
    make("resized-grey", 4, grey=True, resized=WHOLE, jitter=ALL),
]
cases += [
    make("brightness", jitter={"brightness": 0.9}),
    make("brightness-beyond", 3, jitter={"brightness": 3}),
    make("contrast", jitter={"contrast": 0.9}),
    make("contrast-beyond", 3, jitter={"contrast": 3}),
    make("saturation", jitter={"saturation": 0.9}),
    make("saturation-beyond", 3, jitter={"saturation": 3}),
]
cases += [make(f"hue-{epoch}", epoch, jitter={"hue": 0.5}) for epoch in range(3)]
cases += [make(f"colours-{epoch}", epoch, jitter=ALL) for epoch in range(4)]
ERASING = {"probability": 0.75, "scale": [0.1, 0.5], "ratio": [0.3, 3.3]}
cases += [make(f"erased-{epoch}", epoch, erasing=ERASING) for epoch in range(4)]
cases += [make("all", 5, resized=WHOLE, flips=True, jitter=ALL, erasing=ERASING)]
(HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
