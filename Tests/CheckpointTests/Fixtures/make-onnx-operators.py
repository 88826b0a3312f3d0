"""Makes ONNX fixtures of operators beside those of make-onnx.py, with the logits of ONNX Runtime.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
    python make-onnx-operators.py

The picture is that of make-onnx.py; the logits stand in onnx-operators.json.
"""

import importlib
import json
import math

import numpy as np
import onnx
import onnxruntime
from onnx import helper

made = importlib.import_module("make-onnx")


class Network(made.Network):
    def scalar_number(self, value):
        return self.constant(value, ())

    def mean(self, source, channels):
        pooled = self.add("Flatten", [self.add("GlobalAveragePool", [source])])
        return self.save(self.gemm(pooled, channels))

    def apply(self, operation, source, value, swapped=False):
        names = [source, self.scalar_number(value)]
        return self.add(operation, names[::-1] if swapped else names)


def gelu(net, x, form):
    """As exporters write it before set 20."""
    if form == "erf":
        gate = net.apply("Add", net.add("Erf", [net.apply("Div", x, math.sqrt(2))]), 1)
        return net.apply("Mul", net.add("Mul", [x, gate]), 0.5)
    if form == "halved":
        gate = net.apply("Add", net.add("Erf", [net.apply("Mul", x, math.sqrt(0.5), True)]), 1, True)
        return net.add("Mul", [gate, net.apply("Mul", x, 0.5)])
    inner = net.add("Add", [x, net.apply("Mul", net.apply("Pow", x, 3), 0.044715)])
    gate = net.apply("Add", net.add("Tanh", [net.apply("Mul", inner, math.sqrt(2 / math.pi))]), 1)
    return net.add("Mul", [net.apply("Mul", x, 0.5), gate])


