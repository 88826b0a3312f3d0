"""Images/s of training steps in PyTorch: forward, backward and update by SGD with momentum and
weight decay; eager and in fp32 unless a further argument says otherwise.

usage: pytorch.py NETWORK BATCH THREADS STEPS [compiled] [autocast]
"""

import importlib.util
import pathlib
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location(
    "parity", HERE / "../../Tests/EngineTests/Fixtures/make-parity.py")
parity = importlib.util.module_from_spec(spec)
spec.loader.exec_module(parity)
WARM_UP = 3


class Block(parity.CIFARBlock):
    """With a convolution in its shortcut where the shape changes."""

    def __init__(self, channels, outputs, stride):
        super().__init__(channels, outputs, stride)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(y + shortcut, inplace=True)


def half():
    """resnet18-half-64: ResNet-18 of half the width for 64x64 pixels, its stem 3x3, stride 2."""
    stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
    layers, channels = [stem, nn.BatchNorm2d(32), nn.ReLU(inplace=True)], 32
    for outputs in (32, 64, 128, 256):
        layers.append(Block(channels, outputs, 1 if outputs == channels else 2))
        layers.append(Block(outputs, outputs, 1))
        channels = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 200)]
    network = nn.Sequential(*layers)
    parity.randomize(network, r"(bn2|downsample\.1)\.weight$")
    return network, 64


def main():
    name, batch, threads, count = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)
    network, size = half() if name == "resnet18-half-64" else parity.made(name)
    network = network.train().to(memory_format=torch.channels_last)
    called = torch.compile(network) if "compiled" in sys.argv else network
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled="autocast" in sys.argv)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=1e-4, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images = torch.rand(batch, 3, size, size).to(memory_format=torch.channels_last)
    classes = torch.arange(batch) % 10
    seconds, processor_seconds = [], []
    for step in range(WARM_UP + count):
        start = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        with autocast:
            logits = called(images)
        loss = torch.nn.functional.cross_entropy(logits.float(), classes, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        if step >= WARM_UP:
            seconds.append(time.perf_counter() - start[0])
            processor_seconds.append(time.process_time() - start[1])
    print(f"{batch / statistics.median(seconds):.1f} images/s, "
          f"{batch / statistics.median(processor_seconds):.1f} per second of processor time")


if __name__ == "__main__":
    main()
