#!/usr/bin/env python3
"""Writes zoo.json: networks of PyTorch's world by their tensors' names and shapes, with the logits
that PyTorch computes. The numbers of tensors and images are a formula of their names, which the
test repeats, so that no weights have to be stored.

Needs torch, torchvision, timm, transformers and antialiased-cnns: python3 make-zoo.py
"""

import json
import pathlib
from functools import partial

import antialiased_cnns
import numpy as np
import timm
import torch
import torchvision
import transformers
from timm.layers import (
    BatchNormAct2d, BlurPool2d, EcaModule, GroupNorm, GroupNormAct, SEModule, StdConv2d, create_conv2d
)
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.resnetv2 import ResNetV2
from timm.models.senet import SEBottleneck, SENet, SEResNetBlock, SEResNetBottleneck, SEResNeXtBottleneck
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def numbers(name, shape):
    """Numbers from a hash of the name (FNV-1a) and the index (the finaliser of MurmurHash3)."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    count = int(np.prod(shape, dtype=np.int64))
    h = (seed + np.arange(count, dtype=np.uint64) * 0x9E3779B9) & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> np.uint64(13)
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    unit = (h >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    half = np.float32(0.5)
    if name == "x":
        values = (unit - half) * np.float32(4)
    elif name.endswith(".p"):
        values = unit * np.float32(2) + np.float32(2)
    elif name.endswith("running_var"):
        values = unit + half
    elif name.endswith(("running_mean", "bias")):
        values = (unit - half) * np.float32(0.25)
    elif len(shape) == 1:
        values = np.float32(0.75) + unit * half
    else:
        fan_in = int(np.prod(shape[1:], dtype=np.int64))
        values = (unit - half) * np.float32(2.0 ** (3 - fan_in.bit_length() // 2))
    return values.reshape(shape)


cases = []


def tensors(model):
    return {
        name: list(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def case(name, model, arch="", size=64, channels=3, rename=lambda name: name):
    model.eval()
    state = {name: torch.from_numpy(numbers(rename(name), shape)) for name, shape in tensors(model).items()}
    missing = model.load_state_dict(state, strict=False).missing_keys
    assert all(name.endswith("num_batches_tracked") for name in missing), missing
    shape = [1, channels, size, size]
    with torch.no_grad():
        logits = model(torch.from_numpy(numbers("x", shape)))
    logits = getattr(logits, "logits", logits).flatten().tolist()
    cases.append(
        {
            "name": name,
            "arch": arch,
            "input": shape[1:],
            "tensors": {rename(name): shape for name, shape in tensors(model).items()},
            "logits": logits,
        }
    )


def refused(name, model, reason, arch="", change=lambda name, shape: shape):
    shapes = {name: change(name, shape) for name, shape in tensors(model).items()}
    cases.append({"name": name, "arch": arch, "tensors": shapes, "refused": reason})


def resnet(block=Bottleneck, layers=(1, 2, 1, 1), **options):
    options.setdefault("channels", (8, 16, 16, 24))
    options.setdefault("num_classes", 7)
    return ResNet(block, layers, **options)


def deep(block=Bottleneck, layers=(1, 2, 1, 1), **options):
    return resnet(block, layers, stem_type="deep", stem_width=8, **options)


# Variants that tensors do not show.
case("plain", resnet())
case("timm-aa", resnet(aa_layer=nn.AvgPool2d), "anti-aliasing=average")
case("timm-blur", resnet(aa_layer=BlurPool2d), "anti-aliasing=blur")
case("timm-aa-d-basic", deep(BasicBlock, aa_layer=nn.AvgPool2d, avg_down=True), "anti-aliasing=average")
case("timm-stride-8", resnet(output_stride=8), "output-stride=8")
case("timm-stride-16-d", deep(layers=(2, 2, 2, 2), output_stride=16, avg_down=True), "output-stride=16")
case("timm-stride-8-basic", resnet(BasicBlock, (2, 2, 2, 2), output_stride=8), "output-stride=8")
case("timm-stride-8-shortcut", resnet(BasicBlock, (1, 1, 1, 1), down_kernel_size=3, output_stride=8), "output-stride=8")
case("timm-stride-8-blur", resnet(output_stride=8, aa_layer=BlurPool2d), "output-stride=8,anti-aliasing=blur")
dilated = torchvision.models.ResNet(
    torchvision.models.resnet.Bottleneck, [1, 1, 2, 2], num_classes=5,
    replace_stride_with_dilation=[False, True, True], width_per_group=4,
)
case("torchvision-dilated", dilated, "output-stride=8", size=32)
first = torchvision.models.ResNet(
    torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=5, width_per_group=4
)
for layer in (first.layer2, first.layer3, first.layer4):
    layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
case("v1", first, "v1", size=32)
case("leaky-relu", resnet(act_layer=nn.LeakyReLU), "activation=leaky-relu")
case("silu", resnet(act_layer="silu"), "activation=silu")
case("gelu", resnet(act_layer="gelu"), "activation=gelu")
case("elu", resnet(act_layer="elu"), "activation=elu")
case("epsilon", resnet(norm_layer=partial(nn.BatchNorm2d, eps=1e-2)), "epsilon=1e-2")
case("pool-max", resnet(global_pool="max"), "pool=max")
case("pool-both", resnet(global_pool="catavgmax"), "pool=avg+max")
for stride, pool in ((1, "max"), (2, "none"), (2, "max"), (1, "none")):
    small = resnet(BasicBlock)
    small.conv1 = nn.Conv2d(3, 64, 3, stride, 1, bias=False)
    if pool == "none":
        small.maxpool = nn.Identity()
    case(f"stem-3x3-{stride}-{pool}", small, f"stem-stride={stride},stem-pool={pool}", size=32)

last = resnet()
last.layer4[0].conv2.stride = last.layer4[0].downsample[0].stride = (1, 1)
case("last-stride", last, "last-stage-stride=1")


class Padded(nn.Module):
    """A CIFAR network whose shortcuts add channels of zeros after the others."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(BasicBlock(8, 8))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2))
        self.linear = nn.Linear(16, 10)
        self.layer2[0].downsample = lambda x: nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 8))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer2(self.layer1(x)).mean((2, 3)))


