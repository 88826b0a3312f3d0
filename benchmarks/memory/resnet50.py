"""Writes a ResNet-50 with random weights as a safetensors file under torchvision's names."""

import json
import pathlib
import random
import struct

BLOCKS = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)
CLASS_COUNT = 1000
FLOAT_BYTE_COUNT = 4


def shapes() -> dict[str, list[int]]:
    """Every tensor's shape; convolutions `[K, C, H, W]`."""
    found: dict[str, list[int]] = {}

    def normalisation(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{part}"] = [channels]

    def convolution(name: str, norm: str, inputs: int, outputs: int, kernel: int) -> None:
        found[f"{name}.weight"] = [outputs, inputs, kernel, kernel]
        normalisation(norm, outputs)

    convolution("conv1", "bn1", 3, 64, 7)
    channels = 64
    for stage, (count, width) in enumerate(zip(BLOCKS, WIDTHS), start=1):
        for index in range(count):
            block = f"layer{stage}.{index}"
            convolution(f"{block}.conv1", f"{block}.bn1", channels, width, 1)
            convolution(f"{block}.conv2", f"{block}.bn2", width, width, 3)
            convolution(f"{block}.conv3", f"{block}.bn3", width, width * 4, 1)
            if index == 0:
                shortcut = f"{block}.downsample"
                convolution(f"{shortcut}.0", f"{shortcut}.1", channels, width * 4, 1)
            channels = width * 4
    found["fc.weight"] = [CLASS_COUNT, channels]
    found["fc.bias"] = [CLASS_COUNT]
    return found


def values(name: str, shape: list[int], randomness: random.Random) -> bytes:
    """Small numbers that keep the activations in range; variances and scales near one."""
    count = 1
    for extent in shape:
        count *= extent
    # One row of numbers, repeated: memory does not depend on them, and a row is made quickly.
    row = [randomness.uniform(-1, 1) for _ in range(min(count, 4096))]
    if name.endswith("running_var"):
        row = [1 + 0.2 * value for value in row]
    elif len(shape) == 1 and name.endswith("weight"):
        row = [0.5 + 0.1 * value for value in row]
    elif len(shape) == 1:
        row = [0.1 * value for value in row]
    else:
        inputs = count // shape[0]
        row = [value * (3 / inputs) ** 0.5 for value in row]
    encoded = struct.pack(f"<{len(row)}f", *row)
    return (encoded * (count // len(row) + 1))[: count * FLOAT_BYTE_COUNT]


def write(path: pathlib.Path) -> int:
    """Writes the file and returns the bytes of its tensors."""
    randomness = random.Random(1)
    header: dict[str, dict] = {}
    offset = 0
    tensors = shapes()
    for name, shape in tensors.items():
        byte_count = FLOAT_BYTE_COUNT
        for extent in shape:
            byte_count *= extent
        header[name] = {
            "dtype": "F32", "shape": shape, "data_offsets": [offset, offset + byte_count]}
        offset += byte_count
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(encoded)))
        file.write(encoded)
        for name, shape in tensors.items():
            file.write(values(name, shape, randomness))
    return offset
