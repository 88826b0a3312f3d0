"""Makes the ONNX fixtures: small networks with the logits that ONNX Runtime computes from them.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
    python make-onnx.py

Each picture's pixel number i, row-major over [N, 3, H, W], is (i * 7919 % 257) / 128 - 1. The logits stand in
onnx.json, rounded to nine digits. onnx-refused.json holds files that must be refused, with a part of the reason.
"""

import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
CLASSES = 5
CONTRACT = {
    "resize": {"rule": "exact", "height": 32, "width": 32, "filter": "bicubic"}, "crop": {"rule": "none"},
    "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7],
}


class Network:
    """Writes nodes the way exporters do."""

    def __init__(self, name, opset, size=32, folded=False, dtype=np.float32, constants=False):
        self.name, self.opset, self.folded = name, opset, folded
        self.dtype, self.constants, self.size = dtype, constants, size
        self.random = np.random.default_rng(len(name))
        self.nodes, self.initializers, self.count = [], [], 0

    def add(self, operation, inputs, **attributes):
        self.count += 1
        output = f"/{operation}_{self.count}_output"
        self.nodes.append(
            helper.make_node(operation, inputs, [output], name=f"/{operation}_{self.count}", **attributes)
        )
        return output

    def parameter(self, name, values):
        values = np.asarray(values, dtype=np.float32)
        tensor = numpy_helper.from_array(values.astype(self.dtype), name)
        if self.constants:
            self.nodes.append(helper.make_node("Constant", [], [name], name="c " + name, value=tensor))
        else:
            self.initializers.append(tensor)
        return self.add("Cast", [name], to=TensorProto.FLOAT) if self.dtype != np.float32 else name

    def integers(self, values):
        self.count += 1
        name = f"integers_{self.count}"
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def convolution(self, source, name, inputs, outputs, kernel, stride=1, groups=1, dilation=1, **padding):
        shape = (outputs, inputs // groups, kernel, kernel)
        fan = inputs // groups * kernel * kernel
        names = [source, self.parameter(f"{name}.weight", self.random.normal(0, (2 / fan) ** 0.5, shape))]
        if self.folded:
            names.append(self.parameter(f"{name}.bias", self.random.normal(0, 0.1, outputs)))
        if not padding:
            padding = {"pads": [kernel // 2 * dilation] * 4}
        result = self.add(
            "Conv", names, kernel_shape=[kernel] * 2, strides=[stride] * 2, group=groups,
            dilations=[dilation] * 2, **padding,
        )
        if self.folded:
            return result
        return self.normalization(result, name.replace("conv", "bn").replace("sample.0", "sample.1"), outputs)

    def normalization(self, source, name, channels):
        parameters = [
            self.parameter(f"{name}.weight", self.random.uniform(0.5, 1.5, channels)),
            self.parameter(f"{name}.bias", self.random.normal(0, 0.1, channels)),
            self.parameter(f"{name}.running_mean", self.random.normal(0, 0.1, channels)),
            self.parameter(f"{name}.running_var", self.random.uniform(0.5, 1.5, channels)),
        ]
        return self.add("BatchNormalization", [source, *parameters], epsilon=1e-5)

    def relu(self, source):
        return self.add("Relu", [source])

    def basic(self, source, name, inputs, outputs, stride=1):
        main = self.relu(self.convolution(source, f"{name}.conv1", inputs, outputs, 3, stride))
        main = self.convolution(main, f"{name}.conv2", outputs, outputs, 3)
        if stride != 1 or inputs != outputs:
            source = self.convolution(source, f"{name}.downsample.0", inputs, outputs, 1, stride)
        return self.relu(self.add("Add", [main, source]))

    def bottleneck(self, source, name, inputs, width, stride=1, groups=1, dilation=1):
        main = self.relu(self.convolution(source, f"{name}.conv1", inputs, width, 1))
        main = self.relu(
            self.convolution(main, f"{name}.conv2", width, width, 3, stride, groups, dilation)
        )
        main = self.convolution(main, f"{name}.conv3", width, 4 * width, 1)
        shortcut = self.convolution(source, f"{name}.downsample.0", inputs, 4 * width, 1, stride)
        return self.relu(self.add("Add", [main, shortcut]))

    def gemm(self, source, inputs, transposed=True, **attributes):
        shape = (CLASSES, inputs) if transposed else (inputs, CLASSES)
        weight = self.parameter("fc.weight", self.random.normal(0, 0.3, shape))
        bias = self.parameter("fc.bias", self.random.normal(0, 0.3, CLASSES))
        return self.add("Gemm", [source, weight, bias], transB=int(transposed), **attributes)

    def matmul(self, source, inputs):
        weight = self.parameter("fc/kernel", self.random.normal(0, 0.3, (inputs, CLASSES)))
        product = self.add("MatMul", [source, weight])
        return self.add("Add", [self.parameter("fc/bias", self.random.normal(0, 0.3, CLASSES)), product])

    def view(self, source):
        """x.view(x.size(0), -1) as PyTorch's exporter writes it."""
        batch = self.add("Gather", [self.add("Shape", [source]), self.scalar(0)], axis=0)
        if self.opset < 13:
            parts = [self.add("Unsqueeze", [name], axes=[0]) for name in (batch, self.scalar(-1))]
        else:
            parts = [self.add("Unsqueeze", [name, self.integers([0])]) for name in (batch, self.scalar(-1))]
        return self.add("Reshape", [source, self.add("Concat", parts, axis=0)])

    def scalar(self, value):
        return self.add("Constant", [], value=numpy_helper.from_array(np.array(value, dtype=np.int64)))

    def constant(self, values, shape=None):
        self.count += 1
        values = np.array(values, dtype=np.float32)
        self.initializers.append(numpy_helper.from_array(values.reshape(shape or values.shape), f"constant_{self.count}"))
        return f"constant_{self.count}"

    def pad(self, source, pads, value=None):
        names = [source, self.integers(pads)] + ([] if value is None else [self.constant(value, ())])
        return self.add("Pad", names, mode="constant")

    def clip(self, source, low, high):
        if self.opset < 11:
            return self.add("Clip", [source], min=low, max=high)
        return self.add("Clip", [source, "" if low is None else self.constant(low, ()), self.constant(high, ())])

    def save(self, logits, output=None, dynamic=True, metadata=None, channels_last=False):
        output = output or logits
        batch = "batch" if dynamic else 1
        side = "side" if dynamic == "all" else self.size
        shape = [batch, side, side, 3] if channels_last else [batch, 3, side, side]
        graph = helper.make_graph(
            self.nodes, "main_graph",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, CLASSES])],
            self.initializers,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=6 if self.opset < 13 else 8,
            producer_name="make-onnx.py",
        )
        if metadata:
            helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        onnx.save(model, HERE / f"{self.name}.onnx")
        # The logits, where the file itself goes on to a softmax.
        model.graph.output[0].name = logits
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        count = 3 * self.size**2
        pixels = (np.arange(count) * 7919 % 257 / 128 - 1).astype(np.float32)
        picture = pixels.reshape(1, 3, self.size, self.size)
        if channels_last:
            picture = picture.transpose(0, 2, 3, 1)
        result = session.run([logits], {"input": picture})[0][0]
        return [float(f"{value:.9g}") for value in result]


