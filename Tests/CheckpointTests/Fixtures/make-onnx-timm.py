"""Makes the ONNX fixtures that PyTorch exports of timm's own modules: narrow ResNets of its kinds, and their logits.

    pip install torch==2.15.0 onnx==1.23.2 numpy==2.4.6 timm==1.0.31
    python make-onnx-timm.py

The picture is that of make-onnx.py; the logits, PyTorch's own, stand in onnx-timm.json.
"""

import json
import pathlib

import numpy as np
import torch
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.resnetv2 import PreActBottleneck, ResNetV2
from torch import nn

HERE = pathlib.Path(__file__).parent
SIZE = 35


def residual(block, layers, **options):
    return ResNet(block, layers, num_classes=5, channels=(4,) * len(layers), stem_width=4, **options)


NETWORKS = {
    # resnet50d: a deep stem, shortcuts that take a mean before their projection.
    "timm-d": (lambda: residual(Bottleneck, (1, 1, 2, 1), stem_type="deep", avg_down=True), 17, True),
    # seresnext26d_32x4d: groups, squeeze and excitation.
    "timm-se": (
        lambda: residual(
            Bottleneck, (1, 1, 1, 1), stem_type="deep", avg_down=True, cardinality=2, base_width=64,
            block_args={"attn_layer": "se"}), 13, False),
    "timm-silu": (lambda: residual(BasicBlock, (1, 1, 1, 1), act_layer=nn.SiLU, block_args={"attn_layer": "ese"}), 11, True),
    # ecaresnet26t: a convolution along the channels.
    "timm-eca": (lambda: residual(Bottleneck, (1, 1, 1, 1), block_args={"attn_layer": "eca"}), 13, True),
    # resnetv2_50: normalisation and rectification before the convolutions.
    "timm-v2": (
        lambda: ResNetV2((1, 1), channels=(8, 16), num_classes=5, stem_chs=4, preact=True,
                         conv_layer=create_conv2d, norm_layer=BatchNormAct2d), 11, False),
}


def main():
    pixels = (np.arange(3 * SIZE**2) * 7919 % 257 / 128 - 1).astype(np.float32)
    picture = torch.from_numpy(pixels).reshape(1, 3, SIZE, SIZE)
    answers = {}
    for name, (make, opset, folded) in NETWORKS.items():
        torch.manual_seed(0)
        network = make().eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)
        nn.init.normal_(network.get_classifier().weight, 0, 0.3)
        logits = network(picture).flatten().detach().numpy()
        modes = torch.onnx.TrainingMode
        torch.onnx.export(
            network, picture, HERE / f"{name}.onnx", opset_version=opset, dynamo=False,
            do_constant_folding=folded, training=modes.EVAL if folded else modes.PRESERVE,
            input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}},
        )
        answers[name] = {"size": SIZE, "logits": [float(f"{value:.9g}") for value in logits]}
    (HERE / "onnx-timm.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