def functions(opset):
    net = Network(f"functions-{opset}", opset, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 4, 3, 2)
    outputs = []

    def branch(make):
        # Spread out, so that both sides of every bend are in use.
        y = net.apply("Mul", net.convolution(x, f"conv{len(outputs)}", 4, 4, 1), 2.5)
        outputs.append(make(y))

    def simple(operation, **attributes):
        return lambda y: net.add(operation, [y], **attributes)

    def softplus(y):
        return net.add("Softplus", [y])

    if opset >= 20:
        for operation, attributes in [("Gelu", {}), ("Gelu", {"approximate": "tanh"}), ("Mish", {})]:
            branch(simple(operation, **attributes))
    for operation, attributes in [
        ("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {}), ("Elu", {"alpha": 0.5}), ("Selu", {}), ("Tanh", {}),
        ("Softplus", {}), ("Exp", {}), ("Abs", {}), ("Neg", {}), ("HardSwish", {}),
    ]:
        branch(simple(operation, **attributes))
    branch(lambda y: net.add("PRelu", [y, net.constant([0.25, -0.5, 1.5, 0], (4, 1, 1))]))
    branch(lambda y: net.add("PRelu", [y, net.constant([0.3], (1,))]))
    for form in ["erf", "halved", "tanh"]:
        branch(lambda y, form=form: gelu(net, y, form))
    branch(lambda y: net.add("Mul", [y, net.add("Tanh", [softplus(y)])]))
    branch(lambda y: net.add("Sqrt", [softplus(y)]))
    branch(lambda y: net.add("Reciprocal", [net.apply("Add", softplus(y), 0.5)]))
    branch(lambda y: net.apply("Pow", y, 2))
    branch(lambda y: net.apply("Pow", net.apply("Max", softplus(y), 0.7), 1.7))
    branch(lambda y: net.apply("Min", y, 0.2, True))
    branch(lambda y: net.apply("Sub", y, 1.5, True))
    branch(lambda y: net.apply("Div", net.apply("Add", softplus(y), 1), 2, True))
    for operation in ["Max", "Min", "Sub"]:
        branch(lambda y, operation=operation: net.add(operation, [outputs[0], y]))
    branch(lambda y: net.add("Max", [outputs[1], y, outputs[2]]))
    branch(lambda y: net.add("Div", [y, net.apply("Add", softplus(outputs[0]), 1)]))
    # One number per channel with maps, and maps with it.
    pixel = net.apply("Add", net.add("Sigmoid", [net.add("GlobalAveragePool", [x])]), 0.5)
    for operation in ["Add", "Sub", "Div", "Max"]:
        branch(lambda y, operation=operation: net.add(operation, [y, pixel]))
    branch(lambda y: net.add("Sub", [pixel, y]))
    branch(lambda y: net.add("Div", [pixel, net.apply("Add", softplus(y), 1)]))
    # One number per pixel with all channels.
    line = net.convolution(x, "line", 4, 1, 1)
    branch(lambda y: net.add("Mul", [line, y]))
    branch(lambda y: net.add("Add", [y, net.add("ReduceMean", [y], axes=[3])] if opset < 18 else [y, line]))
    x = net.convolution(net.add("Concat", outputs, axis=1), "last", 4 * len(outputs), 8, 3, 2)
    return net, net.mean(x, 8)


def grouped(net, x, groups):
    """GroupNorm as PyTorch exports it before set 18."""
    normal = net.add("InstanceNormalization", [
        net.add("Reshape", [x, net.integers([0, groups, -1])]), net.constant(np.ones(groups)), net.constant(np.zeros(groups)),
    ], epsilon=1e-5)
    return affine(net, net.add("Reshape", [normal, net.add("Shape", [x])]), (8, 1, 1))


def affine(net, x, shape):
    x = net.add("Mul", [x, net.constant(net.random.uniform(0.5, 1.5, 8), shape)])
    return net.add("Add", [x, net.constant(net.random.normal(0, 0.2, 8), shape)])


def layered(net, x, axis, square="Pow"):
    """LayerNorm as exporters write it before set 17."""
    rest = net.add("Sub", [x, net.add("ReduceMean", [x], axes=[axis], keepdims=1)])
    squares = net.apply("Pow", rest, 2) if square == "Pow" else net.add("Mul", [rest, rest])
    variance = net.add("ReduceMean", [squares], axes=[axis], keepdims=1)
    return net.add("Div", [rest, net.add("Sqrt", [net.apply("Add", variance, 1e-6)])])


def normalized():
    net = Network("normalized-17", 17, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 8, 3)
    x = net.relu(grouped(net, x, 2))
    x = net.convolution(x, "conv1", 8, 8, 3, 2)
    scale, shift = (net.constant(net.random.uniform(0.5, 1.5, 8)) for _ in range(2))
    x = net.add("InstanceNormalization", [x, scale, shift], epsilon=1e-3)
    y = net.add("Transpose", [net.convolution(x, "conv2", 8, 8, 3)], perm=[0, 2, 3, 1])
    y = net.add("LayerNormalization", [y, scale, shift], axis=-1, epsilon=1e-4)
    # A linear layer of each pixel.
    y = net.add("MatMul", [y, net.constant(net.random.normal(0, 0.4, (8, 8)))])
    y = net.add("Add", [y, net.constant(net.random.normal(0, 0.2, 8))])
    y = affine(net, layered(net, y, -1), (8,))
    x = net.add("Add", [x, net.add("Transpose", [y], perm=[0, 3, 1, 2])])
    x = affine(net, layered(net, x, 1, "Mul"), (1, 8, 1, 1))
    # Of a weight that the file standardises itself.
    weight = net.parameter("std.weight", net.random.normal(0.3, 0.5, (8, 8, 3, 3)))
    flat = net.add("Reshape", [weight, net.integers([8, -1])])
    rest = net.add("Sub", [flat, net.add("ReduceMean", [flat], axes=[1])])
    deviation = net.add("Sqrt", [net.apply("Add", net.add("ReduceMean", [net.add("Mul", [rest, rest])], axes=[1]), 1e-5)])
    weight = net.add("Reshape", [net.add("Div", [rest, deviation]), net.integers([8, 8, 3, 3])])
    x = net.add("Conv", [x, weight], pads=[1] * 4)
    x = net.add("LRN", [net.apply("Mul", x, 4)], size=3, alpha=0.5, beta=0.6, bias=1.5)
    x = net.add("LRN", [x], size=5, alpha=0.3)
    # The mean of a power.
    x = net.add("GlobalAveragePool", [net.apply("Pow", net.add("Clip", [x, net.scalar_number(1e-6)]), 3)])
    x = net.add("Flatten", [net.apply("Pow", x, 1 / 3)])
    x = net.add("LayerNormalization", [x, scale, shift])
    return net, net.save(net.gemm(x, 8))


def later():
    """GroupNormalization by the numbers of channels (set 21)."""
    net = Network("normalized-21", 21, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 8, 3, 2)
    parameters = [net.constant(net.random.uniform(0.5, 1.5, 8)) for _ in range(2)]
    return net, net.mean(net.relu(net.add("GroupNormalization", [x, *parameters], num_groups=4)), 8)


def swished():
    """Swish (set 24), in a file that leaves the shape of its output open."""
    net = Network("swished-24", 24, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 8, 3, 2)
    x = net.add("Swish", [x])
    x = net.add("Swish", [net.convolution(x, "conv", 8, 8, 3)], alpha=2.5)
    logits = net.mean(x, 8)
    path = made.HERE / f"{net.name}.onnx"
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, path)
    onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return net, logits


