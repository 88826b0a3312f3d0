"""Makes a network whose first convolution has four channels, as a state dict and as ONNX, and its logits.

    pip install torch==2.15.0 onnx==1.23.2 numpy==2.4.6 pillow==13.0.0 tifffile==2026.3.3
    python make-bands.py

The image is a TIFF of ImagingTests with four bands of 16 bits, each resized by Pillow. The logits, PyTorch's
own, stand in bands.json. In bands-last-17.onnx images are [N, H, W, 4], and every side is left open.
"""

import json
import pathlib

import numpy as np
import tifffile
import torch
from PIL import Image
from torch import nn
from torch_fixture import prepared

HERE = pathlib.Path(__file__).parent
IMAGE = "ImagingTests/Fixtures/Bands/four-tiles-16-big.tif"
SIZE = 40
MEAN, STD = [5400.0, 5500.0, 5600.0, 5700.0], [2500.0, 2000.0, 1500.0, 3000.0]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(x + shortcut)


class Network(nn.Module):
    """A ResNet in miniature, with the names of torchvision."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [4, 4, 6, 6, 8]
        for stage in range(1, 5):
            block = Block(widths[stage - 1], widths[stage], 1 if stage == 1 else 2)
            setattr(self, f"layer{stage}", nn.Sequential(block))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Last(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x.permute(0, 3, 1, 2))


def main():
    torch.manual_seed(0)
    network = prepared(Network())
    samples = tifffile.imread(HERE.parent.parent / IMAGE)
    bands = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(samples[..., band])).resize((SIZE, SIZE), Image.BILINEAR))
        for band in range(4)
    ]
    x = np.stack(bands).astype(np.float32)
    x = (x - np.array(MEAN, np.float32)[:, None, None]) / np.array(STD, np.float32)[:, None, None]
    x = torch.from_numpy(x)[None]
    # The exporter leaves the network in another state.
    logits = network(x)[0].detach().numpy()
    torch.save(network.state_dict(), HERE / "bands.pth")
    torch.onnx.export(
        network, x, HERE / "bands-17.onnx", opset_version=17, dynamo=False, input_names=["input"],
        output_names=["logits"], dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}})
    torch.onnx.export(
        Last(network), x.permute(0, 2, 3, 1), HERE / "bands-last-17.onnx", opset_version=17, dynamo=False,
        input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "n", 1: "h", 2: "w"}, "logits": {0: "n"}})
    answer = {"image": IMAGE, "size": SIZE, "mean": MEAN, "std": STD,
              "logits": [float(f"{value:.9g}") for value in logits]}
    (HERE / "bands.json").write_text(json.dumps(answer, indent=1) + "\n")


main()
