"""Writes the backend cases that the installed `onnx` makes for single operators, as its wheels of
old held them: FOLDER/node/CASE/model.onnx and test_data_set_0/{input,output}_N.pb.

usage: onnx-backend-generate.py FOLDER
"""

import pathlib
import sys
import warnings

import onnx.backend.test.case.node
from onnx import numpy_helper

warnings.filterwarnings("ignore")


def message(value, declared):
    """The TensorProto of an array; None for sequences and optional values."""
    if not declared.type.HasField("tensor_type"):
        return None
    if isinstance(value, onnx.TensorProto):
        return value
    return numpy_helper.from_array(value)


def main():
    folder = pathlib.Path(sys.argv[1]) / "node"
    for case in onnx.backend.test.case.node.collect_testcases(None):
        for number, (inputs, outputs) in enumerate(case.data_sets):
            data = folder / case.name / f"test_data_set_{number}"
            data.mkdir(parents=True)
            graph = case.model.graph
            for kind, values, declared in (
                    ("input", inputs, graph.input), ("output", outputs, graph.output)):
                for index, (value, entry) in enumerate(zip(values, declared, strict=True)):
                    made = message(value, entry)
                    if made is not None:
                        (data / f"{kind}_{index}.pb").write_bytes(made.SerializeToString())
        (folder / case.name / "model.onnx").write_bytes(case.model.SerializeToString())


main()