def rearranged():
    """Dimensions parted and joined: shuffles, split attention, space to depth."""
    net = Network("rearranged-13", 13, size=16, folded=True)

    def reshape(x, *shape):
        return net.add("Reshape", [x, net.integers(shape)])

    x = reshape("input", -1, 3, 8, 2, 8, 2)
    x = reshape(net.add("Transpose", [x], perm=[0, 3, 5, 1, 2, 4]), -1, 12, 8, 8)
    x = net.relu(net.convolution(x, "conv1", 12, 8, 3))
    x = net.add("Transpose", [reshape(x, -1, 4, 2, 8, 8)], perm=[0, 2, 1, 3, 4])
    x = net.relu(net.convolution(reshape(x, -1, 8, 8, 8), "conv2", 8, 16, 3, groups=2))
    # Split attention (ResNeSt) of two parts.
    parts = reshape(x, 0, 2, 8, 8, 8)
    pooled = net.add("ReduceSum", [parts, net.integers([1])], keepdims=0)
    pooled = net.add("ReduceMean", [pooled], axes=[2, 3], keepdims=1)
    gate = net.convolution(pooled, "attend", 8, 16, 1)
    gate = net.add("Softmax", [net.add("Transpose", [reshape(gate, -1, 1, 2, 8)], perm=[0, 2, 1, 3])], axis=1)
    gate = reshape(reshape(gate, -1, 16), 0, 2, 8, 1, 1)
    x = net.add("ReduceSum", [net.add("Mul", [parts, gate]), net.integers([1])], keepdims=0)
    # Selective kernels (SKNet) of three paths.
    paths = [net.relu(net.convolution(x, f"path{index}", 8, 8, kernel)) for index, kernel in enumerate([1, 3, 5])]
    stack = net.add("Concat", [net.add("Unsqueeze", [path, net.integers([1])]) for path in paths], axis=1)
    total = net.add("ReduceMean", [net.add("ReduceSum", [stack, net.integers([1])], keepdims=0)], axes=[2, 3])
    gate = net.add("Softmax", [reshape(net.convolution(total, "select", 8, 24, 1), 0, 3, 8, 1, 1)], axis=1)
    x = net.add("ReduceSum", [net.add("Mul", [stack, gate]), net.integers([1])], keepdims=0)
    # A softmax over the channels, and over a part of them beside pixels.
    x = net.add("Mul", [x, net.add("Softmax", [x], axis=1)])
    x = net.convolution(x, "conv3", 8, 12, 3)
    x = reshape(net.add("Softmax", [reshape(x, 0, 2, 3, 2, 64)], axis=2), 0, 12, 8, 8)
    return net, net.mean(x, 12)


