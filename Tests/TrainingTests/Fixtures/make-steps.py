#!/usr/bin/env python3
"""Makes steps/NAME.values: weights and running statistics after 1 and 10 steps of SGD in PyTorch, as raw
little-endian fp32. For each tensor, sorted by name: its mean, its root mean square, and SAMPLES of its numbers. Start,
images and classes are not stored: both sides make them by the rules of Sources/ResNet/Weights.

Steps are small where all layers are trained: with larger ones, ten of them carry PyTorch's own fp32 further from its
fp64 (printed) than the tests allow.

usage: make-steps.py [NAME ...]      needs PyTorch and torchvision (CPU)
"""

import importlib.util
import pathlib
import sys

import numpy as np
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("parity", HERE / "../../EngineTests/Fixtures/make-parity.py")
parity = importlib.util.module_from_spec(spec)
spec.loader.exec_module(parity)

SAMPLES = 3
STEPS = 10
MOMENTUM, DECAY = 0.9, 5e-4
# Name: network, images, their size, classes, learning rate, modules that are not trained.
CASES = {
    "resnet20-all": ("resnet20-cifar", 64, 32, 10, 0.002, []),
    "resnet20-last-stage": ("resnet20-cifar", 64, 32, 10, 0.02, ["conv1", "bn1", "layer1", "layer2"]),
    "resnet20-head": ("resnet20-cifar", 64, 32, 10, 0.02, ["conv1", "bn1", "layer1", "layer2", "layer3"]),
    "resnet18-all": ("resnet18", 8, 64, 1000, 0.0001, []),
    "resnet18-last-stage": ("resnet18", 8, 64, 1000, 0.02, ["conv1", "bn1", "layer1", "layer2", "layer3"]),
    "resnet18-head": ("resnet18", 8, 64, 1000, 0.02, ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"]),
}


def describe(network, frozen):
    values = []
    for name, tensor in sorted(network.state_dict().items()):
        if name.endswith("num_batches_tracked") or name.split(".")[0] in frozen:
            continue
        numbers = tensor.double().flatten().numpy()
        chosen = parity.numbers(f"chosen {name}", SAMPLES, 0, 1).numpy()
        indices = np.minimum((chosen * np.float32(numbers.size)).astype(np.int64), numbers.size - 1)
        values += [numbers.mean(), np.sqrt((numbers**2).mean()), *numbers[indices]]
    return values


def run(case, dtype=torch.float32):
    name, count, size, classes, rate, frozen = CASES[case]
    network = parity.made(name)[0].to(dtype)
    trained = {n: p for n, p in network.named_parameters() if n.split(".")[0] not in frozen}
    weights = [p for p in trained.values() if p.ndim > 1]
    others = [p for p in trained.values() if p.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": weights, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}],
        lr=rate, momentum=MOMENTUM, nesterov=True)
    network.train()
    for module in frozen:
        getattr(network, module).eval()
    values = []
    for step in range(STEPS):
        images = parity.numbers(f"images {step}", count * 3 * size * size, -1, 1).view(count, 3, size, size)
        answers = (parity.numbers(f"classes {step}", count, 0, 1) * classes).long()
        loss = torch.nn.functional.cross_entropy(network(images.to(dtype)), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (0, STEPS - 1):
            values += describe(network, frozen)
    return np.array(values)


def main():
    folder = HERE / "steps"
    folder.mkdir(exist_ok=True)
    for case in sys.argv[1:] or CASES:
        values = run(case)
        exact = run(case, torch.float64)
        scale = np.repeat(np.maximum(exact.reshape(-1, SAMPLES + 2)[:, 1], 1e-3), SAMPLES + 2)
        half = len(values) // 2
        error = np.abs(values - exact) / scale
        print(f"{case}: fp32 differs from fp64 by {error[:half].max():.1e}, {error[half:].max():.1e} of a root mean square")
        values.astype("<f4").tofile(folder / f"{case}.values")


if __name__ == "__main__":
    main()
