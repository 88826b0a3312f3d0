"""Runs resnetd and its peers in turns and prints medians and ratios as Markdown tables.

Every measurement is a process of its own. The machine may be shared: rounds are interleaved, so
that a slow minute hits all engines alike, and ratios are taken within a round.
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys

import numpy as np

import machine
import network
import publish
import quantization

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = pathlib.Path(".cache/engines")
SOURCES = (HERE / "network.py", HERE / "quantization.py")
OURS = ("resnetd", "resnetd-workers")
PEERS = ("onnxruntime", "openvino", "openvino-throughput", "ncnn", "mnn")
# Those that take part in one precision alone: in the others they have no kernels for this kind of
# processor, or need a calibration of their own.
FP32_PEERS = ("ncnn", "mnn")
PACKAGES = ["onnxruntime", "openvino", "ncnn", "mnn"]
# Formats other than ONNX.
SUFFIXES = {"ncnn": ".param", "mnn": ".mnn"}
# Workers side by side may split a batch: for a row of the first, they try all of these.
WORKER_BATCHES = {1: (1,), 8: (1, 4, 8)}
CALIBRATION_PICTURES = 2
PROCESS_SECOND_LIMIT = 600


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def output(command: list[str]) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return done.stdout


def model(name: str, precision: str) -> pathlib.Path:
    """The ONNX file of a network, made when missing or older than what makes it; in fp32 with files
    of other formats beside it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    suffix = "-int8" if precision == "int8" else ""
    path = FOLDER / f"{name}{suffix}.onnx"
    if path.exists() and all(path.stat().st_mtime > source.stat().st_mtime for source in SOURCES):
        return path
    # Speed does not depend on the pictures, as long as the activations are in range.
    pixels = np.random.default_rng(3).standard_normal(
        (CALIBRATION_PICTURES, 3, network.INPUT_SIDE, network.INPUT_SIDE), dtype=np.float32)
    if suffix:
        quantization.quantize(model(name, "fp32"), pixels, path)
    else:
        parameters = network.make(name, pixels)
        network.write_ncnn(name, parameters, path.with_suffix(SUFFIXES["ncnn"]))
        network.write_onnx(name, parameters, path)
        output([
            str(pathlib.Path(sys.executable).parent / "mnnconvert"), "-f", "ONNX", "--modelFile",
            str(path), "--MNNModel", str(path.with_suffix(SUFFIXES["mnn"])), "--bizCode",
            "resnetd"])
    return path


class Comparison:
    """What is measured with which program."""

    def __init__(self, options) -> None:
        self.options = options
        self.has_precisions = "--precision" in output([options.program, "bench", "--help"])

    def engines(self, precision: str, threads: int) -> list[str]:
        found = [name for name in PEERS if precision == "fp32" or name not in FP32_PEERS]
        if precision == "bf16":
            # Its CPU provider has no kernels for it.
            found.remove("onnxruntime")
        if precision == "fp32" or self.has_precisions:
            # On one thread there is nothing to split.
            found = list(OURS[:min(threads, 2)]) + found
        return found

    def file(self, engine: str, name: str, precision: str) -> pathlib.Path:
        path = model(name, precision)
        return path.with_suffix(SUFFIXES.get(engine, path.suffix))

    def measure_once(
            self, engine: str, name: str, precision: str, threads: int, batch: int) -> float:
        if engine in PEERS:
            return float(output([
                sys.executable, str(HERE / "peer.py"), engine,
                str(self.file(engine, name, precision)), precision, str(batch), str(threads),
                str(self.options.seconds)]).split()[-1])
        # One batch over all threads, or a batch per thread as `resnetd serve` runs them.
        each, workers = (threads, 1) if engine == "resnetd" else (1, threads)
        batches = (batch,) if engine == "resnetd" else WORKER_BATCHES.get(batch, (batch,))
        command = [
            self.options.program, "bench", name, "--batch", ",".join(map(str, batches)),
            "--threads", str(each), "--workers", str(workers),
            "--seconds", f"{self.options.seconds:g}s", "--json"]
        if self.has_precisions:
            command += ["--precision", precision]
        return max(result["images_per_second"] for result in json.loads(output(command))["results"])

    def row(self, name: str, precision: str, threads: int, batch: int) -> dict:
        """Medians in images/s, then the median of the ratios of our best to the best peer."""
        engines = self.engines(precision, threads)
        rates: dict[str, list[float]] = {engine: [] for engine in engines}
        for turn in range(self.options.rounds):
            # The order rotates too: whoever runs first after a pause meets a cooler processor.
            shift = turn % len(engines)
            for engine in engines[shift:] + engines[:shift]:
                rates[engine].append(self.measure_once(engine, name, precision, threads, batch))
                say(f"{name} {precision}, {threads} threads, batch {batch}, round {turn + 1}: "
                    f"{engine} {rates[engine][-1]:.1f}")
        medians = {engine: statistics.median(values) for engine, values in rates.items()}
        row = {"network": name, "precision": precision, "threads": threads, "batch": batch,
               "rates": rates, "medians": medians, "ours": None, "peer": None, "ratio": None}
        peer = max((engine for engine in engines if engine in PEERS), key=medians.__getitem__)
        ours = max((engine for engine in engines if engine in OURS), key=medians.__getitem__,
                   default=None)
        if ours is None:
            return row
        return row | {"ours": ours, "peer": peer, "ratio": statistics.median(
            a / b for a, b in zip(rates[ours], rates[peer], strict=True))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--precisions", default=",".join(publish.PRECISIONS))
    parser.add_argument("--networks", default=",".join(network.NETWORKS))
    parser.add_argument("--json", type=pathlib.Path, default=publish.RESULTS / "engines.json")
    parser.add_argument("--publish", action="store_true",
                        help="put tables and plot into docs/benchmarks.md, where the result's "
                        "file name marks the place")
    options = parser.parse_args()

    comparison = Comparison(options)
    precisions = options.precisions.split(",")
    if not comparison.has_precisions and precisions != ["fp32"]:
        say('this build\'s "resnetd bench" has no --precision: it stands in the rows of fp32 only')
    result = machine.description(options.program, PACKAGES)
    result |= {"rounds": options.rounds, "seconds": options.seconds}
    result["rows"] = [
        comparison.row(name, precision, int(threads), int(batch))
        for precision, threads, name, batch in itertools.product(
            precisions, options.threads.split(","), options.networks.split(","),
            options.batches.split(","))]
    result["load_after"] = os.getloadavg()[0]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1))
    print(publish.engines_text(result))
    if options.publish:
        publish.publish(options.json.stem, result)


if __name__ == "__main__":
    main()
