"""Makes the checkpoints of this folder that hold more than tensors; needs torch (made with 2.15), numpy 2 and omegaconf.

    python make-extras.py

All hold the ResNet-8 of make.py, with what training programs store beside it.
"""

import argparse
import collections
import datetime
import enum
import pathlib
import sys
import types

import numpy as np
import torch

from make import folder, save, state


class Phase(enum.Enum):
    LAST = 2


class Settings:
    """A class that nobody who reads the file has."""

    def __init__(self):
        self.rate = 0.1
        self.folder = pathlib.PurePosixPath("/data/run")


def training():
    """What torch's own schedulers and optimisers keep: MultiStepLR has a Counter of its milestones."""
    parameter = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60, 60])
    parameter.sum().backward()
    optimizer.step()
    scheduler.step()
    return {"epoch": 3, "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict()}


def extras():
    module = types.ModuleType("trainer")
    module.Settings, module.Phase = Settings, Phase
    sys.modules["trainer"] = module
    Settings.__module__ = Phase.__module__ = "trainer"
    complex_numbers = torch.zeros(2, dtype=torch.complex64)
    return {
        "args": argparse.Namespace(lr=0.1, out=pathlib.PosixPath("/tmp"), milestones={30, 60}),
        "best": np.float64(76.5),
        "history": np.arange(6.0).reshape(2, 3),
        "counts": collections.Counter("abc"),
        "tree": collections.defaultdict(list, {"a": [1]}),
        "started": datetime.datetime(2024, 2, 29, 12, 30),
        "took": datetime.timedelta(hours=3),
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "size": torch.Size([3, 224, 224]),
        "generator": torch.get_rng_state(),
        "spectrum": complex_numbers,
        "sparse": torch.eye(2).to_sparse(),
        "phase": Phase.LAST,
        "settings": Settings(),
        "loss": torch.nn.CrossEntropyLoss(),
        "optimizer_class": torch.optim.SGD,
        "scheduler": torch.optim.lr_scheduler.MultiStepLR,
        "big": 2**80,
        "range": range(3),
        "frozen": frozenset({1, 2}),
        "bytes": bytearray(b"abc"),
    }


if __name__ == "__main__":
    save("multistep.pth", training() | {"state_dict": state()})
    older = {"_use_new_zipfile_serialization": False}
    save("extras.pth", extras() | {"state_dict": state()})
    save("extras-stream.pth", extras() | {"state_dict": state()}, **older)
    # A tensor with an attribute, which torch stores by another function, and one of a subclass.
    tensors = state()
    tensors["fc.bias"].note = "mine"
    save("attributes.pth", tensors)
    arrays = state()
    arrays["fc.bias"] = arrays["fc.bias"].numpy()
    save("array.pth", arrays)
    subclass = type("Scaled", (torch.Tensor,), {"__module__": "trainer"})
    sys.modules["trainer"].Scaled = subclass
    scaled = state()
    scaled["fc.bias"] = scaled["fc.bias"].as_subclass(subclass)
    save("subclass.pth", scaled)
    quantized = state()
    quantized["fc.weight"] = torch.quantize_per_tensor(quantized["fc.weight"], 0.125, 0, torch.qint8)
    save("quantized.pth", quantized)
    whole = torch.nn.Sequential(torch.nn.Linear(2, 1))
    save("whole.pth", whole)
    save("whole-stream.pth", {"epoch": 1, "model": whole}, **older)
