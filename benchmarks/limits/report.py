"""Sets the speed of networks against the limits of the machine.

Each limit is measured in turns, before the networks and after them. Where the turns disagree by
more than a tenth the machine is busy: the tables are not printed, and the exit code is 3.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import machine
import publish

# Billions of products in the convolutions and the linear layer for one image.
PRODUCTS = {"resnet18": 1.814, "resnet34": 3.664, "resnet50": 4.089, "resnet152": 11.51}
NOISE_LIMIT = 0.1
# Which products a precision is computed by, from the best instructions down; names as
# `resnetd bench --json` and limits.c give them.
KINDS = {
    "fp32": (("avx512", "fp32 avx512"), ("avx2", "fp32 avx2")),
    "bf16": (("avx512_amx", "bf16 amx"), ("avx512_bf16", "bf16 avx512")),
    "int8": (("avx512_amx", "int8 amx"), ("avx512_vnni", "int8 avx512_vnni"),
             ("avx2_vnni", "int8 avx_vnni"), ("avx2", "int8 avx2")),
}
LEVELS = ("avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16", "avx512_amx")


def kind(precision: str, level: str) -> str | None:
    """The products that the engine has at a level; AVX-512 does not include `avx2_vnni`."""
    for needed, name in KINDS[precision]:
        if needed not in LEVELS or level not in LEVELS:
            return None
        if needed == "avx2_vnni":
            if level == needed:
                return name
        elif LEVELS.index(level) >= LEVELS.index(needed):
            return name
    return None


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(program: str, threads: int, turns: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for line in output([program, str(threads), str(turns)]).splitlines():
        name, _, _, figure = line.split("\t")
        found.setdefault(name, []).append(float(figure))
    return found


def bench(options, network: str, precision: str, threads: int) -> tuple[float, str]:
    """Images/s of a worker per core, and the instructions that the engine uses."""
    result = json.loads(output([
        options.program, "bench", network, "--batch", str(options.batch), "--threads", "1",
        "--workers", str(threads), "--seconds", f"{options.seconds:g}s", "--precision", precision,
        "--json"]))
    return result["results"][0]["images_per_second"], result["instructions"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--limits", required=True)
    parser.add_argument("--networks", default="resnet18,resnet50")
    parser.add_argument("--precisions", default=",".join(publish.PRECISIONS))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", help="default: 1 and as many as there are cores")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()

    result = machine.description(options.program, [])
    counts = sorted(map(int, options.threads.split(",")) if options.threads
                    else {1, machine.cores()})
    limits = {count: measure(options.limits, count, options.turns) for count in counts}
    rows = []
    for count in counts:
        for precision in options.precisions.split(","):
            for network in options.networks.split(","):
                try:
                    rate, level = bench(options, network, precision, count)
                except subprocess.CalledProcessError as error:
                    print(f"{network}, {precision}: {error.stderr.strip()}", file=sys.stderr)
                    continue
                if name := kind(precision, level):
                    rows.append((network, precision, count, rate, name))
    for count in counts:
        for name, figures in measure(options.limits, count, options.turns).items():
            limits[count][name] += figures
    result["load_after"] = os.getloadavg()[0]

    noisy = [f"{name} on {count}: {min(figures):.4g} to {max(figures):.4g}"
             for count, found in limits.items() for name, figures in found.items()
             if statistics.median(figures) < (1 - NOISE_LIMIT) * max(figures)]
    if noisy:
        print("the machine is too busy for figures: medians lie more than a tenth below the best "
              "turns (" + "; ".join(noisy) + ")", file=sys.stderr)
        sys.exit(3)
    best = {count: {name: max(figures) for name, figures in found.items()}
            for count, found in limits.items()}
    print(publish.machine_line(result) + "\n")
    print(publish.table(
        ["billions of products a second; memory: GB/s",
         *(f"{count} core{'s' * (count > 1)}" for count in counts)],
        [[name, *(publish.number(best[count][name]) for count in counts)]
         for name in best[counts[0]]]))
    print(f"\nBatches of {options.batch}, a worker per core:\n")
    print(publish.table(
        ["network", "precision", "cores", "images/s", "products, billions a second",
         "of this limit", "share"],
        [[network, precision, str(count), publish.number(rate),
          publish.number(rate * PRODUCTS[network]), name,
          f"{rate * PRODUCTS[network] / best[count][name]:.0%}"]
         for network, precision, count, rate, name in rows]))


if __name__ == "__main__":
    main()
