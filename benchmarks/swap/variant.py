"""Makes another model out of a model file: the last layer's rows moved by one class.

The answers differ in every picture, and the golden samples move along, so that they still hold.
"""

import json
import pathlib
import struct

LENGTH_BYTE_COUNT = 8


def is_by_class(name: str) -> bool:
    return name.startswith("fc.") or (name.startswith("golden.") and name.endswith(".logits"))


def write(source: pathlib.Path, destination: pathlib.Path) -> None:
    content = bytearray(source.read_bytes())
    length = struct.unpack_from("<Q", content)[0]
    start = LENGTH_BYTE_COUNT + length
    header = json.loads(content[LENGTH_BYTE_COUNT:start])
    for name, entry in header.items():
        if not is_by_class(name):
            continue
        first, end = (start + offset for offset in entry["data_offsets"])
        row = (end - first) // entry["shape"][0]
        content[first:end] = content[end - row:end] + content[first:end - row]
    destination.write_bytes(content)
