"""Makes the quantised ONNX fixtures out of those of make-onnx.py, with what ONNX Runtime computes from them.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
    python make-onnx-quantized.py

The picture is that of make-onnx.py; it and others made alike are calibrated on. onnx-quantized.json has for each file
the logits, rounded to nine digits, the numbers of one weight, and the layers that the file leaves in floating point.
onnx-quantized-refused.json holds files that must be refused, with a part of the reason.
"""

import base64
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

HERE = pathlib.Path(__file__).parent
SIZE = 32
PICTURE_COUNT = 8


def picture(seed):
    pixels = (np.arange(3 * SIZE**2) * (7919 + 2 * seed) % 257 / 128 - 1).astype(np.float32)
    return pixels.reshape(1, 3, SIZE, SIZE)


class Pictures(CalibrationDataReader):
    def __init__(self):
        self.rest = iter([{"input": picture(seed)} for seed in range(PICTURE_COUNT)])

    def get_next(self):
        return next(self.rest, None)


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def slim(model):
    """Without the domains that nothing uses and what the tools note down."""
    used = {node.domain for node in model.graph.node}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    del model.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""


def quantized(source, folded=True, excluded=(), form=QuantFormat.QDQ, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = HERE / f"{source}.onnx"
        if isinstance(source, onnx.ModelProto):
            path = pathlib.Path(folder) / "source.onnx"
            onnx.save(source, path)
        elif folded:
            path = pathlib.Path(folder) / "folded.onnx"
            quant_pre_process(HERE / f"{source}.onnx", path, skip_symbolic_shape=True)
        nodes = onnx.load(path).graph.node
        excluded = [[node.name for node in nodes if node.op_type == kind][0] for kind in excluded]
        target = pathlib.Path(folder) / "quantized.onnx"
        quantize_static(path, target, Pictures(), quant_format=form, nodes_to_exclude=excluded, **options)
        model = onnx.load(target)
    slim(model)
    return model, excluded


def without_clips(made):
    assert all(node.op_type != "Clip" for node in made[0].graph.node)
    return made


def weights_only(source):
    """Weights as integers, of one scale or one along each axis in turn, and everything else as it was."""
    model = onnx.load(HERE / f"{source}.onnx")
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    for count, layer in enumerate(layers):
        tensor = tensors[layer.input[1]]
        values = numpy_helper.to_array(tensor)
        axis = [None, 0, 1][count % 3]
        others = tuple(other for other in range(values.ndim) if other != axis)
        scale = np.asarray(np.abs(values).max(others, keepdims=axis is not None) / 127, np.float32)
        unsigned = count % 2 == 1
        kind, zero = (np.uint8, 128) if unsigned else (np.int8, 0)
        integers = (np.clip(np.round(values / scale), -127, 127) + zero).astype(kind)
        parts = [(f"{tensor.name}_q", integers), (f"{tensor.name}_s", scale.reshape(-1) if axis is not None else scale),
                 (f"{tensor.name}_z", np.full(scale.size, zero, kind) if axis is not None else np.array(zero, kind))]
        model.graph.initializer.remove(tensor)
        model.graph.initializer.extend(numpy_helper.from_array(part, name) for name, part in parts)
        # A negative axis counts from the last.
        attributes = {} if axis is None else {"axis": axis - values.ndim}
        model.graph.node.insert(0, helper.make_node("DequantizeLinear", [name for name, _ in parts], [tensor.name], **attributes))
    return model, []


def dequantized(model):
    """The first weight of four dimensions that is stored as integers, by their products in single precision."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in tensors:
            integers, scale, zero = (tensors[name] for name in node.input)
            if integers.ndim == 4:
                shape = [1] * integers.ndim if scale.size > 1 else []
                for attribute in node.attribute:
                    if scale.size > 1 and attribute.name == "axis":
                        shape[attribute.i] = -1
                return (integers.astype(np.float32) - zero.reshape(shape).astype(np.float32)) * scale.reshape(shape)


def activated(name, opset, activations):
    """A stem and a block whose activations are functions of (add, tensor), one for each of its three places."""
    random = np.random.default_rng(len(name))
    nodes, tensors = [], []

    def add(operation, *inputs, **attributes):
        names = []
        for value in inputs:
            if not isinstance(value, str):
                kind = np.float16 if isinstance(value, np.float16) else np.float32
                tensors.append(constant(f"c{len(tensors)}", value, kind))
                value = tensors[-1].name
            names.append(value)
        nodes.append(helper.make_node(operation, names, [f"t{len(nodes)}"], name=f"{operation}{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    def convolution(source, inputs, stride=1):
        weight = random.normal(0, 2 * (2 / (9 * inputs)) ** 0.5, (8, inputs, 3, 3))
        return add("Conv", source, weight, random.normal(0, 0.3, 8), kernel_shape=[3, 3], strides=[stride] * 2, pads=[1] * 4)

    stem = activations[0](add, convolution("input", 3, stride=2))
    inner = activations[1](add, convolution(stem, 8))
    last = activations[2](add, add("Add", convolution(inner, 8), stem))
    pooled = add("Flatten", add("GlobalAveragePool", last), axis=1)
    add("Gemm", pooled, random.normal(0, 1, (5, 8)), random.normal(0, 0.1, 5), transB=1)
    nodes[-1].output[0] = "logits"
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def clip(lower, upper):
    return lambda add, x: add("Clip", x, lower, upper)


def gelu(add, x):
    return add("Mul", add("Mul", x, add("Add", add("Erf", add("Div", x, 2**0.5)), 1)), 0.5)


def half_gelu(add, x):
    """As a conversion to half precision leaves it that excludes some operators: with a Cast between the parts."""
    half = add("Cast", x, to=TensorProto.FLOAT16)
    inner = add("Cast", add("Div", half, np.float16(2**0.5)), to=TensorProto.FLOAT)
    gate = add("Add", add("Cast", add("Erf", inner), to=TensorProto.FLOAT16), np.float16(1))
    product = add("Mul", add("Mul", add("Cast", x, to=TensorProto.FLOAT16), gate), np.float16(0.5))
    return add("Cast", product, to=TensorProto.FLOAT)


def networks():
    unsigned = {"activation_type": QuantType.QUInt8}
    symmetric = {"activation_type": QuantType.QInt8, "per_channel": True, "extra_options": {"ActivationSymmetric": True}}
    yield "qdq-unsigned-11", quantized("basic-11", **unsigned)
    yield "qdq-signed-13", quantized("basic-13", per_channel=True)
    yield "qdq-symmetric-17", quantized("basic-17", **symmetric)
    contributed = {"weight_type": QuantType.QUInt8, "extra_options": {"UseQDQContribOps": True}}
    yield "qdq-contributed-13", quantized("basic-13", **unsigned, **contributed)
    yield "qdq-part-13", quantized("basic-13", excluded=("Conv", "Gemm"), per_channel=True, **unsigned)
    yield "qdq-weights-17", weights_only("basic-17")
    # Operators that compute on integers themselves.
    yield "qop-signed-13", quantized("basic-13", form=QuantFormat.QOperator, per_channel=True)
    yield "qop-unsigned-11", quantized("basic-11", form=QuantFormat.QOperator, **unsigned)
    # Activations that the integers' ends stand for: ReLU6 and Hardtanh with bounds of all kinds.
    clips = lambda name: activated(name, 13, [clip(0, 1.5), clip(-0.5, 1), clip(-1, 1.25)])
    for kind in ("unsigned", "signed"):
        options = unsigned if kind == "unsigned" else {"per_channel": True}
        yield f"qdq-clipped-{kind}-13", without_clips(quantized(clips(kind), **options))
        yield f"qop-clipped-{kind}-13", without_clips(quantized(clips(kind), form=QuantFormat.QOperator, **options))
    # A GELU in parts with pairs between them.
    yield "qdq-gelu-17", quantized(activated("gelu", 17, [gelu] * 3), **unsigned)
    yield "qop-gelu-17", quantized(activated("gelu", 17, [gelu] * 3), form=QuantFormat.QOperator, **unsigned)
    yield "half-gelu-17", (activated("gelu", 17, [half_gelu] * 3), [])
    # Not folded, product and bias apart, the weights quantised by the graph itself, pairs after the softmax.
    options = {"AddQDQPairToWeight": True, "QuantizeBias": False}
    yield "qdq-keras-17", quantized("keras-17", folded=False, extra_options=options)


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def refused(nodes, tensors=(), kind=TensorProto.FLOAT):
    """Each node is (operation, inputs, attributes); the last one's output is the graph's."""
    made = [
        helper.make_node(operation, inputs, ["y" if index == len(nodes) - 1 else f"t{index}"], name=f"n{index}", **attributes)
        for index, (operation, inputs, attributes) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made, "g", [helper.make_tensor_value_info("x", kind, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "k"])], list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def refusals():
    tail = lambda name: [("GlobalAveragePool", [name], {}), ("Flatten", ["t2"], {}), ("Gemm", ["t3", "w"], {"transB": 1})]
    w = constant("w", np.ones((5, 3)))
    pair = [("QuantizeLinear", ["x", "s", "z"], {}), ("DequantizeLinear", ["t0", "s", "z"], {})]

    def activation(scale, zero, dtype=np.uint8, nodes=pair):
        return refused([*nodes, *tail("t1")], [w, constant("s", scale), constant("z", zero, dtype)])

    for name, scale in [("zero", 0), ("negative", -1), ("NaN", np.nan), ("infinite", np.inf), ("minus zero", -0.0)]:
        yield f"{name} scale", activation(scale, 0), "which is not above zero"
    yield "scale of no ordinary number", activation(1e-42, 0), "scale 1"
    yield "scale with infinite multiples", activation(3e38, 0), "scale 3"
    yield "zero point of int32", activation(1, 0, np.int32), ""
    yield "zero point of floating point", activation(1, 0, np.float32), ""
    yield "zero point that leaves nothing", activation(1, 255), "no number above zero"
    yield "no scale", activation([], []), ""
    yield "square scales", activation(np.ones((2, 2)), np.zeros((2, 2))), ""
    yield "scales per channel of a result", activation(np.ones(3), np.zeros(3)), "3 scales for a result"
    yield "zero points without scales", activation(1, np.zeros(3)), "zero points of shape [3]"
    yield "scale of the picture", refused([("GlobalAveragePool", ["x"], {}), ("QuantizeLinear", ["x", "t0"], {})]), "not a constant"
    yield "other numbers on the way back", refused(
        [pair[0], ("DequantizeLinear", ["t0", "r", "z"], {}), *tail("t1")],
        [w, constant("s", 1), constant("r", 2), constant("z", 0, np.uint8)]), "another scale"
    yield "another type on the way back", refused(
        [pair[0], ("DequantizeLinear", ["t0", "s", "r"], {}), *tail("t1")],
        [w, constant("s", 1), constant("r", 0, np.int8), constant("z", 0, np.uint8)]), ""
    yield "quantised picture", refused([("DequantizeLinear", ["x", "s", "z"], {})], [constant("s", 1), constant("z", 0, np.uint8)],
                                       kind=TensorProto.UINT8), "not [N, classes]"
    yield "nothing quantised", refused([("DequantizeLinear", ["x", "s"], {})], [constant("s", 1)]), ""
    yield "nothing quantised, behind a layer", refused(
        [("Relu", ["x"], {}), ("DequantizeLinear", ["t0", "s"], {})], [constant("s", 1)]), ""
    yield "integers at the end", refused(
        [("GlobalAveragePool", ["x"], {}), ("Flatten", ["t0"], {}), ("QuantizeLinear", ["t1", "s", "z"], {})],
        [constant("s", 1), constant("z", 0, np.uint8)]), ""
    yield "integers in a layer", refused(
        [pair[0], ("Concat", ["t0", "t0"], {"axis": 1}), ("DequantizeLinear", ["t1", "s", "z"], {})],
        [constant("s", 1), constant("z", 0, np.uint8)]), "only DequantizeLinear"

    def weights(integers, scale, zero=None, dtype=np.int8, **attributes):
        tensors = [constant("q", integers, dtype), constant("s", scale)]
        inputs = ["q", "s"]
        if zero is not None:
            tensors.append(constant("z", *zero))
            inputs.append("z")
        return refused([("DequantizeLinear", inputs, attributes), ("Conv", ["x", "t0"], {})], tensors)

    kernel = np.ones((4, 3, 1, 1))
    yield "zero scale of weights", weights(kernel, [1, 1, 0, 1], axis=0), "scale 0.0"
    yield "infinite weights", weights(kernel * 100, 3e38), "infinite"
    yield "scales of other channels", weights(kernel, np.ones(3), axis=0), "3 scales along axis 0"
    yield "axis behind the last", weights(kernel, np.ones(4), axis=4), "axis 4"
    yield "axis before the first", weights(kernel, np.ones(4), axis=-5), "axis -5"
    yield "axis out of all numbers", weights(kernel, np.ones(4), axis=-2**63), "axis -9223372036854775808"
    yield "fewer zero points than scales", weights(kernel, np.ones(4), (np.zeros(3), np.int8), axis=0), "zero points of shape [3]"
    yield "zero point of another type", weights(kernel, 1, (0, np.uint8)), ""
    yield "shifted sums", weights(kernel, 1, (1, np.int32), np.int32), "int32 that is not zero"
    yield "integers of 64 bits", weights(kernel, 1, dtype=np.int64), ""
    yield "text for an axis", weights(kernel, np.ones(4), axis="0"), ""
    yield "no weights", weights(np.ones((0, 3, 1, 1)), 1), ""
    huge = constant("q", [1], np.int8)
    huge.dims[:] = [2**40, 2**20, 3, 3]
    yield "huge weights", refused([("DequantizeLinear", ["q", "s"], {}), ("Conv", ["x", "t0"], {})], [huge, constant("s", 1)]), ""
    # Kernels out of nothing: three megabytes, thirteen for each node that reads them.
    value = helper.make_tensor("v", TensorProto.INT8, [1], [1])
    large = [("ConstantOfShape", ["d"], {"value": value}), ("DequantizeLinear", ["t0", "s"], {})]
    chain = [("Conv", ["x" if index == 0 else f"t{index + 1}", "t1"], {"group": 3, "pads": [512] * 4}) for index in range(9)]
    yield "one tensor for many nodes", refused([*large, *chain], [constant("d", [3, 1, 1025, 1025], np.int64), constant("s", 1)]), "share"
    yield "zero point of 16 bits", activation(1, 0, np.uint16), "to 8 bits"
    yield "weights of 16 bits", weights(kernel, 1, dtype=np.int16), "to 8 bits"
    four = TensorProto(name="q", data_type=TensorProto.INT4, dims=[4, 3, 1, 1], raw_data=bytes(6))
    yield "weights of 4 bits", refused(
        [("DequantizeLinear", ["q", "s"], {}), ("Conv", ["x", "t0"], {})], [four, constant("s", 1)]), "quantise the network to 8 bits"
    for domain, operation in [("com.microsoft", "FusedConv"), ("com.microsoft", "QuickGelu"), ("com.microsoft.nchwc", "Conv")]:
        fused = refused([(operation, ["x", "k"], {})], [constant("k", kernel)])
        fused.graph.node[0].domain = domain
        fused.opset_import.append(helper.make_opsetid(domain, 1))
        yield f"{domain}.{operation}", fused, "ORT_ENABLE_BASIC"
    lone = [pair[0], pair[1], ("Erf", ["t1"], {}), *tail("t2")]
    lone[4] = ("Flatten", ["t3"], {})
    lone[5] = ("Gemm", ["t4", "w"], {"transB": 1})
    yield "error function between pairs", refused(lone, [w, constant("s", 1), constant("z", 0, np.uint8)]), "op_types_to_quantize"
    dynamic = refused([("DynamicQuantizeLinear", ["x"], {}), ("DequantizeLinear", ["t0", "u", "v"], {})])
    dynamic.graph.node[0].output.extend(["u", "v"])
    yield "scales of the picture", dynamic, "QuantFormat.QDQ"
    short = [("QLinearConv", ["t0", "s", "z", "q", "s"], {}), ("DequantizeLinear", ["t1", "s", "z"], {})]
    yield "operator on integers without its scales", refused(
        [pair[0], *short], [constant("s", 1), constant("z", 0, np.uint8), constant("q", kernel, np.uint8)]), ""
    scales = [constant("s", 1), constant("z", 0, np.uint8), constant("q", kernel, np.uint8), constant("v", np.ones(3))]
    other = [("QLinearConv", ["t0", "s", "z", "q", "v", "z", "s", "z"], {}), ("DequantizeLinear", ["t1", "s", "z"], {})]
    yield "operator on integers with other scales", refused([pair[0], *other], scales), ""


def main():
    answers = {}
    for name, (model, excluded) in networks():
        onnx.save(model, HERE / f"{name}.onnx")
        # The logits, where the file itself goes on to a softmax.
        for node in model.graph.node:
            if node.op_type.endswith("Softmax"):
                model.graph.output[0].name = node.input[0]
        logits = session(model.SerializeToString()).run(None, {"input": picture(0)})[0][0]
        weights = dequantized(model)
        answers[name] = {
            "logits": [float(f"{value:.9g}") for value in logits], "floating_point": excluded,
            "weights": [] if weights is None else [float(f"{value:.9g}") for value in weights.ravel()],
        }
    (HERE / "onnx-quantized.json").write_text(json.dumps(answers, indent=1) + "\n")
    files = {
        name: {"file": base64.b64encode(model.SerializeToString()).decode(), "reason": reason}
        for name, model, reason in refusals()
    }
    (HERE / "onnx-quantized-refused.json").write_text(json.dumps(files, indent=1) + "\n")


main()
