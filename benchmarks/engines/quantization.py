"""Turns an fp32 ONNX file into an int8 one that ONNX Runtime and OpenVINO both run as such.

usage: quantization.py FILE PIXELS.npy OUT
"""

import pathlib
import sys

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static)


class Pictures(CalibrationDataReader):
    """Hands out one input at a time."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.rest = iter([{"input": pixels[index:index + 1]} for index in range(len(pixels))])

    def get_next(self) -> dict | None:
        return next(self.rest, None)


def quantize(source: pathlib.Path, pixels: np.ndarray, target: pathlib.Path) -> None:
    """Unsigned activations, signed weights with a scale per channel, pairs of QuantizeLinear and
    DequantizeLinear: what both engines' documentation recommends on processors with VNNI."""
    quantize_static(
        source, target, Pictures(pixels), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax)


def main() -> None:
    source, pixels, target = map(pathlib.Path, sys.argv[1:])
    quantize(source, np.load(pixels), target)


if __name__ == "__main__":
    main()