def resized():
    net = Network("resized-13", 13, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 4, 3, 2)

    def resize(x, scale=None, size=None, **attributes):
        empty = net.constant([], (0,))
        tail = [net.constant([1, 1, scale, scale])] if scale else [empty, net.integers(size)]
        return net.add("Resize", [x, empty, *tail], **attributes)

    floor = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    maps = [
        resize(net.convolution(x, "conv1", 4, 4, 3, 2), 2.0, **floor),
        resize(net.convolution(x, "conv2", 4, 4, 3, 2), size=[1, 4, 8, 8], mode="nearest"),
        resize(net.convolution(x, "conv3", 4, 4, 3, 2), 2.0, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
        resize(net.convolution(x, "conv4", 4, 4, 2, 1, pads=[0] * 4), size=[1, 4, 8, 8], mode="linear"),
        resize(net.convolution("input", "conv5", 3, 4, 3), 0.5, **floor),
        resize(net.convolution("input", "conv6", 3, 4, 3), 0.5, mode="linear"),
    ]
    x = net.relu(net.add("Concat", maps, axis=1))
    x = net.add("Pad", [x, net.integers([0, 0, 1, 2, 0, 0, 3, 1])], mode="reflect")
    return net, net.mean(net.convolution(x, "conv7", 24, 8, 3), 8)


def resized_by_other_rules():
    """Coordinates of TensorFlow 1 and of PyTorch's older exporters, nearest pixels of other roundings."""
    net = Network("resized-modes-13", 13, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 4, 3, 2)

    def resize(x, *size, **attributes):
        return net.add("Resize", [x, net.constant([], (0,)), net.constant([], (0,)), net.integers([1, 4, *size])], **attributes)

    def linear(x, *size, rule):
        return resize(x, *size, mode="linear", coordinate_transformation_mode=rule)

    corners = net.add("GlobalAveragePool", [net.convolution(x, "conv1", 4, 4, 1)])
    maps = [
        linear(net.convolution(x, "conv2", 4, 4, 3, 2), 8, 8, rule="asymmetric"),
        linear(net.convolution(x, "conv3", 4, 4, 3, 4), 8, 6, rule="asymmetric"),
        linear(corners, 8, 8, rule="align_corners"),
        linear(corners, 8, 8, rule="asymmetric"),
        resize(net.convolution("input", "conv4", 3, 4, 3), 8, 8),
        resize(net.convolution("input", "conv5", 3, 4, 3), 8, 8, coordinate_transformation_mode="asymmetric", nearest_mode="ceil"),
        resize(net.convolution(x, "conv6", 4, 4, 3, 2), 8, 8, coordinate_transformation_mode="asymmetric", nearest_mode="round_prefer_floor"),
    ]
    # Another factor for each side.
    maps[1] = net.add("Pad", [maps[1], net.integers([0, 0, 0, 0, 0, 0, 0, 2])], mode="reflect")
    x = net.relu(net.add("Concat", maps, axis=1))
    return net, net.mean(net.convolution(x, "conv7", 28, 8, 3), 8)


def bounded():
    """Bounds of each channel, nearest pixels at unequal distances by every rule, pixels that become channels."""
    net = Network("bounded-13", 13, size=24, folded=True)
    x = net.convolution("input", "stem", 3, 4, 3, 2)
    low, high = (net.constant(values, (4, 1, 1)) for values in ([-0.5, 0, 0.25, -2], [0.5, 0.75, 2, 0.125]))
    x = net.add("Min", [high, net.add("Max", [x, low])])

    def resize(x, *size, coordinates, rounding):
        return net.add(
            "Resize", [x, net.constant([], (0,)), net.constant([], (0,)), net.integers([1, 4, *size])], mode="nearest",
            coordinate_transformation_mode=coordinates, nearest_mode=rounding)

    maps = []
    for coordinates in ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]:
        for rounding in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]:
            y = net.convolution(x, f"conv{len(maps)}", 4, 4, 3)
            # 12 to 18 and 8, by factors of 3/2 and 2/3.
            maps.append(resize(y, 18, 8, coordinates=coordinates, rounding=rounding))
    x = net.relu(net.add("Concat", maps, axis=1))
    x = net.add("SpaceToDepth", [net.convolution(x, "last", 4 * len(maps), 4, 1)], blocksize=2)
    return net, net.mean(net.convolution(x, "end", 16, 8, 3), 8)


