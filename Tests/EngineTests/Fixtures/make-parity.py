#!/usr/bin/env python3
"""Makes parity/NAME.logits: what PyTorch answers for eight made-up images with made-up weights, as raw
little-endian fp32 [8, classes]. Weights and images are not stored: both sides make them by the rules of
Sources/Numbers and Weights+Random.swift of Sources/ResNet.

usage: make-parity.py [NAME ...]      needs PyTorch and torchvision (CPU)
"""

import pathlib
import re
import sys

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional

IMAGENET = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2"]
CIFAR = [20, 56, 110, 1202]


def numbers(name, count, low, high):
    """SplitMix64 from the FNV-1a hash of the name, as uniform fp32 between the bounds."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        bits = np.uint64(start) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    fraction = (bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    low, high = np.float32(low), np.float32(high)
    return torch.from_numpy(low + fraction * (high - low))


class CIFARBlock(nn.Module):
    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - channels

    def forward(self, x):
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + shortcut)


class CIFARResNet(nn.Module):
    """Section 4.2 of He et al. 2015 with shortcut option A."""

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        channels = 16
        for stage, outputs in enumerate([16, 32, 64], 1):
            blocks = []
            for index in range((depth - 2) // 6):
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(CIFARBlock(channels, outputs, stride))
                channels = outputs
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def randomize(network, branch_end):
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if tensor.ndim > 1:
            high = np.float32(np.sqrt(6.0 / (tensor.numel() // tensor.shape[0])))
            low = -high
        elif name.endswith(".running_var"):
            low, high = 0.5, 1.5
        elif name.endswith(".weight"):
            low, high = (0.1, 0.3) if re.search(branch_end, name) else (0.5, 1)
        else:
            low, high = -0.2, 0.2
        tensor.copy_(numbers(name, tensor.numel(), low, high).reshape(tensor.shape))
    network.load_state_dict(state)


def made(name):
    """A network with made-up weights, and the side of its images."""
    cifar = re.fullmatch(r"resnet(\d+)-cifar", name)
    if cifar:
        network, size, branch_end = CIFARResNet(int(cifar[1])), 32, r"bn2\.weight$"
    else:
        network, size = getattr(torchvision.models, name)(weights=None), 224
        branch_end = r"(bn2|downsample\.1)\.weight$" if name in ("resnet18", "resnet34") else r"(bn3|downsample\.1)\.weight$"
    randomize(network, branch_end)
    return network.eval(), size


def dump(name):
    network, size = made(name)
    images = numbers("images", 8 * 3 * size * size, -2, 2).reshape(8, 3, size, size)
    with torch.inference_mode():
        logits = network(images)
    folder = pathlib.Path(__file__).parent / "parity"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.logits").write_bytes(logits.numpy().astype("<f4").tobytes())
    print(name, tuple(logits.shape), "largest logit", float(logits.abs().max()))


if __name__ == "__main__":
    for network_name in sys.argv[1:] or IMAGENET + [f"resnet{depth}-cifar" for depth in CIFAR]:
        dump(network_name)
