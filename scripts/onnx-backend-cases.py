"""Runs ONNX's backend cases through `resnetd run` and compares what comes out.

usage: onnx-backend-cases.py PROGRAM PACKAGE CASES

PACKAGE is the unpacked package `onnx` of the wheel 1.12.0, CASES a folder of cases. Tolerances are
those of its own runner: rtol 1e-3 and atol 1e-7 for floating-point numbers, none for others.
"""

import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy

program = sys.argv[1]
package = pathlib.Path(sys.argv[2])
cases_folder = pathlib.Path(sys.argv[3])
sys.path.insert(0, str(package))
import onnx_ml_pb2 as onnx  # noqa: E402

OPERATORS = set(
    """Abs Add AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant ConstantOfShape
    Conv DequantizeLinear Div Dropout Elu Erf Exp Expand Flatten Floor Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool GroupNormalization HardSigmoid HardSwish Identity
    InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax MatMul Max MaxPool
    Mean Min Mish Mul Neg PRelu Pad Pow QuantizeLinear Reciprocal ReduceMax ReduceMean
    ReduceProd ReduceSum Relu Reshape Resize Selu Shape Sigmoid Slice Softmax Softplus Split
    Sqrt Squeeze Sub Sum Swish Tanh Transpose Unsqueeze""".split()
)
OPSETS = range(7, 29)
# Operators that set 7 changed. Graphs of set 6 without them mean the same in set 7 and run as such.
CHANGED_IN_SET_7 = {
    "Add", "BatchNormalization", "Div", "Dropout", "Gemm", "Mul", "PRelu", "Pow", "Sub",
}
# bfloat16 is to numpy two opaque bytes, as its extension ml_dtypes stores it.
BFLOAT16 = numpy.dtype("V2")
TYPES = {
    1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8",
    12: "u4", 13: "u8", 16: BFLOAT16,
}
FIELDS = {
    1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data",
}


class Skipped(Exception):
    """A case that is none of this program's, with the reason."""


def tensor(path, value):
    """The array of a TensorProto that is given for an input or output."""
    message = onnx.TensorProto.FromString(path.read_bytes())
    if message.data_type not in TYPES:
        raise Skipped("an element type that is not numeric")
    dtype = numpy.dtype(TYPES[message.data_type])
    shape = tuple(message.dims)
    if message.HasField("raw_data"):
        return declared(numpy.frombuffer(message.raw_data, dtype).reshape(shape), value)
    numbers = getattr(message, FIELDS.get(message.data_type, "int32_data"))
    if message.data_type in (10, 16):
        return numpy.array(numbers, "u2").view(dtype).reshape(shape)
    return declared(numpy.array(numbers, dtype).reshape(shape), value)


def declared(array, value):
    """The cases store bfloat16 as uint16 and only the graph tells."""
    is_bfloat16 = value.type.tensor_type.elem_type == 16
    return array.view(BFLOAT16) if is_bfloat16 and array.dtype == numpy.uint16 else array


