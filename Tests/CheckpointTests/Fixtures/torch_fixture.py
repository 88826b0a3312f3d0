"""What the ONNX fixtures that PyTorch exports have in common: running statistics that matter, and the picture."""

import numpy as np
import torch
from torch import nn

SIZE = 32


def prepared(network):
    """Ready to be exported; leaving its normalisations out would show."""
    network.eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return network


def picture():
    """That of make-onnx.py."""
    pixels = (np.arange(3 * SIZE**2) * 7919 % 257 / 128 - 1).astype(np.float32)
    return torch.from_numpy(pixels).reshape(1, 3, SIZE, SIZE)


def answer(network):
    """The size and PyTorch's own logits, to nine digits."""
    logits = network(picture())[0].detach().numpy()
    return {"size": SIZE, "logits": [float(f"{value:.9g}") for value in logits]}
