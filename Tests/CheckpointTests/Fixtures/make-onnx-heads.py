"""Makes the ONNX fixtures of heads that people put on ResNets, as PyTorch exports them, and their logits.

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
    python make-onnx-heads.py

The picture is that of make-onnx.py; the logits, PyTorch's own, stand in onnx-heads.json.
"""

import json
import pathlib

import onnx
import torch
from torch import nn
from torch_fixture import answer, picture, prepared

HERE = pathlib.Path(__file__).parent
WIDTH = 8
CLASSES = 5


class ChannelAttention(nn.Module):
    """Efficient channel attention as its authors wrote it (Wang et al. 2020)."""

    def __init__(self):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.avg_pool(x)
        y = self.conv(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        return x * torch.sigmoid(y).expand_as(x)


class ConcatPool(nn.Module):
    """As fastai pools: the largest and the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.ap = nn.AdaptiveAvgPool2d(1)
        self.mp = nn.AdaptiveMaxPool2d(1)

    def forward(self, x):
        return torch.cat([self.mp(x), self.ap(x)], 1)


class Network(nn.Module):
    """The sum of what each head says."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, 4, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(),
            ChannelAttention())
        self.fastai = nn.Sequential(
            ConcatPool(), nn.Flatten(), nn.BatchNorm1d(2 * WIDTH), nn.Dropout(0.25),
            nn.Linear(2 * WIDTH, 6, bias=False), nn.ReLU(), nn.BatchNorm1d(6), nn.Dropout(0.5),
            nn.Linear(6, CLASSES, bias=False))
        self.rows = nn.Linear(WIDTH, CLASSES)
        self.columns = nn.Linear(WIDTH, CLASSES)
        self.pixels = nn.Linear(WIDTH, CLASSES)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.part = nn.Linear(WIDTH * 16, CLASSES)

    def forward(self, x):
        x = self.body(x)
        pixels = self.norm(x.flatten(2))
        gate = torch.sigmoid(pixels.mean(2, keepdim=True))
        return (
            self.fastai(x) + self.rows(x.mean(3).mean(2)) + self.columns(x.amax(2).amax(2))
            + self.pixels((pixels * gate).mean(2)) + self.part(x[:, :, ::2, ::2].flatten(1)))


def slim(path):
    """Without what the exporter notes down of the program that it ran."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:], model.graph.metadata_props[:], model.functions[:]
    for value in [*model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    onnx.save(model, path)


def main():
    torch.manual_seed(0)
    network = prepared(Network())
    names = {"input_names": ["input"], "output_names": ["logits"]}
    for opset in (11, 17):
        torch.onnx.export(
            network, picture(), HERE / f"heads-{opset}.onnx", opset_version=opset, dynamo=False,
            dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}}, **names)
    torch.onnx.export(
        network, (torch.cat([picture(), picture()]),), HERE / "heads-18.onnx", verbose=False, external_data=False,
        opset_version=18, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), **names)
    slim(HERE / "heads-18.onnx")
    answers = {f"heads-{opset}": answer(network) for opset in (11, 17, 18)}
    (HERE / "onnx-heads.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
