"""The pictures and the one network behind all servers, made once and kept in `.cache/servers`."""

import pathlib
import subprocess

import numpy as np

import network
import pictures
import preparation
import quantization
import sessions

FOLDER = pathlib.Path(".cache/servers")
NETWORK = "resnet50"
# What the files depend on: they are made anew when one of these is younger.
SOURCES = [pathlib.Path(module.__file__) for module in (network, pictures, quantization)]
QUANTIZE_SECOND_LIMIT = 300


def fresh(path: pathlib.Path) -> bool:
    return path.exists() and all(
        path.stat().st_mtime > source.stat().st_mtime for source in SOURCES)


class Models:
    """ResNet-50 for every server: `onnx` for the peers, `ours` for resnetd."""

    def __init__(self, program: str, precision: str) -> None:
        self.program = program
        self.pictures = pictures.write(FOLDER / "pictures")
        pixels = {size: np.stack([preparation.prepare(body) for body in bodies])
                  for size, bodies in self.pictures.items()}
        plain, exact = FOLDER / f"{NETWORK}.safetensors", FOLDER / f"{NETWORK}.onnx"
        if not (fresh(plain) and fresh(exact)):
            parameters = network.make(NETWORK, pixels["small"])
            network.write_safetensors(parameters, plain)
            network.write_onnx(NETWORK, parameters, exact)
        session = sessions.onnxruntime(str(exact), threads=1)
        self.expected = {
            size: session.run(None, {"input": inputs})[0].argmax(1).tolist()
            for size, inputs in pixels.items()}
        self.labels = FOLDER / "labels.txt"
        self.labels.write_text(
            "".join(f"class {index}\n" for index in range(network.CLASS_COUNT)))
        self.onnx = exact if precision == "fp32" else self.quantized(exact, pixels["small"])
        self.ours = plain if precision == "fp32" else self.our_quantized(plain)
        self.precision_options = self.our_options(precision)

    def quantized(self, exact: pathlib.Path, pixels: np.ndarray) -> pathlib.Path:
        target = FOLDER / f"{NETWORK}-int8.onnx"
        if not fresh(target):
            quantization.quantize(exact, pixels, target)
        return target

    def our_quantized(self, plain: pathlib.Path) -> pathlib.Path:
        """Made by `resnetd quantize` from the same pictures, whenever asked for: the program may be
        another one than last time. Made-up classes lie close together, so no agreement is asked."""
        target = FOLDER / f"{NETWORK}-int8.safetensors"
        subprocess.run(
            [self.program, "quantize", str(plain), "--calibrate",
             str(FOLDER / "pictures" / "small"), "--minimum-agreement", "0", "-o", str(target)],
            check=True, stdout=subprocess.DEVNULL, timeout=QUANTIZE_SECOND_LIMIT)
        return target

    def our_options(self, precision: str) -> list[str]:
        return ["--precision", precision] if "--precision" in self.help("serve") else []

    def help(self, *command: str) -> str:
        done = subprocess.run(
            [self.program, *command, "--help"], check=True, capture_output=True, text=True)
        return done.stdout
