#!/usr/bin/env python3
"""Makes outputs.json: what modules of torchvision's networks give, by forward hooks, for the first made-up image of
make-parity.py with its made-up weights. Of each output, [1, C, H, W] in a row, 64 numbers at even distances are kept.

usage: make-outputs.py      needs PyTorch and torchvision (CPU)
"""

import importlib.util
import json
import pathlib

import torch

HERE = pathlib.Path(__file__).parent
SAMPLES = 64
MODULES = {
    "resnet18": [
        "conv1", "bn1", "maxpool", "layer1", "layer1.1.conv2", "layer2.0.downsample", "layer3.0.relu", "layer4", "avgpool",
    ],
    "resnet50": [
        "bn1", "layer1.0", "layer2.0.bn3", "layer2.0.downsample.0", "layer3.0.relu", "layer4.1.conv2", "layer4", "avgpool", "fc",
    ],
}


def main():
    spec = importlib.util.spec_from_file_location("parity", HERE / "make-parity.py")
    parity = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parity)
    answers = {}
    for name, modules in MODULES.items():
        network, size = parity.made(name)
        found = {}
        for module in modules:
            # A copy, because torchvision's activations work in place. Of a module that runs several times, such as a
            # block's only relu, the last output stays.
            network.get_submodule(module).register_forward_hook(
                lambda _, __, output, module=module: found.__setitem__(module, output.clone()))
        with torch.inference_mode():
            network(parity.numbers("images", 3 * size * size, -2, 2).reshape(1, 3, size, size))
        answers[name] = {}
        for module, output in found.items():
            row = output.flatten()
            kept = row[torch.arange(SAMPLES) * row.numel() // SAMPLES]
            answers[name][module] = {
                "count": row.numel(), "largest": float(f"{row.abs().max().item():.9g}"),
                "samples": [float(f"{value:.9g}") for value in kept.tolist()],
            }
    networks = [
        f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in answer.items()) + "\n}"
        for name, answer in answers.items()
    ]
    (HERE / "outputs.json").write_text("{\n" + ",\n".join(networks) + "\n}\n")


main()
