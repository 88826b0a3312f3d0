"""Runs Imaging and Pillow in turns over the benchmark's pictures and prints Markdown tables.

Every measurement is a process of its own, of one thread, and counts processor time, since the
machine may be shared. The order rotates from turn to turn, and a figure is the median of the turns'
medians.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys

import PIL
from PIL import Image, features

HERE = pathlib.Path(__file__).resolve().parent
SIDE = 256
CONTESTANTS = ("exact", "scaled", "plain", "draft")
NAMES = {"exact": "resnetd, exact", "scaled": "resnetd", "plain": "Pillow",
         "draft": "Pillow, `draft`"}
STEPS = ("decode", "resize", "prepare")
# Pixels decoded per contestant, step and turn; more for large pictures than their share.
PIXELS_PER_TURN = 40_000_000
ROUNDS = range(7, 200)
PROCESS_SECOND_LIMIT = 120


def numbers(command: list[str]) -> dict[str, float]:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def times(contestant: str, picture: pathlib.Path, program: str) -> dict[str, float]:
    with Image.open(picture) as image:
        width, height = image.size
    rounds = min(max(PIXELS_PER_TURN // (width * height), ROUNDS.start), ROUNDS.stop)
    is_ours = contestant in ("exact", "scaled")
    command = [program] if is_ours else [sys.executable, str(HERE / "pillow.py")]
    return numbers([*command, str(picture), str(SIDE * width // height), str(rounds), contestant])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()

    pictures = sorted(options.folder.glob("*.jpg"), key=lambda path: path.stat().st_size)
    found = {(picture, contestant): [] for picture in pictures for contestant in CONTESTANTS}
    for turn in range(options.turns):
        first = turn % len(CONTESTANTS)
        for picture in pictures:
            for contestant in CONTESTANTS[first:] + CONTESTANTS[:first]:
                found[picture, contestant].append(times(contestant, picture, options.program))

    print(f"Pillow {PIL.__version__} with libjpeg-turbo {features.version('libjpeg_turbo')}\n")
    print("| picture | | " + " | ".join(NAMES.values()) + " | resnetd / Pillow | / `draft` |")
    print("|---" * (4 + len(NAMES)) + "|")
    for picture in pictures:
        for step in STEPS:
            medians = {
                contestant: statistics.median(turn[step] for turn in found[picture, contestant])
                for contestant in CONTESTANTS}
            cells = [f"{value:.2f} ms" for value in medians.values()]
            cells += [f"{medians['scaled'] / medians[peer]:.2f}" for peer in ("plain", "draft")]
            print(f"| {picture.stem} | {step} | " + " | ".join(cells) + " |")
    print("\n| picture | mean | 99 of 100 within | largest |\n|---|---|---|---|")
    for picture in pictures:
        difference = numbers([options.program, str(picture), "difference"])
        print(f"| {picture.stem} | {difference['mean']:.2f} | {difference['p99']:.0f} "
              f"| {difference['max']:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
