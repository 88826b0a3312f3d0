"""Runs files of networks through `resnetd run --engine` and compares their logits."""

import pathlib
import subprocess
import tempfile

import numpy
import onnx

# Of the largest logit.
TOLERANCE = 1e-4
CLASSES = 1000


class Comparison:
    """Prints a row of a Markdown table for each file, whose last lines say how many failed."""

    def __init__(self, program):
        self.program = program
        self.count = self.failures = 0
        self.largest = 0.0
        self.folder = tempfile.TemporaryDirectory()
        print("| network | file | largest logit | difference / largest |\n|---|---|---|---|")

    def path(self, name):
        return str(pathlib.Path(self.folder.name) / name)

    def pictures(self, size, count=2):
        """[count, 3, size, size], as preprocessing would leave them."""
        return numpy.random.default_rng(1).normal(0, 1, (count, 3, size, size)).astype("f4")

    def compare(self, network, kind, file, pictures, expected):
        """Removes the file."""
        numpy.save(self.path("x.npy"), numpy.ascontiguousarray(pictures))
        command = [self.program, "run", file, "--engine", "--input", self.path("x.npy")]
        done = subprocess.run(
            [*command, "--output", self.path("y.npy")], capture_output=True, text=True, timeout=300)
        pathlib.Path(file).unlink()
        self.count += 1
        if done.returncode != 0:
            self.failures += 1
            print(f"| {network} | {kind} | | FAILED: {done.stderr.strip()} |", flush=True)
            return
        found = numpy.load(self.path("y.npy"))
        scale = float(numpy.abs(expected).max())
        difference = float(numpy.abs(found.astype("f8") - expected).max()) / scale
        passes = found.shape == expected.shape and difference <= TOLERANCE
        self.failures += not passes
        self.largest = max(self.largest, difference)
        mark = "" if passes else " FAILED"
        print(f"| {network} | {kind} | {scale:.4g} | {difference:.1e}{mark} |", flush=True)

    def end(self):
        """The exit code."""
        print(
            f"\n{self.count} files: {self.count - self.failures} passed, {self.failures} failed; "
            f"largest difference {self.largest:.1e} of the largest logit")
        return 1 if self.failures or not self.count else 0


def normalizations(file):
    """How many nodes of an ONNX file normalise."""
    graph = onnx.load(file).graph
    return sum(node.op_type == "BatchNormalization" for node in graph.node)


def operator_set(file):
    model = onnx.load(file, load_external_data=False)
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