case("zeros-after", Padded(), "zero-channels=trailing", size=32)

# What tensors do show.
case("timm-c", deep())
case("timm-d", deep(avg_down=True), size=72)
case("timm-t", resnet(stem_type="deep_tiered", stem_width=8, avg_down=True), size=71)
case("timm-se", resnet(block_args=dict(attn_layer="se")))
case("timm-se-basic", resnet(BasicBlock, block_args=dict(attn_layer="se")))
case("timm-se-silu", resnet(act_layer="silu", block_args=dict(attn_layer="se")), "activation=silu")
case("timm-eca-d", deep(avg_down=True, block_args=dict(attn_layer="eca")))
case("timm-rs", deep(avg_down=True, replace_stem_pool=True, block_args=dict(attn_layer="se")))
case(
    "timm-senet",
    deep(cardinality=4, base_width=32, block_reduce_first=2, down_kernel_size=3, block_args=dict(attn_layer="se")),
)
case("timm-gn", resnet(norm_layer=partial(GroupNorm, num_groups=4)), "norm-groups=4")
case("grey", resnet(in_chans=1), channels=1)
# Depth, near infrared, two polarisations of a radar, Sentinel-2.
for channels in (2, 4, 13):
    case(f"bands-{channels}", resnet(in_chans=channels), channels=channels)
case("bands-deep", deep(avg_down=True, in_chans=6), channels=6)
refused("bands-beyond", resnet(in_chans=33), "a first convolution of 33 channels; images have 1 to 32")


def resnet_v2(**options):
    options = {"channels": (16, 32, 32, 48), "layers": (1, 2, 1, 1), "num_classes": 6, "stem_chs": 16} | options
    return ResNetV2(**options)


batch = dict(conv_layer=create_conv2d, norm_layer=BatchNormAct2d)
groups = partial(GroupNormAct, num_groups=4)
case("timm-v2", resnet_v2(**batch))
case("timm-v2-basic", resnet_v2(basic=True, bottle_ratio=1.0, **batch))
case("timm-v2-d", resnet_v2(stem_type="deep", avg_down=True, **batch))
case("timm-v2-t", resnet_v2(stem_type="tiered", avg_down=True, **batch), size=71)
case(
    "timm-bit",
    resnet_v2(conv_layer=partial(StdConv2d, eps=1e-8), norm_layer=groups, stem_type="fixed"), "norm-groups=4",
)
case(
    "timm-v2-d-gn",
    resnet_v2(conv_layer=create_conv2d, norm_layer=groups, stem_type="deep", avg_down=True),
    "norm-groups=4,weight-standardization=no",
)

# Heads.
def headed(head):
    model = resnet(BasicBlock)
    model.fc = head
    return model


case("head-relu-norm", headed(nn.Sequential(
    nn.Dropout(0.5), nn.Linear(24, 12), nn.ReLU(), nn.BatchNorm1d(12), nn.Dropout(0.2), nn.Linear(12, 5))))
case("head-norm-relu", headed(nn.Sequential(
    nn.Linear(24, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 5))))
case("head-norm-first", headed(nn.Sequential(nn.BatchNorm1d(24), nn.Linear(24, 5, bias=False))))
case("head-no-bias", headed(nn.Linear(24, 5, bias=False)))
case("head-no-relu", headed(nn.Sequential(nn.Linear(24, 12), nn.Linear(12, 5))), "head-activation=none")
refused("head-list", headed(nn.ModuleList([nn.Linear(24, 12), nn.Linear(12, 5)])), "whether an activation stands between")
case(
    "head-list-relu", headed(nn.Sequential(nn.Sequential(nn.Linear(24, 12), nn.ReLU()), nn.Linear(12, 5))), "head-activation=relu",
    rename=lambda name: name.replace("fc.0.0", "fc.layers.0").replace("fc.1", "fc.layers.1"))