def bordered():
    """Pixels of the edges around, corners that stay, PyTorch's LocalResponseNorm, a product of a shape."""
    net = Network("bordered-19", 19, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 6, 3, 2)

    def padded(x, mode, *pads):
        return net.add("Pad", [x, net.integers([0, 0, *pads[:2], 0, 0, *pads[2:]])], mode=mode)

    def aligned(x, *size):
        return net.add(
            "Resize", [x, net.constant([], (0,)), net.constant([], (0,)), net.integers([1, 6, *size])], mode="linear",
            coordinate_transformation_mode="align_corners")

    def responded(x, size, sizes, alpha, beta, bias):
        deep = net.add("Reshape", [net.add("Mul", [x, x]), net.integers(sizes)])
        side = size // 2
        deep = net.add("Pad", [deep, net.integers([0, 0, side, 0, 0, 0, 0, side, 0, 0])])
        deep = net.add("AveragePool", [deep], kernel_shape=[size, 1, 1], count_include_pad=1, strides=[1, 1, 1])
        means = net.apply("Mul", net.add("Squeeze", [deep, net.integers([1])]), alpha)
        return net.add("Div", [x, net.apply("Pow", net.apply("Add", means, bias), beta)])

    x = net.relu(net.convolution(padded(x, "edge", 1, 1, 1, 1), "conv1", 6, 6, 3, pads=[0] * 4))
    x = net.relu(net.convolution(padded(x, "wrap", 1, 2, 3, 1), "conv2", 6, 6, 3, pads=[0] * 4))
    x = net.convolution(padded(x, "edge", 0, 3, 2, 0), "conv3", 6, 6, 3, pads=[0] * 4)
    x = net.add("Concat", [
        aligned(x, 13, 19), aligned(net.convolution(x, "conv4", 6, 6, 1), 13, 19), aligned(net.add("GlobalAveragePool", [x]), 13, 19),
    ], axis=1)
    x = net.convolution(x, "conv5", 18, 6, 3, pads=[1] * 4)
    x = aligned(x, 7, 19)
    x = responded(x, 3, [1, 1, 6, 7, -1], 0.5, 0.6, 1.5)
    x = responded(x, 5, [-1, 1, 6, 7, 19], 0.2, 0.75, 1)
    x = net.convolution(net.relu(x), "conv6", 6, 8, 3, 4)
    # Flattened by a product of the shape.
    sizes = net.add("Slice", [net.add("Shape", [x]), net.integers([1]), net.integers([4])])
    count = net.add("ReduceProd", [sizes], keepdims=1)
    flat = net.add("Reshape", [x, net.add("Concat", [net.integers([-1]), count], axis=0)])
    return net, net.save(net.gemm(flat, 8 * 2 * 5))


def embedded(opset):
    """Channels that become pixels, norms over channels and pixels, vectors of length 1, a cosine classifier."""
    net = Network(f"embedded-{opset}", opset, size=16, folded=True)

    def reduce(operation, x, *axes, keepdims=1):
        if opset >= 18:
            return net.add(operation, [x, net.integers(axes)], keepdims=keepdims)
        return net.add(operation, [x], axes=axes, keepdims=keepdims)

    def normalize(x, operation, axis=1):
        """PyTorch's F.normalize as its exporters write it."""
        norm = net.add("Clip", [reduce(operation, x, axis), net.scalar_number(1e-12)])
        return net.add("Div", [x, net.add("Expand", [norm, net.add("Shape", [x])])])

    x = net.convolution("input", "stem", 3, 12, 3, 2)
    x = net.add("DepthToSpace", [x], blocksize=2)
    x = net.convolution(net.relu(x), "conv1", 3, 16, 3, 2)
    x = net.add("DepthToSpace", [x], blocksize=2, mode="CRD")
    x = net.convolution(x, "conv2", 4, 6, 3)
    # A pixel shuffle of unequal sides, by its dimensions.
    x = net.add("Reshape", [x, net.integers([0, 2, 3, 16, 16])])
    x = net.add("Reshape", [net.add("Transpose", [x], perm=[0, 1, 3, 4, 2]), net.integers([0, 2, 16, 48])])
    x = net.convolution(x, "conv3", 2, 6, 3)
    x = net.add("MaxPool", [x], kernel_shape=[2, 6], strides=[2, 6])
    maps = [
        normalize(x, "ReduceL2"), normalize(x, "ReduceL1", 3), net.add("LpNormalization", [x], axis=1),
        net.add("LpNormalization", [x], axis=-3, p=1), net.add("LpNormalization", [x], axis=2),
        net.add("LpNormalization", [x], p=1), net.add("Add", [x, net.add("Expand", [reduce("ReduceMin", x, 2), net.integers([6, 8, 8])])]),
        net.add("Div", [x, net.apply("Add", reduce("ReduceL2", x, 1, 2, 3), 0.1)]),
    ]
    x = net.convolution(net.add("Concat", maps, axis=1), "conv4", 48, 8, 1)
    # Attention over pixels by maps of the channels (CBAM), and the least of a part of the channels.
    ends = net.add("Concat", [reduce("ReduceMean", x, 1), reduce("ReduceMax", x, 1)], axis=1)
    x = net.add("Mul", [x, net.add("Sigmoid", [net.convolution(ends, "conv5", 2, 1, 7)])])
    least = reduce("ReduceMin", net.add("Reshape", [x, net.integers([0, 2, 4, 8, 8])]), 2, keepdims=0)
    x = net.add("Add", [x, net.convolution(least, "conv6", 2, 8, 1)])
    pooled = [
        reduce(operation, x, -1, 2, keepdims=0)
        for operation in ["ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMean"]
    ]
    x = net.add("Concat", pooled, axis=1)
    # Of zeros stay zeros.
    x = net.add("Concat", [x, net.add("LpNormalization", [net.apply("Mul", x, 0)]), net.add("LpNormalization", [x])], axis=1)
    weight = normalize(net.parameter("fc.weight", net.random.normal(0, 1, (made.CLASSES, 144))), "ReduceL2")
    product = net.add("MatMul", [normalize(x, "ReduceL2"), net.add("Transpose", [weight], perm=[1, 0])])
    return net, net.save(net.apply("Mul", product, 16))


