"""Makes the ONNX fixtures that PyTorch exports: a ResNet-6 with shortcuts of option A, and a network with
LocalResponseNorm, in which the exporter leaves a squeeze to a condition; and their logits.

    pip install torch==2.15.0 onnx==1.23.2 numpy==2.4.6
    python make-onnx-torch.py

The picture is that of make-onnx.py; the logits, PyTorch's own, stand in onnx-torch.json.
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional
from torch_fixture import answer, picture, prepared

HERE = pathlib.Path(__file__).parent


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.added = (outputs - inputs) // 2

    def forward(self, x):
        main = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added), "constant", 0)
        return functional.relu(main + x)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = Block(4, 4, 1)
        self.layer2 = Block(4, 8, 2)
        self.linear = nn.Linear(8, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(functional.relu(self.bn1(self.conv1(x)))))
        x = functional.avg_pool2d(x, x.size()[3])
        return self.linear(x.view(x.size(0), -1))


class Responding(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm1 = nn.LocalResponseNorm(5, alpha=0.5, beta=0.6, k=1.5)
        self.conv2 = nn.Conv2d(8, 8, 3, 2, 1)
        self.norm2 = nn.LocalResponseNorm(4, alpha=0.3)
        self.linear = nn.Linear(8, 5)

    def forward(self, x):
        x = functional.relu(self.norm1(self.conv1(x) * 3))
        return self.linear(self.norm2(self.conv2(x)).mean((2, 3)))


def main():
    torch.manual_seed(0)
    network = prepared(Network())
    answers = {}
    for opset, folded in ((11, True), (13, False), (17, True)):
        name = f"torch-{opset}" + ("-folded" if folded else "")
        modes = torch.onnx.TrainingMode
        torch.onnx.export(
            network, picture(), HERE / f"{name}.onnx", opset_version=opset, dynamo=False,
            do_constant_folding=folded, training=modes.EVAL if folded else modes.PRESERVE,
            input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}},
        )
        answers[name] = answer(network)
    torch.manual_seed(1)
    network = Responding().eval()
    for opset in (11, 17):
        name = f"responding-{opset}"
        torch.onnx.export(
            network, picture(), HERE / f"{name}.onnx", opset_version=opset, dynamo=False,
            input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}} if opset == 17 else None,
        )
        answers[name] = answer(network)
    (HERE / "onnx-torch.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