case("head-tanh", headed(nn.Sequential(nn.Linear(24, 12), nn.Tanh(), nn.Linear(12, 5))), "head-activation=tanh")
case("head-layer-norm", headed(nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 5))))


class Renamed(nn.Module):
    """A network whose classifier has another name or form."""

    def __init__(self, name, head, is_convolution=False):
        super().__init__()
        body = resnet(BasicBlock)
        for child, module in body.named_children():
            if child != "fc":
                setattr(self, child, module)
        setattr(self, name, head)
        self.name, self.is_convolution = name, is_convolution

    def forward(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3), keepdim=self.is_convolution)
        return getattr(self, self.name)(x).flatten(1)


class GeneralizedMean(nn.Module):
    """Radenovic's GeM, with one exponent or one for each channel."""

    def __init__(self, shape):
        super().__init__()
        self.p = nn.Parameter(torch.full(shape, 3.0))

    def forward(self, x):
        return x.clamp(min=1e-6).pow(self.p).mean((2, 3), keepdim=True).pow(1 / self.p).flatten(1)


for name, shape in (("one", [1]), ("each", [1, 24, 1, 1])):
    raised = resnet(BasicBlock)
    raised.global_pool = GeneralizedMean(shape)
    case(f"pool-gem-{name}", raised)
refused("pool-gem-otherwise", raised, "the learned exponent of another pool", "pool=max")
# As torch.compile, FSDP with checkpoints and DataParallel call the modules that they wrap.
wrappers = {
    "layer1": "layer1._orig_mod", "layer2.0": "layer2.0._fsdp_wrapped_module._checkpoint_wrapped_module",
    "layer3": "layer3.module", "fc": "fc._orig_mod",
}


def wrapped(name):
    for module, path in wrappers.items():
        if name.startswith(module + "."):
            return path + name[len(module):]
    return name


case("wrapped-inside", resnet(BasicBlock), rename=wrapped)
case("head-last-linear", Renamed("last_linear", nn.Linear(24, 4)))
case("head-convolution", Renamed("classifier", nn.Conv2d(24, 4, 1), True))
refused(
    "head-convolution-first",
    Renamed("head", nn.Sequential(nn.Conv2d(24, 12, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)), True),
    "begins with head.0, before its pool or after it",
)
refused(
    "head-gem-second",
    Renamed("head", nn.Sequential(nn.Conv2d(24, 12, 1), GeneralizedMean([1]), nn.Linear(12, 4)), True),
    "begins with head.0, before its pool or after it",
)
case("head-nested", Renamed("head", nn.Sequential(nn.Flatten(), nn.Linear(24, 4))))
case("openmmlab", resnet(BasicBlock), rename=lambda name: "head." + name if name.startswith("fc.") else "backbone." + name)


def flat(name):
    module, parameter = name.rsplit(".", 1)
    modules = {"conv1.0": "conv1", "conv1.1": "bn1", "conv1.3": "conv2", "conv1.4": "bn2", "conv1.6": "conv3", "bn1": "bn3"}
    return f"{modules.get(module, module)}.{parameter}"


case("deep-stem-flat", deep(), rename=flat)

# Biases.
biased = resnet(BasicBlock)
biased.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
case("stem-bias", biased)


def fused(model):
    model.eval()
    model.conv1, model.bn1 = fuse_conv_bn_eval(model.conv1, model.bn1), nn.Identity()
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in layer:
            block.conv1 = fuse_conv_bn_eval(block.conv1, block.bn1)
            block.bn1 = nn.Identity()
            block.conv2 = fuse_conv_bn_eval(block.conv2, block.bn2)
            block.bn2 = nn.Identity()
            if block.downsample is not None:
                block.downsample = nn.Sequential(fuse_conv_bn_eval(block.downsample[0], block.downsample[1]))
    return model


case("fused", fused(resnet(BasicBlock)))

# Cadene's networks, whose weights come from Caffe.
plain = dict(inplanes=64, input_3x3=False, downsample_kernel_size=1, downsample_padding=0)
plain |= dict(num_classes=5, drop_rate=0.0)
case("cadene-se", SENet(SEResNetBottleneck, [1, 1, 1, 1], 1, 16, **plain), size=40)
case("cadene-se-basic", SENet(SEResNetBlock, [1, 1, 1, 1], 1, 16, **plain), size=40)
case("cadene-se-next", SENet(SEResNeXtBottleneck, [1, 1, 1, 1], 32, 16, **plain), size=41)
case("cadene-154", SENet(SEBottleneck, [1, 1, 1, 1], 64, 16, num_classes=5, drop_rate=0.0), size=40)