def check_scope(model):
    """Raises Skipped for a case that the program does not promise to run."""
    graph = model.graph
    if model.functions or any(o.domain not in ("", "ai.onnx") for o in model.opset_import):
        raise Skipped("functions or operators of other domains")
    others = sorted({node.op_type for node in graph.node} - OPERATORS)
    if others:
        raise Skipped("other operators")
    for imported in model.opset_import:
        if imported.version == 6 and not CHANGED_IN_SET_7 & {n.op_type for n in graph.node}:
            imported.version = 7
    if not all(o.version in OPSETS for o in model.opset_import):
        raise Skipped("operator set outside 7 to 28")
    for value in list(graph.input) + list(graph.output):
        if not value.type.HasField("tensor_type"):
            raise Skipped("sequences and optional values")
        if value.type.tensor_type.elem_type not in TYPES:
            raise Skipped("an element type that is not numeric")
    for node in graph.node:
        # Which elements are dropped is a matter of the generator.
        if node.op_type == "Dropout" and len(node.input) == 3 and "zero_ratio" not in graph.name:
            raise Skipped("elements dropped at random")
        attributes = {attribute.name: attribute for attribute in node.attribute}
        constants = {tensor.name for tensor in graph.initializer}
        reduces = node.op_type in ("ReduceMax", "ReduceMean", "ReduceProd")
        if reduces and set(node.input[1:]) - constants - {""}:
            raise Skipped("set 18: axes that are no constant")
        if node.op_type == "Pad" and node.input[3:]:
            raise Skipped("set 18: padding of chosen axes")
        if node.op_type == "AveragePool" and "dilations" in attributes:
            raise Skipped("set 19: dilated average pool")
        # The cases of 1.12 cut the lower half off; ONNX from 1.13 on and this program round.
        is_old = model.opset_import[0].version <= 17
        if is_old and node.op_type == "Cast" and attributes["to"].i == 16:
            raise Skipped("1.12: casts to bfloat16 that do not round")
        if node.op_type == "Resize":
            texts = {a.s for a in node.attribute}
            others = {b"cubic", b"tf_crop_and_resize", b"half_pixel_symmetric"}
            if others & texts or {"antialias", "axes"} & attributes.keys():
                raise Skipped("Resize: cubic, crops, chosen axes and antialiasing")
        if attributes.get("block_size") and attributes["block_size"].i:
            raise Skipped("set 21: quantisation in blocks")
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        if any(v.type.tensor_type.elem_type in (4, 5) for v in graph.output):
            raise Skipped("set 21: quantisation to 16 bits")


def numbers(array):
    """Numbers that numpy can compare."""
    if array.dtype == BFLOAT16:
        return (array.view("u2").astype("u4") << 16).view("f4")
    return array


def compare(name, actual, expected):
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        raise AssertionError(
            f"{name}: {actual.dtype} {actual.shape}, expected {expected.dtype} {expected.shape}"
        )
    if expected.dtype.kind in "fV":
        numpy.testing.assert_allclose(numbers(actual), numbers(expected), rtol=1e-3, atol=1e-7)
    else:
        numpy.testing.assert_array_equal(actual, expected)


def run_set(model, data, folder):
    """One data set: its files stand in the order of the graph's inputs and outputs."""
    initialized = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialized]
    outputs = model.graph.output
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    command = [program, "run", str(folder / "model.onnx")]
    for index, value in enumerate(inputs):
        array = tensor(data / f"input_{index}.pb", value)
        path = folder / f"input_{index}.npy"
        numpy.save(path, array)
        command += ["--input", f"{value.name}={path}"]
    expected = [
        tensor(data / f"output_{index}.pb", value) for index, value in enumerate(outputs)
    ]
    for index, value in enumerate(outputs):
        command += ["--output", f"{value.name}={folder}/output_{index}.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(done.stderr.strip())
    for index, value in enumerate(outputs):
        compare(value.name, numpy.load(folder / f"output_{index}.npy"), expected[index])


def main():
    passed, failed, skipped = 0, 0, collections.Counter()
    cases = sorted(cases_folder.glob("*/test_*"))
    for case in cases:
        # The networks of `real` are not in the wheel.
        if not (case / "model.onnx").exists():
            skipped["no model in the wheel"] += 1
            continue
        label = f"{case.parent.name}/{case.name}"
        try:
            model = onnx.ModelProto.FromString((case / "model.onnx").read_bytes())
            check_scope(model)
            sets = sorted(case.glob("test_data_set_*"))
            if not sets:
                raise AssertionError("no data")
            for data in sets:
                with tempfile.TemporaryDirectory() as folder:
                    run_set(model, data, pathlib.Path(folder))
            passed += 1
        except Skipped as reason:
            skipped[str(reason)] += 1
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAILED {label}: {error}")
    for reason, count in skipped.most_common():
        print(f"skipped {count}: {reason}")
    print(f"{len(cases)} cases: {passed} passed, {failed} failed, {sum(skipped.values())} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
