"""Makes the pickles of this folder whose parameters are NumPy arrays; needs torch (made with 2.15) and numpy 2.4.

    python make-arrays.py

All hold the ResNet-8 of make.py. torch.save stores with protocol 2, in which bytes are strings of Latin-1.
"""

import pickle

import numpy as np
import torch

from make import folder, save, state


def arrays(change=lambda name, array: array):
    return {name: change(name, tensor.numpy()) for name, tensor in state().items()}


def of_several_types(name, array):
    """Fortran's order, half and double precision: the numbers are exact in all of them."""
    if array.ndim == 4:
        return np.asfortranarray(array, dtype=np.float16 if "layer1" in name else np.float32)
    if array.ndim == 2:
        return np.asfortranarray(array, dtype=np.float64)
    return array.astype(np.float16) if "bn1" in name and array.ndim else array


def write(name, value, protocol):
    (folder / name).write_bytes(pickle.dumps(value, protocol=protocol))


if __name__ == "__main__":
    write("arrays-2.pkl", arrays(), 2)
    write("arrays-4.pkl", {"model": arrays(of_several_types), "__author__": "make-arrays", "matching_heuristics": True}, 4)
    write("arrays-5.pkl", arrays(of_several_types), 5)
    # Beside the network what NumPy leaves in a training: passed over.
    save("arrays.pth", arrays(of_several_types) | {"epoch": np.int64(3), "best_acc": np.float32(76.5)})
    mixed = state() | {"best": np.float64(76.5), "history": np.arange(6.0)}
    mixed["fc.bias"] = mixed["fc.bias"].numpy()
    save("arrays-mixed.pth", mixed)
    write("arrays-big-endian.pkl", arrays(lambda name, array: array.astype(">f4")), 4)
    write("arrays-objects.pkl", arrays(lambda name, array: array.astype(object) if name == "fc.bias" else array), 2)
    write("arrays-scalar.pkl", arrays(lambda name, array: array[0] if name == "fc.bias" else array), 4)
    write("arrays-strings.pkl", {"fc.bias": np.array(["a"]), "fc.weight": np.zeros(3)}, 5)
