"""Compares networks of torchvision and timm, with random weights, with PyTorch.

usage: networks-torch.py PROGRAM torchvision|timm|others [NETWORK…]

`others` are networks beyond the residual family, one export each; a name with "tv_" before it is
torchvision's.
"""

import pathlib
import sys
import warnings

import numpy
import timm
import torch
import torchvision
from network_comparison import CLASSES, Comparison, normalizations, operator_set
from safetensors.torch import save_file

warnings.filterwarnings("ignore")
SIZE = 224
NETWORKS = {
    "torchvision": ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"],
    "timm": [
        "resnet26d", "resnet50d", "seresnet50", "seresnext26d_32x4d", "resnext50_32x4d",
        "resnetv2_50", "ecaresnet26t", "legacy_seresnet18", "res2net50_26w_4s",
        "regnety_002", "densenet121", "mobilenetv3_small_100",
    ],
    "others": """
        tv_alexnet tv_vgg11_bn tv_vgg16 tv_squeezenet1_1 tv_googlenet tv_inception_v3
        tv_shufflenet_v2_x0_5 tv_mobilenet_v2 tv_mnasnet0_5 tv_efficientnet_b0
        tv_efficientnet_v2_s tv_regnet_y_400mf tv_convnext_tiny
        resnetv2_50x1_bit resnet50_gn skresnet18 resnest14d resnetblur50 resnetaa50 res2next50
        cspresnet50 cspdarknet53 darknet53 dla34 dm_nfnet_f0 eca_nfnet_l0 gernet_s ghostnet_100
        hrnet_w18_small mixnet_s repvgg_a2 rexnet_100 selecsls42b tresnet_m vovnet39a xception41
        convnext_atto convmixer_768_32 resnet33ts resnetrs50 tf_efficientnet_b0
        mobilenetv4_conv_small poolformer_s12 inception_next_atto inception_resnet_v2
        hardcorenas_a fbnetv3_b lcnet_050 regnetz_005 nf_resnet50""".split(),
}
OPSETS = {"torchvision": (11, 13, 17), "timm": (13, 17), "others": (13,)}


def network(family, name):
    """Seeded; running statistics are such that leaving them out would show."""
    torch.manual_seed(0)
    if family == "torchvision" or name.startswith("tv_"):
        name = name.removeprefix("tv_")
        heads = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        made = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **heads)
    else:
        made = timm.create_model(name, pretrained=False, num_classes=CLASSES)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return made.eval()


def export(made, pictures, file, opset, folded):
    modes = torch.onnx.TrainingMode
    torch.onnx.export(
        made, pictures[:1], file, opset_version=opset, dynamo=False, do_constant_folding=folded,
        training=modes.EVAL if folded else modes.PRESERVE, input_names=["input"],
        output_names=["logits"], dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}})


def export_by_default(made, pictures, file):
    """As PyTorch exports when nothing is chosen: by torch.export, weights in a second file."""
    torch.onnx.export(
        made, (pictures,), file, verbose=False, input_names=["input"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))


def main():
    program, family, *names = sys.argv[1:]
    comparison = Comparison(program)
    pictures = comparison.pictures(SIZE)
    for name in names or NETWORKS[family]:
        made = network(family, name)
        with torch.no_grad():
            expected = made(torch.from_numpy(pictures)).numpy().astype(numpy.float64)

        def compare(kind, file):
            comparison.compare(name, kind, file, pictures, expected)

        for opset in OPSETS[family]:
            counts = {}
            for folded in (True,) if family == "others" else (True, False):
                file = comparison.path("model.onnx")
                export(made, torch.from_numpy(pictures), file, opset, folded)
                counts[folded] = normalizations(file)
                compare(f"ONNX {opset}, {counts[folded]} BatchNormalization", file)
            if counts.get(False, sys.maxsize) <= counts[True]:
                raise SystemExit(f"{name}: both exports of set {opset} fold alike: {counts}")
        if family == "others":
            continue
        file = comparison.path("model.onnx")
        export_by_default(made, torch.from_numpy(pictures), file)
        compare(f"ONNX {operator_set(file)} by torch.export", file)
        pathlib.Path(file + ".data").unlink()
        if family == "torchvision":
            torch.save(made.state_dict(), comparison.path("model.pth"))
            compare(".pth", comparison.path("model.pth"))
            save_file(made.state_dict(), comparison.path("model.safetensors"))
            compare(".safetensors", comparison.path("model.safetensors"))
    return comparison.end()


sys.exit(main())
