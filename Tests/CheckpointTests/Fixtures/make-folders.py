"""Makes the folder fixtures as Hugging Face and timm publish models; needs torch, transformers and timm.

    python make-folders.py            (made with torch 2.15, transformers 5.24, timm 1.0.31)

Networks are a few channels wide; their weights are random, with running statistics that matter.
"""

import json
import pathlib
import shutil

import safetensors.torch
import timm
import torch
import transformers
from timm.models import save_for_hf
from timm.models.resnet import BasicBlock, ResNet

from torch_fixture import prepared

folder = pathlib.Path(__file__).parent / "folders"
LABELS = {0: "cat", 1: "dog", 2: "hen"}


def hugging_face(name, shard="10GB", processor=None, **options):
    torch.manual_seed(1)
    config = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic",
        id2label=LABELS, label2id={v: k for k, v in LABELS.items()}) if not options else (
        transformers.ResNetConfig(
            embedding_size=64, hidden_sizes=[8, 16], depths=[1, 2], id2label=LABELS,
            label2id={v: k for k, v in LABELS.items()}, **options))
    network = prepared(transformers.ResNetForImageClassification(config))
    network.save_pretrained(folder / name, max_shard_size=shard)
    processor = processor or transformers.ConvNextImageProcessor(
        size={"shortest_edge": 224}, crop_pct=0.875, resample=3)
    processor.save_pretrained(folder / name)
    return network


def bit(name):
    torch.manual_seed(3)
    config = transformers.BitConfig(
        embedding_size=8, hidden_sizes=[16, 16], depths=[1, 1], num_groups=4, id2label=LABELS,
        label2id={v: k for k, v in LABELS.items()})
    network = prepared(transformers.BitForImageClassification(config))
    network.save_pretrained(folder / name)
    transformers.BitImageProcessor().save_pretrained(folder / name)


def with_timm(name):
    torch.manual_seed(2)
    network = prepared(ResNet(BasicBlock, [1, 1, 1, 1], num_classes=3, channels=(4, 4, 8, 8)))
    network.pretrained_cfg = timm.models.resnet._cfg(
        url="", crop_pct=0.95, interpolation="bicubic", input_size=(3, 192, 192), num_classes=3,
        architecture="resnet18", tag="made")
    save_for_hf(network, folder / name, model_config={"label_names": list(LABELS.values())},
                model_args={"layers": [1, 1, 1, 1], "in_chans": 3, "num_classes": 3,
                            "global_pool": "avg"}, safe_serialization=True)
    return network


def in_pytorch_files(name, source):
    """The weights of another folder as transformers wrote them before safetensors: two files and an index."""
    target = folder / name
    target.mkdir(exist_ok=True)
    tensors = safetensors.torch.load_file(folder / source / "model.safetensors")
    names = sorted(tensors)
    places = {}
    for index, part in enumerate([names[::2], names[1::2]], start=1):
        file = f"pytorch_model-{index:05}-of-00002.bin"
        torch.save({name: tensors[name] for name in part}, target / file)
        places |= dict.fromkeys(part, file)
    size = sum(tensor.nbytes for tensor in tensors.values())
    (target / "pytorch_model.bin.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": places}, indent=2) + "\n")
    for description in ("config.json", "preprocessor_config.json"):
        shutil.copy(folder / source / description, target)


if __name__ == "__main__":
    folder.mkdir(exist_ok=True)
    hugging_face("hugging-face")
    hugging_face("shards", shard="45KB",
                 processor=transformers.ViTImageProcessor(size={"height": 96, "width": 96}))
    hugging_face("strides", downsample_in_bottleneck=True)
    bit("bit")
    in_pytorch_files("pytorch-shards", "hugging-face")
    with_timm("timm")
    for path in folder.glob("*/README.md"):
        path.unlink()
