"""Model files that no administrator should have to fear."""

import io
import json
import struct
import zipfile

LENGTH_BYTE_COUNT = 8


def with_golden(model: bytes, picture: bytes) -> bytes:
    """A model file whose first golden picture is another one."""
    length = struct.unpack_from("<Q", model)[0]
    start = LENGTH_BYTE_COUNT + length
    header = json.loads(model[LENGTH_BYTE_COUNT:start])
    data, offset = [], 0
    for name, entry in sorted(
            ((name, entry) for name, entry in header.items() if name != "__metadata__"),
            key=lambda item: item[1]["data_offsets"]):
        first, end = entry["data_offsets"]
        content = model[start + first:start + end]
        if name == "golden.0.image":
            content, entry["shape"] = picture, [len(picture)]
        entry["data_offsets"] = [offset, offset + len(content)]
        offset += len(content)
        data.append(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data)


def safetensors(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


def archive(pickle: bytes, *others: tuple[str, bytes], compressed: bool = False) -> bytes:
    """A file as torch.save makes it."""
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", kind) as file:
        file.writestr("archive/data.pkl", pickle)
        for name, content in others:
            file.writestr(name, content)
    return out.getvalue()


def laughs(depth: int) -> bytes:
    """Lists of ten times the list before, by memo."""
    out = b"\x80\x02]"
    for number in range(depth):
        out += b"q" + bytes([number]) + b"](" + b"h" + bytes([number])
        out += (b"h" + bytes([number])) * 9 + b"e"
    return out + b"."


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    def varint(value: int) -> bytes:
        out = b""
        while value > 127:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx(*graph: bytes) -> bytes:
    return field(1, 8) + field(7, b"".join(graph)) + field(8, field(2, 17))


def nested_onnx() -> bytes:
    deep = field(1, b"x") + field(2, b"y") + field(4, b"Identity")
    for _ in range(200):
        branch = field(1, b"then_branch") + field(20, 5) + field(6, field(1, deep))
        deep = field(1, b"x") + field(4, b"If") + field(5, branch)
    return onnx(field(1, deep))


def many_tensors() -> bytes:
    entries = (f'"t{number}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
               for number in range(200_000))
    return safetensors(b"{" + ",".join(entries).encode() + b"}") + bytes(4)


HUGE = (b'{"conv1.weight":{"dtype":"F32","shape":[1099511627776,1048576],'
        b'"data_offsets":[0,4611686018427387904]}}')
HUGE_TENSOR = field(1, 1 << 40) + field(1, 1 << 20) + field(2, 1) + field(8, b"w")
NODE = field(1, b"x") + field(2, b"y") + field(4, b"Identity")
HOSTILE = {
    "compressed archive": lambda: archive(
        laughs(3), ("archive/data/0", bytes(300 << 20)), compressed=True),
    "pickle of laughs": lambda: archive(laughs(60)),
    "pickle without an end": lambda: archive(b"\x80\x02" + b"(" * 4_000_000),
    "pickle of a program": lambda: archive(b"\x80\x02cos\nsystem\nX\4\0\0\0true\x85R."),
    "safetensors of 2^62 bytes": lambda: safetensors(b"{}", 1 << 62),
    "safetensors of huge tensors": lambda: safetensors(HUGE) + bytes(64),
    "safetensors of many tensors": many_tensors,
    "safetensors nested": lambda: safetensors(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "ONNX of huge tensors": lambda: onnx(field(5, HUGE_TENSOR)),
    "ONNX nested": nested_onnx,
    "ONNX of many nodes": lambda: onnx(field(1, NODE) * 500_000),
}
