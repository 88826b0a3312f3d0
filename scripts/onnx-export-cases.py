"""Exports networks by `resnetd convert` and compares their logits in three programs.

usage: onnx-export-cases.py PROGRAM

ONNX Runtime's logits of an exported file must be those of the engine on the file that it was made
of, and of `resnetd run` on the exported one, within TOLERANCE of the largest. The engine tells
probabilities, so its logits are known up to a constant.
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy
import onnx
import onnxruntime

repository = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(repository / "benchmarks" / "engines"))
import network  # noqa: E402

program = sys.argv[1]

TOLERANCE = 1e-4
# Of pictures for the networks of ImageNet's form: smaller than usual, for time.
SIDE = 64
# Of the squares that a picture consists of; its side is a multiple.
SQUARE = 8
MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
NETWORKS = network.NETWORKS | {"resnet101": ((3, 4, 23, 3), True)}
FIXTURES = repository / "Tests" / "CheckpointTests" / "Fixtures"
IMPORTED = ["basic-17", "torch-11-folded", "torch-13"]


def resnetd(*arguments: object) -> str:
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"resnetd {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def picture(height: int, width: int, seed: int) -> numpy.ndarray:
    """Squares of colours, `[H, W, 3]` bytes: networks tell them apart better than noise."""
    colours = numpy.random.default_rng(seed).integers(
        0, 256, (height // SQUARE, width // SQUARE, 3), numpy.uint8)
    return colours.repeat(SQUARE, 0).repeat(SQUARE, 1)


def prepared(pixels: numpy.ndarray, mean: list, deviation: list) -> numpy.ndarray:
    """What a network takes, `[1, 3, H, W]`."""
    values = (pixels / 255 - mean) / deviation
    return values.transpose(2, 0, 1)[None].astype(numpy.float32)


def write_png(pixels: numpy.ndarray, path: pathlib.Path) -> None:
    """`[H, W, 3]` bytes, each row without a filter (PNG, section 9)."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def centred(logits: numpy.ndarray) -> numpy.ndarray:
    """The logarithm of their softmax: what is left of logits in probabilities."""
    highest = logits.max()
    return logits - highest - numpy.log(numpy.exp(logits - highest).sum())


def classified(
        path: pathlib.Path, picture: pathlib.Path, options: list, count: int) -> numpy.ndarray:
    answer = json.loads(resnetd(
        "classify", "--json", "--precision", "fp32", "--top-k", count, "--model", path,
        *options, picture))
    predictions = answer["predictions"]
    probabilities = numpy.empty(len(predictions))
    for prediction in predictions:
        probabilities[prediction["class"]] = prediction["probability"]
    assert probabilities.min() > 0, "too small for single precision"
    return numpy.log(probabilities)


def evaluated(path: pathlib.Path, pixels: numpy.ndarray, folder: pathlib.Path) -> numpy.ndarray:
    numpy.save(folder / "input.npy", pixels)
    resnetd("run", path, "--input", folder / "input.npy", "--output", folder / "logits.npy")
    return numpy.load(folder / "logits.npy")[0]


def difference(found: numpy.ndarray, wanted: numpy.ndarray) -> float:
    return float(numpy.abs(found - wanted).max() / numpy.abs(wanted).max())


def check(
        name: str, source: pathlib.Path, options: list, folder: pathlib.Path, small: bool) -> None:
    """Exports `source`, which needs `options`; `small` ones are evaluated by `resnetd run` too."""
    start = time.monotonic()
    exported = folder / f"{name}.onnx"
    resnetd("convert", source, exported, *options)
    onnx.checker.check_model(str(exported), full_check=True)
    metadata = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    contract = json.loads(metadata["resnetd"])["preprocessing"]

    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape[0], taken.shape[1]) == ("input", "batch", 3), taken
    assert (given.name, given.shape[0]) == ("logits", "batch"), given
    height, width = taken.shape[2:]
    write_png(picture(height, width, 1), folder / "picture.png")
    pixels = prepared(picture(height, width, 1), contract["mean"], contract["std"])
    # Two pictures: the batch is open.
    logits = session.run(None, {"input": numpy.concatenate([pixels, pixels[:, :, ::-1]])})[0]
    assert logits.shape == (2, given.shape[1]) and numpy.isfinite(logits).all(), logits.shape

    found = {"engine": difference(
        centred(logits[0]), classified(source, folder / "picture.png", options, len(logits[0])))}
    if small:
        found["run"] = difference(evaluated(exported, pixels, folder), logits[0])
    if source.suffix == ".onnx":
        original = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
        name_there = original.get_inputs()[0].name
        found["original"] = difference(logits[0], original.run(None, {name_there: pixels})[0][0])
    text = ", ".join(f"{what} {value:.1e}" for what, value in found.items())
    print(f"{name:16} {time.monotonic() - start:5.1f} s   {text}", flush=True)
    for what, value in found.items():
        if not value <= TOLERANCE:
            sys.exit(f"{name}: the logits of {what} differ by {value:.1e} of the largest")


def contract(side: int) -> str:
    return json.dumps({
        "resize": {"rule": "exact", "height": side, "width": side, "filter": "bilinear"},
        "crop": {"rule": "none"}, "mean": MEAN, "std": DEVIATION})


def labels(count: int, folder: pathlib.Path) -> pathlib.Path:
    path = folder / f"labels-{count}.txt"
    path.write_text("".join(f"class {index}\n" for index in range(count)))
    return path


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    embedded = repository / "Sources" / "CEmbeddedModels" / "resnet20-cifar10.safetensors"
    check("embedded", embedded, [], folder, small=True)
    for fixture in IMPORTED:
        options = ["--labels", labels(5, folder), "--preprocess", contract(32)]
        check(fixture, FIXTURES / f"{fixture}.onnx", options, folder, small=True)
    pictures = numpy.concatenate(
        [prepared(picture(SIDE, SIDE, seed), MEAN, DEVIATION) for seed in range(2)])
    network.NETWORKS = NETWORKS
    for name in sorted(NETWORKS):
        plain = folder / f"{name}.safetensors"
        network.write_safetensors(network.make(name, pictures), plain)
        options = ["--labels", labels(network.CLASS_COUNT, folder), "--preprocess", contract(SIDE)]
        check(name, plain, options, folder, small=False)
        plain.unlink()
        (folder / f"{name}.onnx").unlink()
