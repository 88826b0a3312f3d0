"""Builds ResNet-18 and ResNet-50 (stride in the 3x3, as torchvision's) as ONNX files.

Batch normalisation is folded already, as every engine here does when it compiles: weights are
random, since speed does not depend on them.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# name -> (blocks per stage, whether blocks are bottlenecks)
NETWORKS = {"resnet18": ((2, 2, 2, 2), False), "resnet50": ((3, 4, 6, 3), True)}
STAGE_WIDTHS = (64, 128, 256, 512)
CLASS_COUNT = 1000
OPSET = 17


class Builder:
    """Collects nodes and initialisers; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.initializers: list = []
        self.random = np.random.default_rng(1)

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def node(self, operator: str, inputs: list[str], **attributes) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def convolution(self, source: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        # The gain keeps activations in range through fifty layers: denormals would be slow.
        shape = (outputs, inputs, kernel, kernel)
        scale = np.sqrt(1.0 / (inputs * kernel * kernel))
        weight = self.constant(self.random.standard_normal(shape) * scale)
        bias = self.constant(self.random.standard_normal(outputs) * 0.01)
        return self.node(
            "Conv", [source, weight, bias], kernel_shape=[kernel, kernel],
            strides=[stride, stride], pads=[kernel // 2] * 4)

    def relu(self, source: str) -> str:
        return self.node("Relu", [source])

    def block(self, source: str, inputs: int, width: int, stride: int, bottleneck: bool) -> str:
        outputs = width * 4 if bottleneck else width
        if bottleneck:
            branch = self.relu(self.convolution(source, inputs, width, 1, 1))
            branch = self.relu(self.convolution(branch, width, width, 3, stride))
            branch = self.convolution(branch, width, outputs, 1, 1)
        else:
            branch = self.relu(self.convolution(source, inputs, width, 3, stride))
            branch = self.convolution(branch, width, width, 3, 1)
        if stride != 1 or inputs != outputs:
            source = self.convolution(source, inputs, outputs, 1, stride)
        return self.relu(self.node("Add", [branch, source]))


def write(name: str, batch: int, path: pathlib.Path) -> None:
    """Writes network `name` for `[batch, 3, 224, 224]`."""
    blocks, bottleneck = NETWORKS[name]
    builder = Builder()
    current = builder.relu(builder.convolution("input", 3, 64, 7, 2))
    current = builder.node(
        "MaxPool", [current], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, count in enumerate(blocks):
        width = STAGE_WIDTHS[stage]
        for index in range(count):
            stride = 2 if stage > 0 and index == 0 else 1
            current = builder.block(current, channels, width, stride, bottleneck)
            channels = width * 4 if bottleneck else width
    current = builder.node("GlobalAveragePool", [current])
    current = builder.node("Flatten", [current])
    weight = builder.constant(builder.random.standard_normal((CLASS_COUNT, channels)) * 0.01)
    bias = builder.constant(np.zeros(CLASS_COUNT))
    builder.nodes.append(
        helper.make_node("Gemm", [current, weight, bias], ["logits"], transB=1))
    shape = [batch, 3, 224, 224]
    graph = helper.make_graph(
        builder.nodes, name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASS_COUNT])],
        builder.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