def basic(opset):
    net = Network(f"basic-{opset}", opset)
    x = net.relu(net.convolution("input", "conv1", 3, 4, 3))
    x = net.basic(net.basic(x, "layer1.0", 4, 4), "layer2.0", 4, 8, 2)
    x = net.add("GlobalAveragePool", [x])
    return net, net.save(net.gemm(net.add("Flatten", [x], axis=1), 8), dynamic=opset != 17)


def view():
    net = Network("view-11", 11, folded=True)
    x = net.basic(net.relu(net.convolution("input", "conv1", 3, 4, 3)), "layer1.0", 4, 8, 2)
    x = net.add("AveragePool", [x], kernel_shape=[16, 16], strides=[16, 16])
    return net, net.save(net.gemm(net.view(x), 8, transposed=False, alpha=0.5, beta=2.0), dynamic="all")


def imagenet():
    net = Network("bottleneck-13", 13, size=64, folded=True)
    x = net.relu(net.convolution("input", "conv1", 3, 8, 7, 2))
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    x = net.bottleneck(net.bottleneck(x, "layer1.0", 8, 4), "layer2.0", 16, 8, 2, groups=4)
    x = net.bottleneck(x, "layer3.0", 32, 8, dilation=2)
    x = net.add("GlobalAveragePool", [x])
    logits = net.gemm(net.view(x), 32)
    return net, net.save(logits, net.add("Softmax", [logits], axis=-1))