# Pre-activation networks of kuangliu/pytorch-cifar and of xternalz/WideResNet-pytorch.
class PreActivationBlock(nn.Module):
    # Whether the projection reads the block's input, as in bearpaw/pytorch-classification.
    is_raw = False

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        first = torch.relu(self.bn1(x))
        shortcut = self.shortcut(x if self.is_raw else first) if hasattr(self, "shortcut") else x
        return self.conv2(torch.relu(self.bn2(self.conv1(first)))) + shortcut


class PreActivation(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(PreActivationBlock(8, 8, 1), PreActivationBlock(8, 8, 1))
        self.layer2 = nn.Sequential(PreActivationBlock(8, 16, 2))
        self.linear = nn.Linear(16, 10)

    def forward(self, x):
        return self.linear(self.layer2(self.layer1(self.conv1(x))).mean((2, 3)))


case("kuangliu-preact", PreActivation(), size=32)
raw = PreActivation()
raw.layer2[0].is_raw = True
case("bearpaw-preact", raw, "projection-input=raw", size=32)


class LateStride(PreActivation):
    """The second convolution of a block strides, as in meliketoy/wide-resnet.pytorch."""

    def __init__(self):
        super().__init__()
        block = self.layer2[0]
        block.conv1.stride, block.conv2.stride, block.is_raw = (1, 1), (2, 2), True
        self.bn1 = nn.BatchNorm2d(16)

    def forward(self, x):
        return self.linear(torch.relu(self.bn1(self.layer2(self.layer1(self.conv1(x))))).mean((2, 3)))


case("meliketoy-wide", LateStride(), "projection-input=raw, basic-stride=second", size=32)


def without_parameters(model):
    """All batch normalisations are by statistics alone."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.BatchNorm2d(child.num_features, affine=False))
    return model


case(
    "statistics-alone",
    without_parameters(torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=5)))
case("statistics-alone-preact", without_parameters(LateStride()), "projection-input=raw,basic-stride=second", size=32)
late = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5)
for layer in (late.layer2, late.layer3, late.layer4):
    layer[0].conv1.stride, layer[0].conv2.stride = (1, 1), (2, 2)
case("basic-stride", late, "basic-stride=second")


class ResidualFunction(nn.Module):
    """A block of weiaicunzai/pytorch-cifar100."""

    def __init__(self, inputs, width, stride, is_bottleneck):
        super().__init__()
        outputs = width * 4 if is_bottleneck else width
        sizes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if is_bottleneck else [
            (inputs, width, 3, stride), (width, width, 3, 1)]
        modules = []
        for first, last, side, step in sizes:
            modules += [nn.Conv2d(first, last, side, step, side // 2, bias=False), nn.BatchNorm2d(last), nn.ReLU()]
        self.residual_function = nn.Sequential(*modules[:-1])
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.residual_function(x) + self.shortcut(x))


class Cifar100(nn.Module):
    def __init__(self, is_bottleneck):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        inputs = 8
        for stage, (width, count) in enumerate([(8, 2), (8, 1), (16, 1), (16, 1)]):
            blocks = []
            for place in range(count):
                stride = 2 if stage and not place else 1
                blocks.append(ResidualFunction(inputs, width, stride, is_bottleneck))
                inputs = width * 4 if is_bottleneck else width
            setattr(self, f"conv{stage + 2}_x", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 10)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


case("cifar100", Cifar100(False), size=32)
case("cifar100-bottleneck", Cifar100(True), size=32)


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(PreActivationBlock(8, 16, 1), PreActivationBlock(16, 16, 1))
        self.layer2 = nn.Sequential(PreActivationBlock(16, 24, 2), PreActivationBlock(24, 24, 1))
        self.bn1 = nn.BatchNorm2d(24)
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        return self.fc(torch.relu(self.bn1(self.layer2(self.layer1(self.conv1(x))))).mean((2, 3)))


def wide(name):
    parts = name.split(".")
    if not parts[0].startswith("layer"):
        return name
    rest = "convShortcut." + parts[-1] if "shortcut" in parts else ".".join(parts[2:])
    return f"block{parts[0][5:]}.layer.{parts[1]}.{rest}"


case("wide", Wide(), size=32, rename=wide)

# Hugging Face.
for name, arch, options in (
    ("hugging-face", "", {}),
    ("hugging-face-v1", "v1", {"downsample_in_bottleneck": True}),
    ("hugging-face-first", "first-stage-stride=2", {"downsample_in_first_stage": True}),
    ("hugging-face-gelu", "activation=gelu,inner-activation=relu", {"hidden_act": "gelu"}),
):
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 24, 24, 32], depths=[1, 2, 1, 1], num_labels=4, layer_type="bottleneck", **options
    )
    case(name, transformers.ResNetForImageClassification(config), arch)

config = transformers.BitConfig(
    embedding_size=8, hidden_sizes=[16, 32, 32, 48], depths=[1, 2, 1, 1], num_groups=4, num_labels=4)
case("hugging-face-bit", transformers.BitForImageClassification(config), "norm-groups=4")

# Activations and pooling that have to be said.
for name, act in (
    ("relu6", nn.ReLU6), ("selu", nn.SELU), ("mish", nn.Mish), ("hard-swish", nn.Hardswish),
):
    case(name, resnet(act_layer=act), f"activation={name}")
case("pool-mean-of-both", resnet(global_pool="avgmax"), "pool=avgmax")
case("pool-timm-name", resnet(global_pool="catavgmax"), "pool=catavgmax")
case(
    "timm-se-hard-sigmoid",
    resnet(block_args=dict(attn_layer=partial(SEModule, gate_layer="hard_sigmoid"))), "attention-gate=hard-sigmoid",
)
case(
    "timm-eca-hard-sigmoid",
    resnet(block_args=dict(attn_layer=partial(EcaModule, gate_layer="hard_sigmoid"))), "attention-gate=hard-sigmoid",
)
case(
    "timm-ceca", deep(layers=(1, 1, 1, 1), block_args=dict(attn_layer="ceca")), "attention-padding=circular")
case("timm-se-maximum", resnet(block_args=dict(attn_layer=partial(SEModule, add_maxpool=True))), "attention-pool=avgmax")


# Dilation of chosen stages.
def dilated(stages, **options):
    return torchvision.models.ResNet(
        torchvision.models.resnet.Bottleneck, [1, 1, 2, 2], num_classes=5,
        replace_stride_with_dilation=[stage in stages for stage in (2, 3, 4)], width_per_group=4, **options,
    )


case("dilated-3", dilated([3]), "dilated-stages=3")
case("dilated-2-4", dilated([2, 4]), "dilated-stages=2+4")
case("dilated-3-v1.5", dilated([3]), "v1.5,dilated-stages=3")
refused("dilated-twice", dilated([3]), "give one of them", "output-stride=16,dilated-stages=3")
refused("dilated-far", dilated([3]), "the network has 4", "dilated-stages=3+5")


# Numbered modules, as nn.Sequential has them.
def body(model):
    return nn.Sequential(*list(model.children())[:8])


class Concatenated(nn.Module):
    """fastai's AdaptiveConcatPool2d."""

    def forward(self, x):
        return torch.cat([x.amax((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)], 1)


def fastai_head(inputs, classes, hidden=12, bias=False, dropout=True):
    """What create_head of fastai 2 makes; the first version had biases."""
    drop = [nn.Dropout()] if dropout else []
    return nn.Sequential(
        Concatenated(), nn.Flatten(), nn.BatchNorm1d(2 * inputs), *drop, nn.Linear(2 * inputs, hidden, bias=bias),
        nn.ReLU(), nn.BatchNorm1d(hidden), *drop, nn.Linear(hidden, classes, bias=bias),
    )


class Wrapped(nn.Module):
    """fastai's TimmBody."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.forward_features(x)


def without_head(model):
    model.fc = nn.Identity()
    return model


case("fastai", nn.Sequential(body(resnet(BasicBlock)), fastai_head(24, 5)))
case("fastai-bottleneck", nn.Sequential(body(resnet()), fastai_head(96, 5)))
case("fastai-v1", nn.Sequential(body(resnet(BasicBlock)), fastai_head(24, 5, bias=True)))
case("fastai-no-dropout", nn.Sequential(body(resnet(BasicBlock)), fastai_head(24, 5, dropout=False)))
case("fastai-deep", nn.Sequential(body(deep(avg_down=True)), fastai_head(96, 5)))
case("fastai-timm", nn.Sequential(Wrapped(without_head(resnet(BasicBlock))), fastai_head(24, 5)))
case(
    "fastai-average",
    nn.Sequential(body(resnet(BasicBlock)), nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(24), nn.Dropout(), nn.Linear(24, 5, bias=False))),
)
case(
    "numbered", nn.Sequential(*body(resnet(BasicBlock)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 5)))


class Featured(nn.Module):
    def __init__(self, features, head):
        super().__init__()
        self.features, self.fc = features, head

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


case("numbered-features", Featured(body(resnet(BasicBlock)), nn.Linear(24, 5)))
case("numbered-shifted", Featured(nn.Sequential(nn.Identity(), *body(resnet(BasicBlock))), nn.Linear(24, 5)))


class Grouped(nn.Module):
    """A network whose first modules are put into one."""

    def __init__(self):
        super().__init__()
        base = resnet(BasicBlock)
        self.layer0 = nn.Sequential(base.conv1, base.bn1, base.act1, base.maxpool)
        self.layer1, self.layer2, self.layer3, self.layer4, self.fc = (
            base.layer1, base.layer2, base.layer3, base.layer4, base.fc)

    def forward(self, x):
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(self.layer0(x))))).mean((2, 3)))


case("numbered-stem", Grouped())
refused(
    "numbered-few",
    Featured(nn.Sequential(*[child for child in body(resnet(BasicBlock)) if not isinstance(child, nn.MaxPool2d)]), nn.Linear(24, 5)),
    "as residual networks have",
)

# Zhang's antialiased-cnns.
for name, block, options in (
    ("zhang-basic", antialiased_cnns.resnet.BasicBlock, dict(filter_size=4)),
    ("zhang-bottleneck", antialiased_cnns.resnet.Bottleneck, dict(filter_size=5, width_per_group=8)),
    ("zhang-stem", antialiased_cnns.resnet.BasicBlock, dict(filter_size=3, pool_only=False)),
    ("zhang-none", antialiased_cnns.resnet.BasicBlock, dict(filter_size=1)),
):
    case(name, antialiased_cnns.resnet.ResNet(block, [1, 1, 1, 1], num_classes=5, **options))


# IBN-Net.
class InstanceBatch(nn.Module):
    """Normalises the first channels by the image, the others by statistics (IBN-a)."""

    def __init__(self, channels, share=0.5):
        super().__init__()
        self.first = int(channels * share)
        self.IN = nn.InstanceNorm2d(self.first, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.first)

    def forward(self, x):
        return torch.cat([self.IN(x[:, : self.first]), self.BN(x[:, self.first :])], 1)


def instance_a(model):
    for layer in (model.layer1, model.layer2, model.layer3):
        for block in layer:
            # timm's blocks have the activation in the normalisation's place or after it.
            block.bn1 = InstanceBatch(block.conv1.out_channels, 0.375)
    return model


class Normalized(nn.Module):
    """A block with instance normalisation after the sum (IBN-b)."""

    def __init__(self, block, channels):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = block.conv1, block.bn1, block.conv2, block.bn2
        self.downsample = block.downsample
        self.IN = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(self.IN(x + shortcut))


def instance_b(model):
    model.bn1 = nn.InstanceNorm2d(64, affine=True)
    for layer, channels in ((model.layer1, 8), (model.layer2, 16)):
        layer[-1] = Normalized(layer[-1], channels)
    return model


case("ibn-a", instance_a(resnet()))
case("ibn-a-basic", instance_a(resnet(BasicBlock)))
case("ibn-a-se", instance_a(resnet(block_args=dict(attn_layer="se"))))
case("ibn-b", instance_b(resnet(BasicBlock)))

# Activations with learned slopes.
class FaceBlock(nn.Module):
    """A block of insightface's iresnet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + shortcut


class Face(nn.Module):
    """insightface's iresnet, of few channels."""

    def __init__(self, blocks=(1, 2, 1, 1), widths=(8, 12, 16, 16), side=2, embedding=6):
        super().__init__()
        self.conv1, self.bn1, self.prelu = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8)
        inputs = 8
        for index, (count, width) in enumerate(zip(blocks, widths)):
            strides = [2] + [1] * (count - 1)
            layers = [FaceBlock(inputs if place == 0 else width, width, stride) for place, stride in enumerate(strides)]
            setattr(self, f"layer{index + 1}", nn.Sequential(*layers))
            inputs = width
        self.bn2 = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs * side**2, embedding)
        self.features = nn.BatchNorm1d(embedding)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.bn2(x).flatten(1)))


