"""Makes the ONNX fixture of a network whose first convolution has one channel, and its logits.

    pip install torch==2.15.0 onnx==1.23.2 numpy==2.4.6 pillow==13.0.0
    python make-onnx-grey.py

The image is a photograph of ImagingTests, prepared by Pillow: convert("L"), resize. The logits,
PyTorch's own, stand in onnx-grey.json.
"""

import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch_fixture import prepared

HERE = pathlib.Path(__file__).parent
IMAGE = "ImagingTests/Fixtures/resize-source.png"
SIZE, MEAN, STD = 28, 0.1307, 0.3081


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, 2, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)) + x)
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def main():
    torch.manual_seed(0)
    network = prepared(Network())
    image = Image.open(HERE.parent.parent / IMAGE).convert("L").resize(
        (SIZE, SIZE), Image.Resampling.LANCZOS)
    pixels = (torch.from_numpy(np.asarray(image).astype(np.float32)) / 255 - MEAN) / STD
    torch.onnx.export(
        network, pixels[None, None], HERE / "grey-17.onnx", opset_version=17, dynamo=False,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}})
    logits = network(pixels[None, None])[0].detach().numpy()
    answer = {"image": IMAGE, "size": SIZE, "mean": MEAN, "std": STD,
              "logits": [float(f"{value:.9g}") for value in logits]}
    (HERE / "onnx-grey.json").write_text(json.dumps({"grey-17": answer}, indent=1) + "\n")


main()
