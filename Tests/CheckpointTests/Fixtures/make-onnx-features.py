"""Makes onnx-features.json: what the last linear layer of some of the ONNX fixtures here reads, as ONNX Runtime computes it.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
    python make-onnx-features.py

The picture is that of make-onnx.py.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).parent
NETWORKS = {
    "torch-17-folded": "onnx-torch", "timm-d": "onnx-timm", "timm-se": "onnx-timm", "timm-silu": "onnx-timm",
    "timm-v2": "onnx-timm", "timm-eca": "onnx-timm", "keras-v1": "onnx-keras", "basic-13": "onnx",
}


def main():
    answers = {}
    for name, reference in NETWORKS.items():
        size = json.loads((HERE / f"{reference}.json").read_text())[name]["size"]
        model = onnx.load(HERE / f"{name}.onnx")
        last = [node for node in model.graph.node if node.op_type in ("Gemm", "MatMul", "Conv")][-1]
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(last.input[0]))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        pixels = (np.arange(3 * size**2) * 7919 % 257 / 128 - 1).astype(np.float32)
        picture = pixels.reshape(1, 3, size, size)
        images = session.get_inputs()[0]
        if images.shape[-1] == 3:
            picture = picture.transpose(0, 2, 3, 1)
        features = session.run([last.input[0]], {images.name: picture})[0].flatten()
        answers[name] = {"size": size, "features": [float(f"{value:.9g}") for value in features]}
        print(name, last.name, features.shape)
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items())
    (HERE / "onnx-features.json").write_text("{\n" + rows + "\n}\n")


main()