case("iresnet", Face(), size=32)
case("iresnet-large", Face(widths=(16, 16, 16, 32), side=3), size=48)
refused("iresnet-part", Face(), "tensor layer2.1.prelu.weight", change=lambda name, shape: [3] if name == "layer2.1.prelu.weight" else shape)


def sloped(model, count):
    """A network of torchvision's with another activation."""
    model.relu = nn.PReLU(count(64))
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in layer:
            block.relu = nn.PReLU(count(block.bn1.num_features))
    return model


for name, block, count in (
    ("prelu", torchvision.models.resnet.BasicBlock, lambda channels: channels),
    ("prelu-one", torchvision.models.resnet.Bottleneck, lambda channels: 1),
):
    case(name, sloped(torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=5), count), size=32)
case("prelu-timm", resnet(act_layer="prelu"))
case("head-prelu", headed(nn.Sequential(nn.Linear(24, 12), nn.PReLU(), nn.Dropout(0.2), nn.Linear(12, 5))))
case("head-norm-prelu", headed(nn.Sequential(nn.Linear(24, 12), nn.BatchNorm1d(12), nn.PReLU(), nn.Linear(12, 5))))
refused("head-prelu-each", headed(nn.Sequential(nn.Linear(24, 12), nn.PReLU(12), nn.Linear(12, 5))), "has a weight alone (shape [12])")
refused("prelu-deep", deep(act_layer="prelu"), "learned slopes (PReLU) with a stem of several convolutions")
half = resnet(BasicBlock)
for layer in (half.layer1, half.layer2, half.layer3, half.layer4):
    for block in layer:
        block.act1 = nn.PReLU()
