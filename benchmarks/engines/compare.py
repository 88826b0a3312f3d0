"""Runs resnetd and its peers in turns and prints medians and ratios as a Markdown table.

Every measurement is a process of its own. The machine may be shared: rounds are interleaved, so
that a slow minute hits all engines alike, and ratios are taken within a round.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import network

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("onnxruntime", "openvino", "openvino-throughput")
OURS = ("resnetd", "resnetd-workers")
BATCHES = (1, 8)
PROCESS_SECOND_LIMIT = 300


def measure_peer(engine: str, path: pathlib.Path, batch: int, options) -> float:
    command = [
        sys.executable, str(HERE / "peer.py"), engine, str(path), str(batch),
        str(options.threads), str(options.seconds)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return float(done.stdout.split()[-1])


def measure_ours(engine: str, name: str, batch: int, options) -> float:
    """One batch over all threads, or a batch per thread as `resnetd serve` runs them."""
    threads, workers = (options.threads, 1) if engine == "resnetd" else (1, options.threads)
    command = [
        options.program, "bench", name, "--batch", str(batch), "--threads", str(threads),
        "--workers", str(workers), "--seconds", str(options.seconds), "--json"]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=PROCESS_SECOND_LIMIT)
    return images_per_second(json.loads(done.stdout), batch)


def images_per_second(report: dict, batch: int) -> float:
    for result in report["results"]:
        if result["batch"] == batch:
            return float(result["imagesPerSecond"])
    raise ValueError(f"no result for batch {batch} in {report}")


def columns(batch: int) -> list[str]:
    """Throughput mode fills the processor with single images, so it has no batch of 8."""
    peers = [peer for peer in PEERS if batch == 1 or peer != "openvino-throughput"]
    return [*OURS, *peers]


def measure(name: str, batch: int, path: pathlib.Path, options) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {engine: [] for engine in columns(batch)}
    for turn in range(options.rounds):
        # The order rotates too: whoever runs first after a pause meets a cooler processor.
        engines = columns(batch)
        shift = turn % len(engines)
        for engine in engines[shift:] + engines[:shift]:
            if engine in OURS:
                rate = measure_ours(engine, name, batch, options)
            else:
                rate = measure_peer(engine, path, batch, options)
            rates[engine].append(rate)
            print(f"{name} batch {batch} round {turn + 1}: {engine} {rate:.1f}",
                  file=sys.stderr, flush=True)
    return rates


def row(name: str, batch: int, rates: dict[str, list[float]]) -> str:
    """Medians in images/s, then the median of the ratios of our best to the best peer."""
    medians = {engine: statistics.median(values) for engine, values in rates.items()}
    best = max((engine for engine in medians if engine not in OURS), key=medians.__getitem__)
    our_best = max(OURS, key=medians.__getitem__)
    ratio = statistics.median(
        ours / theirs for ours, theirs in zip(rates[our_best], rates[best], strict=True))
    cells = [f"{medians[engine]:.1f}" if engine in medians else "-" for engine in (*OURS, *PEERS)]
    return f"| {name} | {batch} | {' | '.join(cells)} | {ratio:.2f} ({our_best} / {best}) |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--networks", default=",".join(network.NETWORKS))
    options = parser.parse_args()

    rows = []
    for name in options.networks.split(","):
        for batch in BATCHES:
            path = pathlib.Path(".cache/engines") / f"{name}-{batch}.onnx"
            if not path.exists():
                network.write(name, batch, path)
            rows.append(row(name, batch, measure(name, batch, path, options)))

    load = os.getloadavg()[0]
    print(f"fp32, {options.threads} threads, medians of {options.rounds} interleaved rounds of "
          f"{options.seconds:g} s, images/s; load average at the end {load:.1f}\n")
    print("| network | batch | resnetd | resnetd, workers | ONNX Runtime | OpenVINO, latency "
          "| OpenVINO, throughput | our best / best peer |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
