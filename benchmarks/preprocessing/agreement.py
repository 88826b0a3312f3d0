"""Classifies enlarged pictures by two model files that differ in `exact` alone; counts agreement.

The folder holds one folder per class; class indices follow their alphabetical order.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys

from PIL import Image

SIDES = (500, 1500)
QUALITY = 90
# Pictures that lie on the disk at once.
CHUNK = 50
PROCESS_SECOND_LIMIT = 120


def write_model(source: pathlib.Path, target: pathlib.Path, exact: bool) -> None:
    """The safetensors file with another contract: a length, a JSON header, the tensors' bytes."""
    data = source.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    document = json.loads(header["__metadata__"]["resnetd"])
    document["preprocessing"]["exact"] = exact
    header["__metadata__"]["resnetd"] = json.dumps(document)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def classes_of(program: str, model: pathlib.Path, files: list[pathlib.Path]) -> list[int]:
    command = [
        program, "classify", "--model", str(model), "--top-k", "1", "--json", *map(str, files)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return [result["predictions"][0]["class"] for result in json.loads(done.stdout)["results"]]


def enlarge(path: pathlib.Path, side: int, target: pathlib.Path) -> None:
    with Image.open(path) as picture:
        large = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    large.save(target, "JPEG", quality=QUALITY)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=1000, help="pictures (default 1000)")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()

    models = {exact: options.scratch / f"exact-{exact}.safetensors" for exact in (True, False)}
    for exact, path in models.items():
        write_model(options.model, path, exact)
    names = sorted(path.name for path in options.folder.iterdir() if path.is_dir())
    per_class = -(-options.count // len(names))
    pictures = [(label, path) for label, name in enumerate(names)
                for path in sorted((options.folder / name).glob("*.jpg"))[:per_class]]
    print("| enlarged to | pictures | same answer | right, whole | right, smaller |")
    print("|---|---|---|---|---|")
    for side in SIDES:
        same, right = 0, {True: 0, False: 0}
        for start in range(0, len(pictures), CHUNK):
            chunk = pictures[start : start + CHUNK]
            files = [options.scratch / f"{index}.jpg" for index in range(len(chunk))]
            for (_, path), file in zip(chunk, files):
                enlarge(path, side, file)
            answers = {exact: classes_of(options.program, path, files)
                       for exact, path in models.items()}
            same += sum(map(int.__eq__, answers[True], answers[False]))
            for exact, found in answers.items():
                right[exact] += sum(label == answer for (label, _), answer in zip(chunk, found))
        print(f"| {side}x{side} | {len(pictures)} | {same} | {right[True]} | {right[False]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