half.act1 = nn.PReLU()
refused("prelu-half", half, "none for their activation 2")


class Shortcut(nn.Module):
    """The beginning of face.evoLVe's networks."""

    def __init__(self):
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8))
        self.body = nn.Sequential(nn.Module())
        self.body[0].res_layer = nn.Sequential(nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, 1, 1, bias=False))


refused("face-evolve", Shortcut(), "a face network in the form of face.evoLVe")



class Beside(nn.Module):
    """A body under a prefix, and modules whose names may be those of the body's."""

    def __init__(self, activation=None, **modules):
        super().__init__()
        self.backbone = resnet(BasicBlock)
        del self.backbone.fc
        self.activation, self.names = activation, list(modules)
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        x = self.backbone.forward_features(x).mean((2, 3))
        for index, name in enumerate(self.names):
            module = getattr(self, name)
            x = module(self.activation(x) if index and self.activation and isinstance(module, nn.Linear) else x)
        return x


case("heads-of-bodys-names", Beside(torch.relu, fc1=nn.Linear(24, 12), bn1=nn.BatchNorm1d(12), fc2=nn.Linear(12, 5)))


def beside(activation=None, **modules):
    """A classifier of modules beside the body, which stand between pool and answer in this order."""
    model = resnet(BasicBlock)
    del model.fc
    for name, module in modules.items():
        model.add_module(name, module)

    def head(x):
        x = x.mean((2, 3))
        for index, module in enumerate(modules.values()):
            if index and activation and isinstance(module, nn.Linear):
                x = activation(x)
            x = module(x)
        return x

    model.forward_head = head
    return model


