"""Makes the PyTorch files of this folder; needs torch (made with 2.15) and no network.

    python make.py

All hold the same ResNet-8 for 32x32 pictures (one basic block per stage, 2, 4 and 6 channels, option A, 3 classes,
torchvision's names) with the numbers of `number`, so that the tests know what to find without reading another file.
"""

import pathlib
from collections import OrderedDict

import torch

folder = pathlib.Path(__file__).parent


def number(name: str, index: int, shape) -> torch.Tensor:
    """Multiples of 1/8 between 1/8 and 2: exact in every element type."""
    count = torch.Size(shape).numel()
    values = (torch.arange(count) * 7 + index * 3 + len(name)) % 16 + 1
    return (values.float() / 8).reshape(shape)


def shapes():
    yield "conv1.weight", (2, 3, 3, 3)
    yield from normalization("bn1", 2)
    inputs = 2
    for stage, width in enumerate((2, 4, 6), start=1):
        block = f"layer{stage}.0"
        yield f"{block}.conv1.weight", (width, inputs, 3, 3)
        yield from normalization(f"{block}.bn1", width)
        yield f"{block}.conv2.weight", (width, width, 3, 3)
        yield from normalization(f"{block}.bn2", width)
        inputs = width
    yield "fc.weight", (3, inputs)
    yield "fc.bias", (3,)


def normalization(name, width):
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (width,)


def state(dtype=torch.float32, prefix="", classifier="fc"):
    tensors = OrderedDict()
    for index, (name, shape) in enumerate(shapes()):
        stored = prefix + name.replace("fc.", classifier + ".")
        tensors[stored] = number(name, index, shape).to(dtype)
        if name == "bn1.running_var":
            counter = stored.replace("running_var", "num_batches_tracked")
            tensors[counter] = torch.tensor(index)
    # What Module.state_dict() attaches, and pickle stores with BUILD.
    tensors._metadata = OrderedDict([("", {"version": 1})])
    return tensors


def strided():
    """The same numbers behind other strides, offsets and in shared storages."""
    tensors = state()
    for name, tensor in list(tensors.items()):
        if tensor.dim() == 4:
            tensors[name] = tensor.contiguous(memory_format=torch.channels_last)
        elif tensor.dim() == 2:
            tensors[name] = tensor.t().contiguous().t()
    names = [name for name, tensor in tensors.items() if tensor.dim() == 1]
    shared = torch.cat([tensors[name] for name in names])
    start = 0
    for name in names:
        count = tensors[name].numel()
        tensors[name] = shared[start : start + count]
        start += count
    return tensors


def save(name, value, **options):
    torch.save(value, folder / name, **options)


if __name__ == "__main__":
    older = {"_use_new_zipfile_serialization": False}
    save("zip.pth", state())
    save("stream.th", state(), **older)
    save("half.pt", state(torch.float16), **older)
    save("bfloat.pt", state(torch.bfloat16), **older)
    save("double.pt", state(torch.float64), **older)
    save("strided.pt", strided())
    save("strided-stream.pt", strided(), **older)
    parameters = OrderedDict(
        (name, torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
        for name, tensor in state().items()
    )
    save("parameters.pt", parameters, pickle_protocol=5)
    training = {
        "epoch": 3,
        "arch": "resnet8",
        "best_prec1": torch.tensor(76.5),
        "history": [(1, 0.5), (2, 0.25)],
        "state_dict": state(prefix="module.", classifier="linear"),
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]},
    }
    save("training.pth.tar", training, **older)