def chosen():
    """What set 18 adds: uneven parts, sizes, padding and axes of some dimensions, and axes that are computed."""
    net = Network("chosen-18", 18, size=16, folded=True)
    x = net.relu(net.convolution("input", "stem", 3, 8, 3, 2))

    def split(x, axis, count):
        parts = [net.add("Identity", [x]) for _ in range(count)]
        del net.nodes[-count:]
        net.nodes.append(helper.make_node("Split", [x], parts, name=f"split {parts[0]}", axis=axis, num_outputs=count))
        return parts

    def resize(x, scales=None, sizes=None, axes=(2, 3), **attributes):
        tail = ["", net.constant(scales)] if scales else ["", "", net.integers(sizes)]
        return net.add("Resize", [x, *tail], axes=axes, **attributes)

    def pad(x, pads, axes, **attributes):
        return net.add("Pad", [x, net.integers(pads), "", net.integers(axes)], **attributes)

    def reduce(operation, x, *axes, keepdims=1):
        """By axes that are computed."""
        rank = net.add("Shape", [net.add("Shape", [x])])
        return net.add(operation, [x, net.add("Sub", [net.integers(axes), rank])], keepdims=keepdims)

    parts = [*split(x, 1, 3), *split(net.convolution(x, "conv1", 8, 5, 3), -3, 2)]
    x = net.add("Concat", [parts[2], parts[4], parts[0], parts[3], parts[1]], axis=1)
    maps = [
        resize(net.convolution(x, "conv2", 13, 4, 3, 2), scales=[2, 2], mode="linear"),
        resize(net.convolution(x, "conv3", 13, 4, 3, 4), sizes=[8, 8], axes=(-1, -2)),
        resize(resize(net.convolution(x, "conv4", 13, 4, 3, 2), scales=[2], axes=(3,), mode="linear"), sizes=[8], axes=(2,)),
        resize(net.convolution(x, "conv5", 13, 4, 3, 2), sizes=[8, 12], mode="linear", keep_aspect_ratio_policy="not_larger"),
        resize(net.convolution(x, "conv6", 13, 4, 3, 2), sizes=[6, 8], keep_aspect_ratio_policy="not_smaller"),
    ]
    x = net.relu(net.add("Concat", maps, axis=1))
    x = net.convolution(pad(x, [1, 2, 0, 1], (2, 3)), "conv7", 20, 8, 3, pads=[0] * 4)
    x = net.convolution(pad(x, [2, 1], (-1,), mode="reflect"), "conv8", 8, 8, 3, 2)
    x = pad(x, [1, 2], (1,))
    weights = net.add("Softmax", [reduce("ReduceMean", x, 2, 3)], axis=1)
    x = net.add("Mul", [net.add("Mul", [x, weights]), reduce("ReduceMax", x, 1)])
    # Sizes and channels that are computed with comparisons, as of tensor.expand, and remainders.
    given = net.integers([-1, 11, -1, -1])
    is_open = net.add("Equal", [given, net.integers([-1])])
    x = net.add("Reshape", [x, net.add("Where", [is_open, net.add("Shape", [x]), given])])
    x = net.add("Gather", [x, net.add("Mod", [net.integers([4 * index for index in range(11)]), net.integers([11])])], axis=1)
    count = net.add("CastLike", [net.add("Size", [given]), net.scalar_number(1)])
    x = net.add("Mul", [x, count])
    pooled = [
        reduce(operation, x, 2, 3, keepdims=0)
        for operation in ["ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMean", "ReduceSum"]
    ]
    same = net.add("ReduceMean", [net.add("Concat", pooled, axis=1), net.integers([])], noop_with_empty_axes=1)
    return net, net.save(net.gemm(same, 77))