def block(inputs, outputs, norm=nn.BatchNorm1d):
    return nn.Sequential(nn.Linear(inputs, outputs), norm(outputs), nn.ReLU())


case("head-blocks", headed(nn.Sequential(block(24, 12), block(12, 8), nn.Linear(8, 5))))
case("head-blocks-layer-norm", headed(nn.Sequential(block(24, 12, nn.LayerNorm), nn.Sequential(nn.Dropout(), nn.Linear(12, 5)))))
case("head-then-block", headed(nn.Sequential(nn.Linear(24, 12), nn.Sequential(nn.Linear(12, 5)))), "head-activation=none")
case("head-statistics", headed(nn.Sequential(nn.BatchNorm1d(24, affine=False), nn.Linear(24, 5))))
numbered = beside(classifier=nn.Sequential(nn.Dropout(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 5)))
case("classifier-numbered", numbered)
case("classifier-norm", beside(classifier=nn.Sequential(nn.BatchNorm1d(24), nn.Linear(24, 5))))
case("heads-in-line", beside(nn.functional.relu, fc1=nn.Linear(24, 12), fc2=nn.Linear(12, 5)))
case("bnneck", beside(bottleneck=nn.BatchNorm1d(24), classifier=nn.Linear(24, 5, bias=False)))
case(
    "heads-with-norm", beside(nn.functional.relu, hidden=nn.Linear(24, 12), hidden_bn=nn.BatchNorm1d(12), out=nn.Linear(12, 5)))
case(
    "heads-linear", beside(embed=nn.Linear(24, 12), embed_bn=nn.BatchNorm1d(12), cls=nn.Linear(12, 5)),
    "head-activation=none")
case("neck", beside(neck=block(24, 12), classifier=nn.Linear(12, 5)))
case(
    "neck-dropout",
    beside(neck=nn.Sequential(nn.Linear(24, 12), nn.BatchNorm1d(12)), classifier=nn.Sequential(nn.Dropout(), nn.Linear(12, 5))),
    "head-activation=none")
case(
    "neck-deep",
    beside(
        embed=nn.Sequential(nn.Dropout(), nn.Linear(24, 12), nn.ReLU()),
        classifier=nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5))))
for name, norm in (
    ("neck-layer-norm", "norm"), ("neck-layer-norm-first", "layer_norm"), ("neck-second-norm", "bn2"),
):
    kind = nn.BatchNorm1d if norm == "bn2" else nn.LayerNorm
    case(name, beside(**{norm: kind(24), "fc": nn.Linear(24, 5)}))
case("neck-statistics", beside(bottleneck=nn.BatchNorm1d(24, affine=False), classifier=nn.Linear(24, 5)))
case("neck-statistics-second", beside(
    fc1=nn.Linear(24, 12), bn3=nn.BatchNorm1d(12, affine=False), fc2=nn.Linear(12, 5)), "head-activation=none")
refused(
    "necks-of-norms", beside(ln=nn.LayerNorm(24), bn=nn.BatchNorm1d(24, affine=False), fc=nn.Linear(24, 5)),
    "bn, ln, modules of normalisation or learned slopes, may stand anywhere before, between or after the layers of fc")
case("neck-prelu", beside(neck=nn.Sequential(nn.Linear(24, 12), nn.PReLU()), classifier=nn.Linear(12, 5)))
case("fc-prelu", beside(fc=nn.Sequential(nn.Linear(24, 12), nn.PReLU()), out=nn.Linear(12, 5)))
case("neck-norm-prelu", beside(
    neck=nn.Sequential(nn.Linear(24, 12), nn.BatchNorm1d(12), nn.PReLU(), nn.Dropout()), head=nn.Linear(12, 5)))
