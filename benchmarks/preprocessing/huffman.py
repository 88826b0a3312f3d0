"""Times both decoders of Huffman codes over the benchmark's pictures and prints a Markdown table.

The pictures are also stored with restarts and as progressive JPEGs, and as small ones. Each
measurement is of one thread and counts processor time; both decoders take turns within a process,
and a ratio is that of neighbours.
"""

import argparse
import io
import pathlib
import platform
import subprocess
import sys
import tempfile

from PIL import Image

SMALL_SIDES = (32, 64, 128, 224)
SMALL_QUALITY = 90
PROCESS_SECOND_LIMIT = 600


def cpu() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def stored(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def cases(folder: pathlib.Path, more: list[pathlib.Path]) -> list[tuple[str, bytes, int]]:
    """Name, JPEG and scale of each row."""
    found = []
    pictures = sorted(folder.glob("*.jpg"), key=lambda path: path.stat().st_size)
    with Image.open(pictures[0]) as image:
        for side in SMALL_SIDES:
            small = image.resize((side, side), Image.Resampling.BOX)
            found.append((f"{side}x{side}", stored(small, quality=SMALL_QUALITY), 1))
    for path in [*pictures, *more]:
        with Image.open(path) as image:
            scales = [1] + [scale for scale in (2, 4) if min(image.size) >= 2 * 256 * scale][-1:]
            forms = [("", path.read_bytes())]
            if path in pictures:
                forms += [
                    (", restarts", stored(image, quality="keep", restart_marker_rows=1)),
                    (", progressive", stored(image, quality="keep", progressive=True))]
        found += [
            (path.stem + form, data, scale) for form, data in forms for scale in scales]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("more", type=pathlib.Path, nargs="*")
    options = parser.parse_args()

    print(f"{cpu()}\n")
    print("| JPEG | bytes | scale | libjpeg-turbo | own | ratio, spread | chosen |")
    print("|---|---|---|---|---|---|---|")
    for name, data, scale in cases(options.folder, options.more):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(data)
            file.flush()
            done = subprocess.run(
                [options.program, file.name, "huffman", str(scale), str(options.rounds)],
                check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
        figure = {key: float(value) for key, value in map(str.split, done.stdout.splitlines())}
        digits = 3 if figure["library"] < 1 else 2
        print(
            f"| {name} | {len(data)} | 1/{scale} | {figure['library']:.{digits}f} ms "
            f"| {figure['own']:.{digits}f} ms | {figure['ratio']:.2f}, {figure['low']:.2f} to "
            f"{figure['high']:.2f} | {figure['chosen']:.{digits}f} ms |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