def keras():
    net = Network("keras-17", 17, constants=True)
    x = net.relu(net.convolution("input", "conv1", 3, 4, 3, auto_pad="SAME_UPPER"))
    x = net.convolution(x, "conv2", 4, 6, 4, 2, auto_pad="VALID")
    x = net.add("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    x = net.normalization(net.relu(x), "bn3", 6)
    x = net.add("ReduceMean", [x], axes=[2, 3], keepdims=0)
    logits = net.matmul(net.add("Dropout", [net.add("Identity", [x])]), 6)
    return net, net.save(logits, net.add("LogSoftmax", [logits]))


def half():
    net = Network("half-13", 13, dtype=np.float16)
    x = net.basic(net.relu(net.convolution("input", "conv1", 3, 4, 3)), "layer1.0", 4, 6, 2)
    x = net.add("ReduceMean", [x], axes=[-1, -2], keepdims=1)
    x = net.add("Squeeze", [x, net.integers([2, 3])])
    contract = {
        "labels": list("abcde"), "name": "half", "format_version": 1,
        "preprocessing": CONTRACT,
    }
    return net, net.save(net.gemm(x, 6), metadata={"resnetd": json.dumps(contract)})


def double():
    net = Network("double-13", 13, dtype=np.float64)
    x = net.add("GlobalAveragePool", [net.relu(net.convolution("input", "conv1", 3, 4, 3, dilation=2))])
    logits = net.gemm(net.add("Flatten", [x]), 4)
    return net, net.save(logits, net.add("Identity", [net.add("Softmax", [logits])]))


def excited(opset):
    """Blocks with squeeze and excitation in the ways that exporters write it."""
    net = Network(f"excited-{opset}", opset, folded=True)
    x = net.relu(net.convolution("input", "conv1", 3, 8, 3))
    for index, gate in enumerate(["Sigmoid", "HardSigmoid", "Clip", "HardSwish"]):
        name = f"layer{index}"
        main = net.convolution(net.relu(net.convolution(x, f"{name}.conv1", 8, 8, 3)), f"{name}.conv2", 8, 8, 3)
        mean = net.add("GlobalAveragePool", [main]) if index % 2 else net.add("ReduceMean", [main], axes=[2, 3], keepdims=1)
        squeezed = net.convolution(mean, f"{name}.fc1", 8, 4, 1)
        squeezed = net.clip(squeezed, 0.0, 6.0) if gate == "Clip" else net.relu(squeezed)
        weight = net.convolution(squeezed, f"{name}.fc2", 4, 8, 1)
        if gate == "Sigmoid":
            weight = net.add("Sigmoid", [weight])
        elif gate == "HardSigmoid":
            weight = net.add("HardSigmoid", [weight], alpha=1 / 6)
        elif gate == "Clip":
            # PyTorch's hardsigmoid where the operator set has none.
            weight = net.add("Div", [net.clip(net.add("Add", [weight, net.constant(3, ())]), 0.0, 6.0), net.constant(6, ())])
        elif opset >= 14:
            weight = net.add("HardSwish", [weight])
        scaled = net.add("Mul", [weight, main] if index % 2 else [main, weight])
        x = net.relu(net.add("Add", [x, scaled]))
    # x * sigmoid(x), with a constant in front.
    y = net.add("Mul", [net.constant(np.linspace(0.5, 1.5, 8), (8, 1, 1)), x])
    x = net.add("Mul", [y, net.add("Sigmoid", [y])])
    # Linear layers as a gate.
    gate = net.add("Flatten", [net.add("GlobalAveragePool", [x])])
    gate = net.add("MatMul", [gate, net.constant(net.random.normal(0, 0.5, (8, 4)))])
    gate = net.relu(net.add("Add", [gate, net.constant([0.1, -0.1, 0.2, 0.3])]))
    gate = net.add("MatMul", [gate, net.constant(net.random.normal(0, 0.5, (4, 8)))])
    gate = net.add("Reshape", [net.add("Sigmoid", [gate]), net.integers([-1, 8, 1, 1])])
    x = net.add("GlobalAveragePool", [net.add("Mul", [gate, x])])
    logits = net.gemm(net.add("Flatten", [x]), 8)
    return net, net.save(logits, net.add("LogSoftmax", [logits], axis=1))


def lopsided():
    """Padding that is not the same on both sides, by attributes."""
    net = Network("lopsided-11", 11, size=29, folded=True)
    x = net.relu(net.convolution("input", "conv1", 3, 6, 3, 2, pads=[0, 0, 1, 1]))
    x = net.convolution(x, "conv2", 6, 8, 4, auto_pad="SAME_UPPER")
    x = net.relu(net.convolution(x, "conv3", 8, 8, 2, auto_pad="SAME_LOWER"))
    x = net.convolution(x, "conv4", 8, 8, 3, 1, groups=8, pads=[2, 0, 1, 3])
    pools = [
        net.add("MaxPool", [x], kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
        net.add("AveragePool", [x], kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        net.add("AveragePool", [x], kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER", count_include_pad=1),
        net.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        net.add("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ]
    x = net.add("Concat", pools, axis=1)
    x = net.relu(net.convolution(x, "conv5", 40, 8, 1))
    return net, net.save(net.gemm(net.add("Flatten", [net.add("GlobalAveragePool", [x])]), 8))


def padded():
    """Padding by nodes of its own, which the next node may take in or not."""
    net = Network("padded-13", 13, size=24, folded=True)
    around = [0, 0, 1, 2, 0, 0, 2, 1]
    x = net.convolution(net.pad("input", [0, 0, 3, 3, 0, 0, 3, 3]), "conv1", 3, 8, 7, 2, pads=[0] * 4)
    window = {"kernel_shape": [3, 3], "strides": [1, 1]}
    rectified = net.relu(x)
    maps = [
        net.add("MaxPool", [net.pad(x, around)], **window),
        net.add("MaxPool", [net.pad(x, around, -np.inf)], **window),
        net.add("MaxPool", [net.pad(rectified, around)], **window),
        net.add("MaxPool", [net.pad(rectified, around)], pads=[1, 1, 1, 1], kernel_shape=[5, 5], strides=[1, 1]),
        net.add("AveragePool", [net.pad(x, around)], **window),
        net.add("AveragePool", [net.pad(x, around)], pads=[1, 1, 1, 1], kernel_shape=[5, 5], strides=[1, 1]),
        net.convolution(net.pad(x, around), "conv2", 8, 8, 3, pads=[0] * 4),
        net.convolution(net.pad(x, around), "conv3", 8, 8, 5, auto_pad="SAME_UPPER", stride=1),
        net.add("Sigmoid", [net.pad(x, around)]),
    ]
    maps = [net.add("AveragePool", [m], kernel_shape=[4, 4], strides=[4, 4]) for m in maps]
    maps = [net.convolution(m, f"last{index}", 8, 4, 1) for index, m in enumerate(maps)]
    maps = [net.add("GlobalAveragePool", [m]) for m in maps]
    return net, net.save(net.gemm(net.add("Flatten", [net.add("Concat", maps, axis=-3)]), 36))


def tensorflow():
    """The order of TensorFlow's pictures, and arithmetic in front and behind."""
    net = Network("tensorflow-13", 13, folded=True)
    x = net.add("Div", [net.add("Sub", ["input", net.constant([0.1, 0.2, 0.3])]), net.constant(0.5, ())])
    x = net.add("Sub", [net.constant(1, (1,)), net.add("Mul", [x, net.constant([[[1.5, 1, 0.5]]])])])
    x = net.pad(x, [0, 1, 1, 0, 0, 2, 0, 0])
    x = net.add("Transpose", [x], perm=[0, 3, 1, 2])
    x = net.normalization(net.convolution(x, "conv1", 3, 4, 3, 2, auto_pad="SAME_UPPER"), "bn1", 4)
    x = net.add("Add", [x, net.constant([0.1, 0.2, -0.1, 0], (1, 4, 1, 1))])
    last = net.relu(net.add("Transpose", [x], perm=[0, 2, 3, 1]))
    other = net.add("Sigmoid", [net.add("Transpose", [x], perm=[0, 2, 3, 1])])
    both = net.add("Concat", [last, other, net.add("Add", [last, other])], axis=3)
    mean = net.add("ReduceMean", [both], axes=[1, 2], keepdims=1)
    weight = net.constant(net.random.normal(0, 0.5, (12, 12)))
    gate = net.add("Sigmoid", [net.add("MatMul", [mean, weight])])
    x = net.add("Transpose", [net.add("Mul", [both, gate])], perm=[0, 3, 1, 2])
    x = net.relu(net.convolution(x, "conv2", 12, 6, 3))
    x = net.add("Squeeze", [net.add("GlobalAveragePool", [x]), net.integers([2, 3])])
    logits = net.add("Mul", [net.matmul(x, 6), net.constant([1, 2, 3, 4, 5.0])])
    return net, net.save(logits, net.add("Identity", [net.add("Softmax", [logits])]), channels_last=True)


def selected(opset):
    """Channels picked, split and put in another order."""
    net = Network(f"selected-{opset}", opset, folded=True)
    if opset < 10:
        x = net.convolution("input", "conv1", 3, 8, 3)
        parts = [f"part_{index}" for index in range(3)]
        net.nodes.append(helper.make_node("Split", [x], parts, name="split", axis=1, split=[3, 1, 4]))
        sliced = net.add("Slice", [x], axes=[1, 2], starts=[-6, 0], ends=[6, 99])
        picked = net.add("Slice", [sliced], starts=[0, 1, 0, 0], ends=[9, 3, 99, 99])
    else:
        x = net.add("Gather", ["input", net.integers([2, 1, 0])], axis=3)
        back = net.add("Slice", [x, *map(net.integers, ([-1], [-(2**62)], [-1], [-1]))])
        x = net.add("Transpose", [net.add("Concat", [x, back], axis=-1)], perm=[0, 3, 1, 2])
        x = net.convolution(x, "conv1", 6, 8, 3)
        parts = [f"part_{index}" for index in range(4)]
        net.nodes.append(helper.make_node("Split", [x], parts, name="split", axis=-3))
        picked = net.add("Slice", [x, *map(net.integers, ([6, 0], [1, 99], [1, 2], [-2, 2]))])
        picked = net.convolution(picked, "conv2", 3, 2, 3)
    y = net.add("Concat", [net.relu(parts[2]), parts[0], x, net.add("Sigmoid", [parts[-1]])], axis=1)
    width = 8 + 3 + 4 + 4 if opset < 10 else 8 + 3 * 2
    y = net.add("GlobalAveragePool", [net.relu(net.convolution(y, "conv3", width, 6, 3))])
    y = net.add("Concat", [y, net.add("GlobalAveragePool", [picked])], axis=1)
    return net, net.save(net.gemm(net.add("Flatten", [y]), 8), channels_last=opset >= 10)


def weights(name, *shape, dtype=np.float32, value=1.0):
    return numpy_helper.from_array(np.full(shape, value, dtype=dtype), name)


def pixels(name, *shape):
    """Numbers that differ from pixel to pixel."""
    return numpy_helper.from_array(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), name)


def refused(nodes, tensors=(), shape=("n", 3, 8, 8), inputs=1, outputs=("y",), opset=13, kind=TensorProto.FLOAT):
    """A file of the smallest size that shows one fault; each node is (operation, inputs, attributes)."""
    made = [
        helper.make_node(operation, names, [outputs[0] if index == len(nodes) - 1 else f"t{index}"],
                         name=f"n{index}", **attributes)
        for index, (operation, names, attributes) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made, "g", [helper.make_tensor_value_info("x" * (1 + index), kind, shape) for index in range(inputs)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "k"]) for name in outputs], list(tensors),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("evil", 1)], ir_version=8)
    return model


def refusals():
    head = [("GlobalAveragePool", ["x"], {}), ("Flatten", ["t0"], {})]
    gemm = ("Gemm", ["t1", "w"], {"transB": 1})
    w = weights("w", 5, 3)
    conv = [weights("k", 4, 3, 3, 3)]
    huge = weights("k", 1)
    huge.dims[:] = [2**40, 2**40, 3, 3]
    external = weights("w", 5, 3)
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    external.external_data.add(key="location", value="../../etc/passwd")
    statistics = [weights(name, 3) for name in "abc"]
    cycle = refused([("Relu", ["t1"], {}), ("Relu", ["t0"], {}), ("Relu", ["t1"], {})])
    yield "unknown operator", refused([("Erf", ["x"], {})]), 'operator Erf of node "n0"'
    for name, sizes, reason in [
        ("split into unequal halves", None, "parts [1, 1]"), ("split beyond the channels", [2**62, 2**62], "parts"),
        ("split into nothing", [0, 3], "parts"), ("split into negatives", [4, -1], "parts"), ("split into three", [1, 1, 1], "parts"),
    ]:
        tensors = [] if sizes is None else [numpy_helper.from_array(np.array(sizes, np.int64), "s")]
        split = refused([("Split", ["x"] + ["s"] * len(tensors), {"axis": 1}), ("Add", ["t0", "u"], {})], tensors)
        split.graph.node[0].output.append("u")
        yield name, split, reason
    unknown = refused([("TopK", ["x", "s"], {}), ("Add", ["t0", "u"], {})], [numpy_helper.from_array(np.array([1], np.int64), "s")])
    unknown.graph.node[0].output.append("u")
    yield "unknown operator of two outputs", unknown, 'operator TopK of node "n0"'
    yield "foreign operator", refused([("Relu", ["x"], {"domain": "evil"})]), "evil.Relu"
    yield "two inputs", refused([*head, gemm], [w], inputs=2), "2 inputs"
    yield "no input", refused([*head, gemm], [w, weights("x", 1, 3, 8, 8)]), "0 inputs"
    yield "two outputs", refused([*head, gemm], [w], outputs=("y", "t0")), "2 outputs"
    yield "pictures of 33 channels", refused([*head, gemm], [w], shape=("n", 33, 64, 64)), "[N, C, H, W]"
    yield "flat pictures", refused([("Gemm", ["x", "w"], {"transB": 1})], [w], shape=("n", 3)), "[N, C, H, W]"
    yield "whole numbers", refused([*head, gemm], [w], kind=TensorProto.INT64), "floating-point"
    yield "wide pictures", refused([*head, gemm], [w], shape=(1, 3, 2**40, 8)), "at most 4096"
    yield "many pictures", refused([*head, gemm], [w], shape=(2**40, 3, 8, 8)), "batch size"
    yield "missing weights", refused([*head, gemm]), "'w' of node"
    yield "external data", refused([*head, gemm], [external]), 'tensor "w" lies outside'
    yield "cycle", cycle, "not output of any previous nodes"
    yield "no classifier", refused([("Relu", ["x"], {})]), "not [N, classes]"
    yield "wide classifier", refused([("Flatten", ["x"], {})]), "comes from"
    yield "Gemm of another width", refused([*head, gemm], [weights("w", 5, 4)]), "weights for 4 numbers"
    yield "Gemm of a map", refused([("Gemm", ["x", "w"], {})], [w]), "input 0 is not [N, K]"
    yield "Gemm with a wrong addend", refused(
        [*head, ("Gemm", ["t1", "w", "c"], {"transB": 1})], [w, weights("c", 4)]), "an addend of shape [4]"
    yield "integer weights", refused([*head, gemm], [weights("w", 5, 3, dtype=np.int32)]), "type int32"
    yield "NaN", refused([*head, gemm], [weights("w", 5, 3, value=np.nan)]), "NaN"
    yield "negative variance", refused(
        [("BatchNormalization", ["x", "a", "b", "c", "v"], {})], [*statistics, weights("v", 3, value=-1)]
    ), "a variance is -1"
    yield "normalisation of other channels", refused(
        [("BatchNormalization", ["x", "a", "b", "c", "v"], {})], [*statistics, weights("v", 4)]
    ), "for 3 channels"
    yield "softmax inside", refused([*head, ("Softmax", ["t1"], {}), ("Mul", ["t2", "m"], {})], [weights("m", value=2)]), "after the softmax"
    yield "mean of a sigmoid", refused([("Sigmoid", ["x"], {}), ("GlobalAveragePool", ["t0"], {})]), "after the sigmoid"
    yield "logarithm inside", refused([*head, ("LogSoftmax", ["t1"], {}), ("Relu", ["t2"], {})]), "after the LogSoftmax"
    yield "softmax over pictures", refused([*head, gemm, ("Softmax", ["t2"], {"axis": 0})], [w]), "axis 0"
    for name, attributes, reason in [
        ("three paddings", {"pads": [0, 0, 1]}, "pads"),
        ("unknown padding", {"auto_pad": "SAME"}, "auto_pad"),
        ("negative padding", {"pads": [-1] * 4}, "pads"),
        ("huge padding", {"pads": [2**40] * 4}, "pads"),
        ("huge stride", {"strides": [2**62, 1]}, "strides"),
        ("no stride", {"strides": [0, 0]}, "strides"),
        ("huge dilation", {"dilations": [2**62, 2**62]}, "dilations"),
        ("wide dilation", {"dilations": [9, 9]}, "does not fit"),
        ("no groups", {"group": 0}, "0 groups"),
        ("many groups", {"group": 2**62}, "groups"),
        ("another kernel", {"kernel_shape": [5, 5]}, "kernel_shape"),
        ("text for a number", {"group": "four"}, "group"),
    ]:
        yield name, refused([("Conv", ["x", "k"], attributes)], conv), reason
    yield "convolution of other channels", refused([("Conv", ["x", "k"], {})], [weights("k", 4, 2, 3, 3)]), "3 channels"
    yield "convolution of a line", refused([("Conv", ["x", "k"], {})], [weights("k", 4, 3, 3)]), ""
    yield "huge dimensions", refused([("Conv", ["x", "k"], {})], [huge]), ""
    yield "empty weights", refused([("Conv", ["x", "k"], {})], [weights("k", 0, 3, 3, 3)]), ""
    yield "unequal sum", refused([("MaxPool", ["x"], {"kernel_shape": [2, 2], "strides": [2, 2]}), ("Add", ["x", "t0"], {})]), "do not align"
    yield "sum with a constant", refused([("Add", ["x", "w"], {})], [w]), "a constant of shape [5, 3] for 3x8x8"
    yield "sum with a constant map", refused([("Mul", ["x", "m"], {})], [pixels("m", 3, 8, 8)]), "differ from pixel to pixel"
    yield "constant of five dimensions", refused([("Mul", ["x", "m"], {})], [weights("m", 1, 1, 1, 1, 3)]), "a constant of shape"
    yield "division by zero", refused([("Div", ["x", "m"], {})], [weights("m", value=0.0)]), "inf"
    yield "scale out of range", refused(
        [("Mul", ["x", "m"], {}), ("Mul", ["t0", "m"], {})], [weights("m", value=3e38)]), "inf"
    yield "sum of two orders", refused(
        [("Transpose", ["x"], {"perm": [0, 2, 3, 1]}), ("Add", ["x", "t0"], {})], shape=(1, 3, 3, 3)), "do not align"
    yield "bounds out of order", refused([("Clip", ["x", "a", "b"], {})], [weights("a"), weights("b", value=0.0)]), "not in order"
    yield "bounds of NaN", refused([("Clip", ["x", "a"], {})], [weights("a", value=np.nan)]), "not in order"
    yield "many bounds", refused([("Clip", ["x", "a"], {})], [weights("a", 3)]), "a bound of shape"
    yield "another order", refused([("Transpose", ["x"], {"perm": [1, 0, 2, 3]})]), "perm"
    yield "flattened with channels last", refused(
        [("Transpose", ["x"], {"perm": [0, 2, 3, 1]}), ("Flatten", ["t0"], {})]), "not [N, classes]"
    yield "concatenation of rows", refused([("Concat", ["x", "x"], {"axis": 2})]), "axis 2"
    yield "concatenation of sizes", refused(
        [("MaxPool", ["x"], {"kernel_shape": [2, 2]}), ("Concat", ["x", "t0"], {"axis": 1})]), "3x7x7"
    yield "concatenation without end", refused(
        [("Concat", ["x"] * 64, {"axis": 1})] + [("Concat", [f"t{i}"] * 64, {"axis": 1}) for i in range(4)]), "element count"
    for name, pads, reason in [
        ("padding of pictures", [1, 0, 0, 0, 0, 0, 0, 0], "pads"), ("negative rows", [0, 0, -17, 0, 0, 0, 0, 0], "pads"),
        ("endless rows", [0, 0, 2**62, 0, 0, 0, 0, 0], "pads"), ("channels and rows", [0, 1, 1, 0, 0, 0, 0, 0], "at once"),
        ("large padding", [0, 0, 2**16, 2**16, 0, 0, 2**16, 2**16], "element count"), ("padding of seven", [0] * 7, "pads"),
    ]:
        yield name, refused(
            [("Pad", ["x", "s"], {}), ("Sigmoid", ["t0"], {})], [numpy_helper.from_array(np.array(pads, np.int64), "s")]), reason
    def lists(*named):
        return [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in named]

    rows = [*head, ("Reshape", ["t1", "r"], {})]
    for name, tensor, attributes in [
        ("row convolution that shortens", weights("k", 1, 1, 3), {}),
        ("row convolution of another kernel", weights("k", 1, 1, 3), {"pads": [1, 1], "kernel_shape": [5]}),
        ("row convolution in groups", weights("k", 1, 1, 3), {"pads": [1, 1], "group": 2}), ("row convolution with strides", weights("k", 1, 1, 1), {"strides": [2]}),
        ("row convolution with negative padding", weights("k", 1, 1, 3), {"pads": [-1, 3]}),
        ("row convolution with endless padding", weights("k", 1, 1, 3), {"pads": [2**62, 2**62]}),
    ]:
        yield name, refused([*rows, ("Conv", ["t2", "k"], attributes)], [tensor, *lists(("r", [1, 1, 3]))]), "along channels"
    yield "endless row", refused(
        [("ConstantOfShape", ["s"], {}), ("Conv", ["x", "t0"], {}), ("GlobalAveragePool", ["t1"], {}), ("Reshape", ["t2", "r"], {}),
         ("Conv", ["t3", "k"], {})],
        [weights("k", 1, 1, 1), *lists(("s", [2**17, 3, 1, 1]), ("r", [1, 1, -1]))], shape=(1, 3, 8, 8)), "share"
    expanded = [head[0], ("Expand", ["t0", "s"], {})]
    yield "expanded alone", refused([*expanded, ("Relu", ["t1"], {})], lists(("s", [1, 3, 8, 8]))), "not a feature map"
    yield "expanded for another map", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [1, 3, 4, 4]))), "numbers repeated for [3, 4, 4]"
    yield "expanded channels", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [1, 6, 8, 8]))), "shape [1, 6, 8, 8]"
    yield "expanded pictures", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [2, 3, 8, 8]))), "shape [2, 3, 8, 8]"
    yield "expanded to nothing", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [1, 3, 0, 8]))), "shape [1, 3, 0, 8]"
    yield "expanded without end", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [1, 3, 2**40, 8]))), "shape"
    yield "expanded to five dimensions", refused([*expanded, ("Mul", ["x", "t1"], {})], lists(("s", [1, 1, 3, 8, 8]))), "shape"
    yield "expanded for each other", refused(
        [*expanded, ("Expand", ["t0", "s"], {}), ("Mul", ["t1", "t2"], {})], lists(("s", [1, 3, 8, 8]))), "numbers repeated"
    row = [numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "s")]
    yield "padding with ones", refused([("Pad", ["x", "s", "o"], {})], [*row, weights("o")]), "padding with 1.0"
    yield "mirrored padding", refused([("Pad", ["x", "s"], {"mode": "symmetric"})], row), "mode symmetric"
    yield "lowest padding", refused(
        [("Pad", ["x", "s", "o"], {}), ("Relu", ["t0"], {})], [*row, weights("o", value=-np.inf)]), "only MaxPool"
    yield "padding wider than the window", refused([("MaxPool", ["x"], {"kernel_shape": [2, 2], "pads": [2] * 4})]), "padding as wide"
    yield "mean over channels", refused([("ReduceMean", ["x"], {"axes": [1, 2]})]), "not [N, classes]"
    yield "neither kept nor left", refused([("ReduceMean", ["x"], {"axes": [2, 3], "keepdims": 2**32})]), "neither 0 nor 1"
    yield "mean of all", refused([("ReduceMean", ["x"], {})]), "not height, width or channels"
    for name, node, reason in [
        ("third norm", ("LpNormalization", ["x"], {"axis": 1, "p": 3}), "p 3"),
        ("norm of pictures", ("LpNormalization", ["x"], {"axis": 0}), "axis 0"),
        ("norm of no dimension", ("LpNormalization", ["x"], {"axis": -(2**63)}), "axis"),
        ("length of pictures", ("ReduceL2", ["x"], {"axes": [0, 1]}), "axes [0, 1]"),
        ("unknown order of blocks", ("DepthToSpace", ["x"], {"blocksize": 1, "mode": "RCD"}), "neither"),
        ("endless blocks", ("DepthToSpace", ["x"], {"blocksize": 2**62}), "blocksize"),
    ]:
        yield name, refused([node]), reason
    yield "mean over a fourth axis of rows", refused(
        [("ReduceMean", ["x"], {"axes": [3], "keepdims": 0}), ("ReduceMean", ["t0"], {"axes": [3]})]), ""
    yield "normalised pixels", refused(
        [("Flatten", ["x"], {}), ("BatchNormalization", ["t0", "a", "b", "c", "v"], {})],
        [weights(name, 192) for name in "abcv"]), "no channels after the batch"
    yield "normalised rows", refused(
        [("Transpose", ["x"], {"perm": [0, 2, 3, 1]}), ("BatchNormalization", ["t0", "a", "b", "c", "v"], {})],
        [weights(name, 8) for name in "abcv"]), "no channels after the batch"
    yield "flattened map times its channel", refused(
        [("Conv", ["x", "k"], {}), ("Flatten", ["t0"], {}), ("GlobalAveragePool", ["t0"], {}), ("Flatten", ["t2"], {}),
         ("Mul", ["t1", "t3"], {})], [weights("k", 1, 3, 1, 1)]), "comes from"
    yield "turned pixels", refused(
        [("Reshape", ["x", "s"], {}), ("Transpose", ["t0"], {"perm": [0, 2, 1]})], lists(("s", [0, 0, -1]))), "not [N, classes]"
    yield "attention over pixels", refused(
        [("Reshape", ["x", "s"], {}), ("Transpose", ["t0"], {"perm": [0, 2, 1]}), ("MatMul", ["t0", "t1"], {})],
        lists(("s", [0, 0, -1]))), 'attention over pixels: node "n2" (MatMul)'
    yield "attention after something else", refused(
        [("Erf", ["x"], {}), ("Einsum", ["t0", "x"], {"equation": "nchw,nchw->nc"})]), 'attention over pixels: node "n1" (Einsum)'
    yield "flattened pictures", refused([*rows, ("Flatten", ["t2"], {"axis": -3})], lists(("r", [1, 1, 3])), (1, 3, 8, 8)), "axis -3"
    yield "cast beyond the types", refused([("Cast", ["x"], {"to": 2**32 + 1})]), ""
    yield "batch of two out of one", refused(
        [("Reshape", ["x", "s"], {})], [numpy_helper.from_array(np.array([2, -1], np.int64), "s")], shape=(1, 3, 8, 8)
    ), "shape [2, -1] for [1, 3, 8, 8]"
    yield "endless shape", refused(
        [("Reshape", ["x", "s"], {})], [numpy_helper.from_array(np.array([2**62, 2**62], np.int64), "s")]), "shape"
    yield "computed bomb", refused(
        [("ConstantOfShape", ["s"], {}), ("Add", ["x", "t0"], {})],
        [numpy_helper.from_array(np.array([2**20, 2**20], np.int64), "s")]), "elements"
    # Kernels out of nothing: thirteen megabytes for each node that reads them.
    kernel = ("ConstantOfShape", ["s"], {})
    large = [numpy_helper.from_array(np.array([3, 1, 1025, 1025], np.int64), "s")]
    chain = [("Conv", ["x" if index == 0 else f"t{index}", "t0"], {"group": 3, "pads": [512] * 4}) for index in range(9)]
    yield "one tensor for many nodes", refused([kernel, *chain], large), "share"
    yield "endless work", refused([kernel, chain[0]], large, shape=("n", 3, 4096, 4096)), "multiply-adds"
    for name, indices, axis, reason in [
        ("channel that is not there", [0, 3], 1, "channels [0, 3]"), ("channel before the first", [-4], 1, "channels"),
        ("endless channel", [-(2**63)], 1, "channels"), ("rows in another order", [1, 0], 2, "axis 2"),
        ("one channel without its axis", 1, 1, "is not [N, classes]"),
    ]:
        yield name, refused(
            [("Gather", ["x", "i"], {"axis": axis})], [numpy_helper.from_array(np.array(indices, np.int64), "i")]), reason
    for name, bounds, reason in [
        ("part of rows", (1, 4, 2, 1), "a part of"), ("rows backwards", (-1, -99, 2, -1), "a part of"),
        ("empty part", (2, 1, 1, 1), "an empty part"), ("part without steps", (0, 4, 1, 0), "steps"),
        ("part with endless steps", (0, 4, 1, -(2**63)), "steps"), ("part of a fifth axis", (0, 4, 4, 1), "axes"),
        ("part of pictures", (1, 9, 0, 1), "part of"),
    ]:
        yield name, refused(
            [("Slice", ["x", "a", "b", "c", "d"], {})],
            [numpy_helper.from_array(np.array([value], np.int64), key) for key, value in zip("abcd", bounds)]), reason
    doubled = [("GlobalAveragePool", ["x"], {})] + [("Concat", [f"t{i}"] * 64, {"axis": 1}) for i in range(4)]
    yield "part of endless channels", refused(
        [*doubled, ("Slice", ["t4", "a", "b", "c"], {})],
        [numpy_helper.from_array(np.array([value], np.int64), key) for key, value in zip("abc", (1, 2**62, 1))]), "share"
    yield "negative of endless channels", refused([*doubled, ("Neg", ["t4"], {})]), "share"
    yield "sum of endless channels and a number", refused([*doubled, ("Add", ["t4", "o"], {})], [weights("o")]), "share"
    yield "part of a map", refused(
        [("Slice", ["x", "a", "b", "c"], {})],
        [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in zip("abc", (1, 4, 2))]), "a part of"
    yield "padded picture", refused([("Pad", ["x", "s"], {})], row), "not [N, classes]"
    yield "two outputs of two layers", refused(
        [head[0], ("Flatten", ["x"], {})], outputs=("y", "t0")), "--output-name"
    yield "largest of rows", refused([("Relu", ["x"], {}), ("ArgMax", ["t0"], {"axis": 2})]), "operator ArgMax"
    for name, node, tensors, reason in [
        ("slopes for other channels", ("PRelu", ["x", "s"], {}), [weights("s", 4, 1, 1)], "a constant of shape"),
        ("slope per pixel", ("PRelu", ["x", "s"], {}), [pixels("s", 3, 8, 8)], "differ from pixel to pixel"),
        ("slope of the picture", ("PRelu", ["x", "x"], {}), [], "not a constant"),
        ("infinite slope", ("LeakyRelu", ["x"], {"alpha": np.inf}), [], "finite"),
        ("power of the picture", ("Pow", ["x", "x"], {}), [], "not a constant"),
        ("powers of channels", ("Pow", ["x", "s"], {}), [weights("s", 3, 1, 1)], "not one number"),
        ("largest of other channels", ("Max", ["x", "s"], {}), [weights("s", 2, 1, 1)], "a constant of shape"),
        ("neighbours of none", ("LRN", ["x"], {"size": 0}), [], "size 0"),
        ("neighbours without end", ("LRN", ["x"], {"size": 2**62}), [], "size"),
        ("infinite neighbours", ("LRN", ["x"], {"size": 3, "alpha": np.inf}), [], "finite"),
        ("normalisation by no epsilon", ("InstanceNormalization", ["x", "s", "s"], {"epsilon": 0.0}), [weights("s", 3)], "epsilon"),
        ("normalisation of other instances", ("InstanceNormalization", ["x", "s", "s"], {}), [weights("s", 4)], "for 3 channels"),
        ("part of the pictures", ("Reshape", ["x", "s"], {}), lists(("s", [3, 1, 8, 8])), "shape [3, 1, 8, 8]"),
        ("uneven parts", ("Reshape", ["x", "s"], {}), lists(("s", [1, 2, 96])), "shape [1, 2, 96]"),
        ("pictures last", ("Transpose", ["x"], {"perm": [1, 2, 3, 0]}), [], "perm"),
        ("a dimension twice", ("Transpose", ["x"], {"perm": [0, 1, 1, 3]}), [], ""),
        ("sum of pictures", ("ReduceSum", ["x", "s"], {}), lists(("s", [0])), "axes [0]"),
        ("sum of a dimension twice", ("ReduceSum", ["x", "s"], {}), lists(("s", [1, -3])), "axes"),
        ("sum of unknown dimensions", ("ReduceSum", ["x", "s"], {}), lists(("s", [2**62])), "axes"),
        ("softmax over columns", ("Softmax", ["x"], {"axis": 3}), [], "axis 3"),
        ("uneven blocks", ("SpaceToDepth", ["x"], {"blocksize": 3}), [], "blocks of 3x3 pixels"),
        ("blocks of too few channels", ("DepthToSpace", ["x"], {"blocksize": 2}), [], "blocks of 2x2 pixels"),
        ("softmax over nothing", ("Softmax", ["x"], {"axis": 2**62}), [], "axis"),
    ]:
        yield name, refused([node], tensors), reason
    for name, attributes, scales, reason in [
        ("cubic size", {"mode": "cubic"}, [1, 1, 2, 2], "mode cubic"),
        ("size from corner to corner", {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, [1, 1, 40, 40], "repetitions of pixels"),
        ("neighbours from corner to corner", {"coordinate_transformation_mode": "align_corners"}, [1, 1, 40, 40], "repetitions of pixels"),
        ("neighbours far outside", {"nearest_mode": "ceil"}, [1, 1, 64, 64], "at an edge"),
        ("size of no whole pixels", {"mode": "linear"}, [1, 1, 1.3, 1.3], "no whole size"),
        ("other channels", {"mode": "linear"}, [1, 2, 1, 1], "sizes [1, 6, 8, 8]"),
        ("negative size", {}, [1, 1, -2, -2], "scales"), ("infinite size", {}, [1, 1, np.inf, 2], "scales"),
        ("size without end", {}, [1, 1, 60000, 60000], "sizes"), ("size of three dimensions", {}, [1, 2, 2], "scales"),
    ]:
        tensor = numpy_helper.from_array(np.array(scales, np.float32), "s")
        yield name, refused([("Resize", ["x", "", "s"], attributes)], [tensor]), reason
    groups = [weights("s", 3)]
    for name, node, reason in [
        ("two groups of three", ("GroupNormalization", ["x", "s", "s"], {"num_groups": 2}), "cannot be divided"),
        ("no groups of normalisation", ("GroupNormalization", ["x", "s", "s"], {}), "0 groups"),
        ("unknown form", ("Gelu", ["x"], {"approximate": "erf"}), "approximate"),
        ("smoothed size", ("Resize", ["x", "", "s"], {"antialias": 1}), "antialias"),
    ]:
        yield name, refused([node], groups, opset=21), reason
    yield "layers of no dimension", refused(
        [("LayerNormalization", ["x", "s"], {"axis": 4})], groups, opset=17), "axis 4"
    yield "layers of other numbers", refused(
        [("LayerNormalization", ["x", "s"], {"axis": 1})], groups, opset=17), "a constant of shape"
    value = helper.make_tensor_value_info
    squeezed, same, scaled = (
        helper.make_graph([helper.make_node(operation, ["x"], ["b"], **attributes)], operation, [], [value("b", TensorProto.FLOAT, None)])
        for operation, attributes in (("Squeeze", {"axes": [1]}), ("Identity", {}), ("Neg", {}))
    )
    for name, taken, other, number, axis in [
        ("branch on another size", squeezed, same, 3, 1), ("branch on another dimension", squeezed, same, 1, 2),
        ("branch of another operation", squeezed, scaled, 1, 1), ("branches turned round", same, squeezed, 1, 1),
    ]:
        question = [("Shape", ["x"], {}), ("Gather", ["t0", "a"], {}), ("Equal", ["t1", "o"], {})]
        yield name, refused(
            [*question, ("If", ["t2"], {"then_branch": taken, "else_branch": other})],
            [numpy_helper.from_array(np.array(value), name) for name, value in (("a", axis), ("o", number))], opset=11), "subgraphs"
    yield "many dimensions", refused(
        [("Unsqueeze", ["x", "s"], {})], lists(("s", list(range(1, 8))))), "axes"


def main():
    networks = [
        basic(11), basic(13), basic(17), view(), imagenet(), keras(), half(), double(), excited(9), excited(14),
        lopsided(), padded(), tensorflow(), selected(9), selected(13),
    ]
    answers = {net.name: {"size": net.size, "logits": logits} for net, logits in networks}
    (HERE / "onnx.json").write_text(json.dumps(answers, indent=1) + "\n")
    files = {
        name: {"file": base64.b64encode(model.SerializeToString()).decode(), "reason": reason}
        for name, model, reason in refusals()
    }
    (HERE / "onnx-refused.json").write_text(json.dumps(files, indent=1) + "\n")


if __name__ == "__main__":
    main()