refused(
    "neck-prelu-each", beside(neck=nn.Sequential(nn.Linear(24, 12), nn.PReLU(12)), cls=nn.Linear(12, 5)),
    "module neck.1 of the classifier has a weight alone (shape [12])")
refused(
    "prelu-beside", beside(embed=nn.Linear(24, 12), act=nn.PReLU(), cls=nn.Linear(12, 5)),
    "act, a module of normalisation or learned slopes, may stand anywhere before, between or after the layers of cls, embed")
refused(
    "necks-alike", beside(neck=block(24, 24), cls=nn.Linear(24, 5)),
    "any of the modules cls, neck may be the classifier; say which (--arch head=NAME)")
refused(
    "heads-alike", beside(embed=nn.Linear(24, 24), cls=nn.Linear(24, 5)),
    "any of the modules cls, embed may be the classifier; say which (--arch head=NAME)")



class Deep(nn.Module):
    """A body two prefixes deep, with a neck beside it and the classifier outside of both."""

    def __init__(self):
        super().__init__()
        self.net = nn.Module()
        self.net.body, self.net.neck = resnet(BasicBlock), block(24, 12)
        del self.net.body.fc
        self.classifier = nn.Linear(12, 5)

    def forward(self, x):
        return self.classifier(self.net.neck(self.net.body.forward_features(x).mean((2, 3))))


case("prefixes-of-body", Deep())
stem = resnet(BasicBlock, (2, 2, 2, 2))
stem.conv1 = nn.Conv2d(3, 64, 5, 2, 2, bias=False)
refused("stem-of-another", stem, "a first convolution of 7x7 numbers, the file of 5x5", "resnet18")

# What cannot be right.
two = resnet(BasicBlock)
two.age, two.sex = nn.Linear(24, 9), nn.Linear(24, 2)
del two.fc
refused("two-heads", two, "any of the modules age, sex may be the classifier; say which (--arch head=NAME)")
refused(
    "two-heads-outside", torch.nn.ModuleDict({"m": headed(nn.Identity()), "age": nn.Linear(24, 9), "sex": nn.Linear(24, 2)}),
    "any of the modules age, sex may be the classifier; say which (--arch head=NAME)")
bodies = nn.ModuleDict({"a": resnet(BasicBlock), "b": resnet(BasicBlock), "fc": nn.Linear(48, 5)})
for name in "ab":
    bodies[name].fc = nn.Identity()
refused("two-bodies", bodies, "several bodies of residual networks (a, b) stand before one classifier")
several = resnet(BasicBlock)
several.heads = nn.ModuleList([nn.Linear(24, 4), nn.Linear(24, 5)])
del several.fc
refused("heads-list", several, "module heads.1 takes 24 numbers, and what comes before it gives 4")
dino = resnet(BasicBlock)
dino.head = nn.Module()
dino.head.mlp = nn.Sequential(nn.Linear(24, 12), nn.GELU(), nn.Linear(12, 6))
dino.head.last_layer = nn.Linear(6, 30, bias=False)
del dino.fc
refused("projection", dino, "a projection head as in DINO")
headless = resnet(BasicBlock)
del headless.fc
refused("body-alone", headless, "the body of a network alone")
refused("pool-unsaid", resnet(global_pool="catavgmax"), "say in which order (--arch pool=avg+max")
refused("wrong-stem", resnet(layers=(3, 4, 6, 3)), "has stem of three convolutions", "resnet50d")
refused("wrong-attention", resnet(layers=(3, 4, 6, 3)), "has attention (se), the file has none", "seresnet50")
refused("wrong-block", resnet(layers=(2, 2, 2, 2)), "has no bottlenecks, the file has", "resnet18")
case("named", deep(layers=(3, 4, 6, 3), avg_down=True, block_args=dict(attn_layer="se")), "seresnet50d")
refused("wrong-depth", resnet(), "has [3, 4, 6, 3] blocks in its stages, the file [1, 2, 1, 1]", "resnet50")
for network in ("regnetx_002", "convnext_atto"):
    refused(network, timm.create_model(network, num_classes=3), "others are read from ONNX files")
for network, reason in (
    ("resnest14d", "others are read from ONNX files"),
    ("skresnet18", "ONNX"),
    ("cspresnet50", "ONNX"),
):
    refused(network, timm.create_model(network, num_classes=3), reason)


refused(
    "ibn-wrong", instance_a(resnet()), "layer1.0.bn1 normalises", change=lambda name, shape: [2] if "bn1.IN" in name else shape)
spatial = resnet(BasicBlock, block_args=dict(attn_layer="cbam"))
refused("cbam", spatial, "attention layer1.0.se of tensors that are not those of a squeeze and excitation")

path = pathlib.Path(__file__).with_name("zoo.json")
text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path.write_text(f"[\n{text}\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