def raised():
    """Logarithms, and a generalised mean (GeM) of an exponent for each channel."""
    net = Network("raised-17", 17, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 8, 3, 2)
    x = net.add("Add", [x, net.add("Log", [net.apply("Add", net.add("Abs", [x]), 0.5)])])
    x = net.relu(net.convolution(x, "conv", 8, 24, 3))
    exponents = net.random.uniform(1.5, 5, (1, 24, 1, 1))
    x = net.add("Pow", [net.add("Clip", [x, net.scalar_number(1e-6)]), net.constant(exponents)])
    x = net.add("Pow", [net.add("GlobalAveragePool", [x]), net.constant(1 / exponents)])
    return net, net.save(net.gemm(net.add("Flatten", [x]), 24))


def averaged():
    """Means of several maps, Celu, and constants with a number for each pixel that are the same for all of a channel."""
    net = Network("averaged-17", 17, size=16, folded=True)
    x = net.convolution("input", "stem", 3, 4, 3, 2)
    maps = [net.convolution(x, f"conv{index}", 4, 4, 1) for index in range(3)]
    maps[1] = net.add("Celu", [net.apply("Mul", maps[1], 2.5)], alpha=0.4)
    maps[2] = net.add("Celu", [net.apply("Mul", maps[2], 2.5)])
    pixel = net.add("GlobalAveragePool", [x])
    x = net.add("Concat", [
        net.add("Mean", maps), net.add("Mean", [pixel, maps[0]]), net.add("Mean", [maps[1]]), *maps,
    ], axis=1)
    x = net.add("Add", [x, net.constant(np.tile(net.random.normal(0, 1, (24, 1, 1)), (1, 8, 8)), (24, 8, 8))])
    x = net.add("Mul", [net.constant(np.full((8, 8), 1.5), (8, 8)), x])
    x = net.add("LayerNormalization", [
        x, net.constant(np.tile(net.random.uniform(0.5, 1.5, (24, 1, 1)), (1, 8, 8)), (24, 8, 8)),
        net.constant(np.zeros((24, 8, 8)), (24, 8, 8)),
    ], axis=1)
    return net, net.mean(net.convolution(x, "last", 24, 8, 3), 8)


def mapped():
    """A softmax whose probabilities go into a map of labels, beside the likeliest label, as skl2onnx writes it."""
    net = Network("zipmap-17", 17, size=16, folded=True)
    x = net.relu(net.convolution("input", "stem", 3, 8, 3, 2))
    logits = net.mean(x, 8)
    path = made.HERE / "zipmap-17.onnx"
    model = onnx.load(path)
    graph = model.graph
    labels = ["ant", "bee", "cat", "dog", "emu"]
    graph.initializer.append(onnx.helper.make_tensor("classes", onnx.TensorProto.STRING, [5], labels))
    graph.node.extend([
        helper.make_node("Softmax", [graph.output[0].name], ["probabilities"], axis=1),
        helper.make_node("Identity", ["probabilities"], ["same"]),
        helper.make_node("Cast", ["same"], ["cast"], to=1),
        helper.make_node("ZipMap", ["cast"], ["output_probability"], domain="ai.onnx.ml", classlabels_strings=labels),
        helper.make_node("ArgMax", ["probabilities"], ["number"], axis=1, keepdims=0),
        helper.make_node("ArrayFeatureExtractor", ["classes", "number"], ["label"], domain="ai.onnx.ml"),
        helper.make_node("Reshape", ["label", "open"], ["output_label"]),
    ])
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), "open"))
    del graph.output[:]
    kind = helper.make_map_type_proto(onnx.TensorProto.STRING, helper.make_tensor_type_proto(1, []))
    graph.output.extend([
        helper.make_tensor_value_info("output_label", onnx.TensorProto.STRING, ["batch"]),
        helper.make_value_info("output_probability", helper.make_sequence_type_proto(kind)),
    ])
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return net, logits


def main():
    networks = [
        functions(17), functions(20), normalized(), later(), rearranged(), resized(),
        resized_by_other_rules(), bounded(), bordered(), embedded(13), embedded(18), raised(), mapped(),
        swished(), chosen(), averaged(),
    ]
    answers = {net.name: {"size": net.size, "logits": logits} for net, logits in networks}
    (made.HERE / "onnx-operators.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
