"""Compares int8 here with int8 in ONNX Runtime, on files of ONNX Runtime's static quantisation.

quantized.py make MODEL.safetensors PICTURES FOLDER   FOLDER/VARIANT.onnx, ONNX Runtime's answers
quantized.py compare FOLDER/VARIANT.json PICTURES     asks the server at RESNETD_URL the same

MODEL is a network of the CIFAR family as `resnetd convert` writes it; PICTURES a folder with
train/<class>/*.jpg and test/<class>/*.jpg.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import struct
import sys

import numpy as np

import classify

CALIBRATION_COUNT = 400
BATCH = 250
AGREEMENT_MINIMUM = 0.98
ACCURACY_TOLERANCE = 0.002
OPSET = 17


def pictures(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return [(label, path) for label, name in enumerate(names)
            for path in sorted((folder / name).glob("*.jpg"))]


def spread(items: list, count: int) -> list:
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]


def safetensors(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    document = {"resnetd": header.pop("__metadata__")["resnetd"]}
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            numbers = np.frombuffer(data[start + first:start + last], np.float32)
            tensors[name] = numbers.reshape(entry["shape"])
    return tensors, document


class Network:
    """The ONNX graph that PyTorch exports of such a network, normalisation apart."""

    def __init__(self, tensors: dict[str, np.ndarray], document: dict[str, str]) -> None:
        from onnx import TensorProto, helper, numpy_helper
        self.helper, self.tensors, self.nodes, self.constants = helper, tensors, [], {}
        self.zeros = json.loads(document["resnetd"])["architecture"].get("zero_channels")
        x = self.relu(self.normalized("input", "conv1", "bn1", 1))
        for stage in range(1, 4):
            count = sum(name.startswith(f"layer{stage}.") and name.endswith(".conv1.weight")
                        for name in tensors)
            for block in range(count):
                x = self.block(x, f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
        x = self.add("Flatten", [self.add("GlobalAveragePool", [x])])
        self.nodes.append(helper.make_node(
            "Gemm", [x, self.constant("fc.weight"), self.constant("fc.bias")], ["logits"],
            name="fc", transB=1))
        graph = helper.make_graph(
            self.nodes, "network",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 32, 32])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()])
        self.model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)

    def add(self, operation: str, inputs: list[str], **attributes) -> str:
        name = f"{operation}_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operation, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value=None) -> str:
        self.constants[name] = self.tensors[name] if value is None else np.array(value, np.int64)
        return name

    def relu(self, x: str) -> str:
        return self.add("Relu", [x])

    def normalized(self, x: str, convolution: str, normalization: str, stride: int) -> str:
        weight = self.constant(f"{convolution}.weight")
        side = self.tensors[weight].shape[2]
        x = self.add("Conv", [x, weight], kernel_shape=[side] * 2, strides=[stride] * 2,
                     pads=[side // 2] * 4)
        return self.add("BatchNormalization", [x] + [
            self.constant(f"{normalization}.{part}")
            for part in ("weight", "bias", "running_mean", "running_var")])

    def block(self, x: str, name: str, stride: int) -> str:
        main = self.relu(self.normalized(x, f"{name}.conv1", f"{name}.bn1", stride))
        main = self.normalized(main, f"{name}.conv2", f"{name}.bn2", 1)
        if f"{name}.downsample.0.weight" in self.tensors:
            x = self.normalized(x, f"{name}.downsample.0", f"{name}.downsample.1", stride)
        elif stride > 1:
            outputs, inputs = self.tensors[f"{name}.conv1.weight"].shape[:2]
            before = (outputs - inputs) // 2 if self.zeros == "centered" else 0
            parts = {"starts": [0, 0], "ends": [2**31 - 1] * 2, "axes": [2, 3], "steps": [2, 2]}
            x = self.add("Slice", [x, *(self.constant(f"{name}.{part}", numbers)
                                        for part, numbers in parts.items())])
            x = self.add("Pad", [x, self.constant(
                f"{name}.pads", [0, before, 0, 0, 0, outputs - inputs - before, 0, 0])])
        return self.relu(self.add("Add", [main, x]))


def pixels(paths: list[pathlib.Path], document: dict[str, str]) -> np.ndarray:
    """As the file's contract says for pictures that need no resizing."""
    from PIL import Image
    contract = json.loads(document["resnetd"])["preprocessing"]
    raw = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    mean, std = (np.array(contract[key], np.float32) for key in ("mean", "std"))
    return ((raw.astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2)


def variants() -> dict[str, dict]:
    from onnxruntime.quantization import CalibrationMethod, QuantType
    unsigned = {"activation_type": QuantType.QUInt8}
    channels = {"activation_type": QuantType.QUInt8, "per_channel": True}
    return {
        "defaults": {},
        "unsigned": unsigned,
        "unsigned-channels": channels,
        "unsigned-weights": {"weight_type": QuantType.QUInt8, **unsigned},
        "signed-channels": {"per_channel": True},
        "symmetric": {"per_channel": True, "extra_options": {"ActivationSymmetric": True}},
        "7-bit-weights": {"reduce_range": True, **channels},
        "relu-kept": {"extra_options": {"QDQKeepRemovableActivations": True}, **unsigned},
        "percentile": {"calibrate_method": CalibrationMethod.Percentile, **channels},
        "ends-in-fp32": {"exclude": True, **channels},
    }


def make(source: pathlib.Path, folder: pathlib.Path, target: pathlib.Path, count: int) -> None:
    import onnx
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):
        def __init__(self, numbers: np.ndarray) -> None:
            self.rest = iter(numbers)

        def get_next(self) -> dict | None:
            number = next(self.rest, None)
            return None if number is None else {"input": number[None]}

    tensors, document = safetensors(source)
    onnx.save(Network(tensors, document).model, target / "fp32.pre")
    quant_pre_process(target / "fp32.pre", target / "folded.pre", skip_symbolic_shape=True)
    nodes = onnx.load(target / "folded.pre").graph.node
    ends = [[node.name for node in nodes if node.op_type == kind][0] for kind in ("Conv", "Gemm")]
    calibration = spread(pictures(folder / "train"), CALIBRATION_COUNT)
    calibration = pixels([path for _, path in calibration], document)
    test = spread(pictures(folder / "test"), count)
    images = pixels([path for _, path in test], document)
    for name, options in variants().items():
        file = target / f"{name}.onnx"
        if options.pop("exclude", False):
            options["nodes_to_exclude"] = ends
        quantize_static(target / "folded.pre", file, Pictures(calibration),
                        quant_format=QuantFormat.QDQ, **options)
        model = onnx.load(file)
        onnx.helper.set_model_props(model, document)
        onnx.save(model, file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        logits = np.concatenate([session.run(None, {"input": images[start:start + BATCH]})[0]
                                 for start in range(0, len(images), BATCH)])
        answers = {str(path.relative_to(folder)): [label, int(answer)]
                   for (label, path), answer in zip(test, logits.argmax(1))}
        (target / f"{name}.json").write_text(json.dumps(answers))


def compare(answers: pathlib.Path, folder: pathlib.Path) -> int:
    known = json.loads(answers.read_text())
    url = os.environ["RESNETD_URL"]

    def ask(paths: list[str]) -> dict[str, int]:
        client = classify.Client(url)
        return {path: client.classify((folder / path).read_bytes()) for path in paths}

    paths = sorted(known)
    found: dict[str, int] = {}
    with concurrent.futures.ThreadPoolExecutor(classify.CONNECTIONS) as pool:
        shares = [paths[index::classify.CONNECTIONS] for index in range(classify.CONNECTIONS)]
        for share in pool.map(ask, shares):
            found |= share
    theirs = sum(answer == label for label, answer in known.values())
    ours = sum(found[path] == label for path, (label, _) in known.items())
    agreeing = sum(found[path] == answer for path, (_, answer) in known.items())
    print(f"{answers.stem}: of {len(known)} right here {ours}, in ONNX Runtime {theirs}; "
          f"the same answer for {agreeing} ({100 * agreeing / len(known):.2f} %)")
    failed = (agreeing < AGREEMENT_MINIMUM * len(known)
              or theirs - ours > ACCURACY_TOLERANCE * len(known))
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("model", type=pathlib.Path)
    making.add_argument("pictures", type=pathlib.Path)
    making.add_argument("folder", type=pathlib.Path)
    making.add_argument("--count", type=int, default=10_000, help="test pictures")
    comparing = commands.add_parser("compare")
    comparing.add_argument("answers", type=pathlib.Path)
    comparing.add_argument("pictures", type=pathlib.Path)
    options = parser.parse_args()
    if options.command == "compare":
        return compare(options.answers, options.pictures)
    make(options.model, options.pictures, options.folder, options.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
