"""Residual networks with made-up weights, the same for every engine.

`make` draws the weights of a network under torchvision's names; `write_safetensors` writes them for
resnetd, `write_onnx` and `write_ncnn` for its peers, with batch normalisation folded, as every
engine here does when it compiles. Strides are where torchvision has them: in the 3x3 of a
bottleneck.
"""

import json
import pathlib
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# name -> (blocks per stage, whether blocks are bottlenecks)
NETWORKS = {
    "resnet18": ((2, 2, 2, 2), False), "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True), "resnet152": ((3, 8, 36, 3), True)}
STAGE_WIDTHS = (64, 128, 256, 512)
CLASS_COUNT = 1000
INPUT_SIDE = 224
OPSET = 17
EPSILON = 1e-5
# Spread of the logits: wide enough that a few classes stand out, as from a trained network.
LOGIT_DEVIATION = 2.0
# Scales of the normalisation that ends a branch are smaller: sums stay in range from block to
# block, and int8 does not drown what tells pictures apart.
BRANCH_SCALE = 0.15


def walk(name: str, builder, current):
    """Calls `builder` for every layer of network `name` in the order in which they run."""
    blocks, bottleneck = NETWORKS[name]
    current = builder.convolution(current, "conv1", "bn1", 3, 64, 7, 2)
    current = builder.pool(builder.relu(current))
    channels = 64
    for stage, (count, width) in enumerate(zip(blocks, STAGE_WIDTHS), start=1):
        for index in range(count):
            stride = 2 if stage > 1 and index == 0 else 1
            outputs = width * 4 if bottleneck else width
            current = block(
                builder, current, f"layer{stage}.{index}", channels, width, outputs, stride)
            channels = outputs
    return builder.head(current, channels)


def block(builder, source, name: str, inputs: int, width: int, outputs: int, stride: int):
    kernels = (1, 3, 1) if outputs != width else (3, 3)
    strided = kernels.index(3) + 1
    branch, channels = source, inputs
    for place, kernel in enumerate(kernels, start=1):
        last = place == len(kernels)
        extent = outputs if last else width
        branch = builder.convolution(
            branch, f"{name}.conv{place}", f"{name}.bn{place}", channels, extent, kernel,
            stride if place == strided else 1, BRANCH_SCALE if last else 1.0)
        if not last:
            branch = builder.relu(branch)
        channels = extent
    if stride != 1 or inputs != outputs:
        shortcut = f"{name}.downsample"
        source = builder.convolution(
            source, f"{shortcut}.0", f"{shortcut}.1", inputs, outputs, 1, stride)
    return builder.relu(builder.add(branch, source))


class Maker:
    """Draws weights while pictures pass through: running statistics are those of the pictures.

    Activations are `[N, H, W, C]`. So every layer's values stay in range, and the answers differ
    from picture to picture, neither of which holds for weights alone.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, np.ndarray] = {}
        self.random = np.random.default_rng(1)

    def keep(self, name: str, values: np.ndarray) -> np.ndarray:
        self.parameters[name] = np.ascontiguousarray(values, dtype=np.float32)
        return self.parameters[name]

    def convolution(
            self, source, name: str, norm: str, inputs: int, outputs: int, kernel: int,
            stride: int, scale: float = 1.0):
        deviation = np.sqrt(2.0 / (inputs * kernel * kernel))
        weight = self.keep(
            f"{name}.weight",
            self.random.standard_normal((outputs, inputs, kernel, kernel)) * deviation)
        result = windows(source, kernel, stride) @ weight.transpose(2, 3, 1, 0).reshape(-1, outputs)
        mean = self.keep(f"{norm}.running_mean", result.mean((0, 1, 2)))
        variance = self.keep(f"{norm}.running_var", result.var((0, 1, 2)) + 1e-3)
        gamma = self.keep(f"{norm}.weight", scale * self.random.uniform(0.5, 1.5, outputs))
        beta = self.keep(f"{norm}.bias", self.random.standard_normal(outputs) * 0.1)
        return (result - mean) / np.sqrt(variance + EPSILON) * gamma + beta

    def relu(self, source):
        return np.maximum(source, 0)

    def add(self, left, right):
        return left + right

    def pool(self, source):
        padded = np.pad(source, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        return views[:, ::2, ::2].max((-2, -1))

    def head(self, source, channels: int):
        features = source.mean((1, 2))
        weight = self.random.standard_normal((CLASS_COUNT, channels))
        logits = (features - features.mean(0)) @ weight.T
        weight = self.keep("fc.weight", weight * (LOGIT_DEVIATION / logits.std()))
        bias = self.keep("fc.bias", -(weight @ features.mean(0)))
        return features @ weight.T + bias


def windows(source: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """`[N, H, W, C]` -> `[N, H', W', kernel * kernel * C]` with zeros around."""
    if kernel == 1:
        return source[:, ::stride, ::stride]
    margin = kernel // 2
    padded = np.pad(source, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (1, 2))
    views = views[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return np.ascontiguousarray(views).reshape(*views.shape[:3], -1)


class FoldedParameters:
    """Parameters of convolutions with the batch normalisation behind them."""

    def __init__(self, parameters: dict[str, np.ndarray]) -> None:
        self.parameters = parameters

    def folded(self, name: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
        """Weight `[K, C, kernel, kernel]` and bias `[K]`."""
        values = {part: self.parameters[f"{norm}.{part}"].astype(np.float64)
                  for part in ("weight", "bias", "running_mean", "running_var")}
        factor = values["weight"] / np.sqrt(values["running_var"] + EPSILON)
        weight = self.parameters[f"{name}.weight"] * factor[:, None, None, None]
        return weight, values["bias"] - values["running_mean"] * factor


class OnnxWriter(FoldedParameters):
    """Collects nodes and initialisers; every method returns the name of its output."""

    def __init__(self, parameters: dict[str, np.ndarray]) -> None:
        super().__init__(parameters)
        self.nodes: list = []
        self.initializers: list = []

    def constant(self, name: str, values: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str = "", **attributes) -> str:
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def convolution(
            self, source: str, name: str, norm: str, inputs: int, outputs: int, kernel: int,
            stride: int, scale: float = 1.0) -> str:
        weight, bias = self.folded(name, norm)
        return self.node(
            "Conv",
            [source, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)],
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[kernel // 2] * 4)

    def relu(self, source: str) -> str:
        return self.node("Relu", [source])

    def add(self, left: str, right: str) -> str:
        return self.node("Add", [left, right])

    def pool(self, source: str) -> str:
        return self.node(
            "MaxPool", [source], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])

    def head(self, source: str, channels: int) -> str:
        features = self.node("Flatten", [self.node("GlobalAveragePool", [source])])
        names = [self.constant(name, self.parameters[name]) for name in ("fc.weight", "fc.bias")]
        return self.node("Gemm", [features, *names], "logits", transB=1)


class NcnnWriter(FoldedParameters):
    """Collects layers of ncnn's text format, and their numbers; a ReLU behind a convolution is
    part of it, as ncnn's own optimiser makes it."""

    def __init__(self, parameters: dict[str, np.ndarray]) -> None:
        super().__init__(parameters)
        # Type, inputs, output and options by their numbers.
        self.layers: list[tuple[str, list[str], str, dict[int, int]]] = []
        self.numbers: list[bytes] = []

    def layer(self, kind: str, inputs: list[str], options: dict[int, int]) -> str:
        output = "logits" if kind == "InnerProduct" else f"t{len(self.layers)}"
        self.layers.append((kind, inputs, output, options))
        return output

    def keep(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """The weights begin with a mark of their type, zero for fp32."""
        self.numbers += [bytes(4), weight.astype("<f4").tobytes(), bias.astype("<f4").tobytes()]

    def convolution(
            self, source: str, name: str, norm: str, inputs: int, outputs: int, kernel: int,
            stride: int, scale: float = 1.0) -> str:
        weight, bias = self.folded(name, norm)
        self.keep(weight, bias)
        return self.layer("Convolution", [source], {
            0: outputs, 1: kernel, 3: stride, 4: kernel // 2, 5: 1, 6: weight.size})

    def relu(self, source: str) -> str:
        kind, _, output, options = self.layers[-1]
        if kind == "Convolution" and output == source:
            options[9] = 1
            return source
        return self.layer("ReLU", [source], {})

    def add(self, left: str, right: str) -> str:
        return self.layer("BinaryOp", [left, right], {0: 0})

    def pool(self, source: str) -> str:
        return self.layer("Pooling", [source], {0: 0, 1: 3, 2: 2, 3: 1, 5: 1})

    def head(self, source: str, channels: int) -> str:
        features = self.layer("Pooling", [source], {0: 1, 4: 1})
        weight = self.parameters["fc.weight"]
        self.keep(weight, self.parameters["fc.bias"])
        return self.layer("InnerProduct", [features], {0: CLASS_COUNT, 1: 1, 2: weight.size})

    def text(self) -> str:
        """Outputs that several layers read are split into as many, as the format wants it."""
        readers: dict[str, int] = {}
        for _, inputs, _, _ in self.layers:
            for name in inputs:
                readers[name] = readers.get(name, 0) + 1
        lines, blob_count, taken = [], 0, dict.fromkeys(readers, 0)

        def write(
                kind: str, name: str, inputs: list[str], outputs: list[str],
                options: str) -> None:
            nonlocal blob_count
            blob_count += len(outputs)
            lines.append(" ".join([
                kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs, options]))
            for output in outputs:
                if readers.get(output, 0) > 1:
                    copies = [f"{output}_{copy}" for copy in range(readers[output])]
                    write("Split", f"{output}_split", [output], copies, "")

        def reading(name: str) -> str:
            if readers[name] == 1:
                return name
            taken[name] += 1
            return f"{name}_{taken[name] - 1}"

        write("Input", "input", [], ["input"], "")
        for kind, inputs, output, options in self.layers:
            write(kind, output, [reading(name) for name in inputs], [output],
                  " ".join(f"{key}={value}" for key, value in options.items()))
        return "\n".join(["7767517", f"{len(lines)} {blob_count}", *lines]) + "\n"


def make(name: str, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters of network `name`; `pixels` are some normalised inputs `[N, 3, 224, 224]`."""
    maker = Maker()
    walk(name, maker, np.ascontiguousarray(pixels.transpose(0, 2, 3, 1), dtype=np.float32))
    return maker.parameters


def write_safetensors(parameters: dict[str, np.ndarray], path: pathlib.Path) -> None:
    header: dict[str, dict] = {}
    offset = 0
    for name, values in parameters.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape),
                        "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for values in parameters.values():
            file.write(values.astype("<f4").tobytes())


def write_onnx(name: str, parameters: dict[str, np.ndarray], path: pathlib.Path) -> None:
    """Input `[N, 3, 224, 224]`; whoever loads the file may fix N."""
    writer = OnnxWriter(parameters)
    walk(name, writer, "input")
    graph = helper.make_graph(
        writer.nodes, name,
        [helper.make_tensor_value_info(
            "input", TensorProto.FLOAT, ["N", 3, INPUT_SIDE, INPUT_SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASS_COUNT])],
        writer.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)


def write_ncnn(name: str, parameters: dict[str, np.ndarray], path: pathlib.Path) -> None:
    """Layers at `path` and numbers beside it (`.bin`); input `[3, 224, 224]`."""
    writer = NcnnWriter(parameters)
    walk(name, writer, "input")
    path.with_suffix(".bin").write_bytes(b"".join(writer.numbers))
    path.write_text(writer.text())
