"""Compares `resnetd serve` with LitServe and an engine, over JPEGs of two sizes.

First every peer is given its best setting, per size and number of connections. Then all servers are
up and, in turns, one of them has the processor while the others are stopped: closed loops, then
Poisson arrivals at shares of each server's own peak. Ratios are taken within a round. Prints
Markdown tables; exits with 1 when a bar is missed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

import load
import machine
import models
import pictures
import publish
import servers

OURS = "resnetd"
PEERS = {"LitServe + ONNX Runtime": "onnxruntime", "LitServe + OpenVINO": "openvino"}
CONNECTIONS = (1, 8, 64)
# The number of connections whose figures the bars are about, and whose setting the rest shares.
REFERENCE_CONNECTIONS = 8
SHARES = (0.3, 0.6, 0.9)
BATCH = 8
ENGINE_BATCHES = (1, 8)
OPEN_WARM_UP_SHARE = 0.25
BENCH_SECOND_LIMIT = 120
PACKAGES = ["litserve", "onnxruntime", "openvino", "pillow", "numpy"]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Comparison:
    """One run at one precision."""

    def __init__(self, options) -> None:
        self.options = options
        self.cores = machine.cores()
        self.models = models.Models(options.program, options.precision)
        self.requests = {size: [load.request(body) for body in bodies]
                         for size, bodies in self.models.pictures.items()}
        self.logs = models.FOLDER / "logs"
        self.logs.mkdir(exist_ok=True)
        self.names = [OURS, *PEERS]

    def server(self, name: str, setting: servers.Setting | None) -> servers.Server:
        if name == OURS:
            def command(port: int) -> list[str]:
                return servers.resnetd_command(
                    port, self.options.program, self.models.ours, self.models.labels,
                    self.models.precision_options)
        else:
            def command(port: int) -> list[str]:
                return servers.litserve_command(port, PEERS[name], self.models.onnx, setting)
        return servers.Server(command, self.logs / f"{name} {setting or ''}.txt".replace(" ", "-"))

    def ready(self, server: servers.Server, size: str) -> list[int]:
        """Waits for the server and returns its answer to every picture."""
        bodies = self.models.pictures[size]
        server.await_answer(bodies[0])
        return [server.classify(body)[0]["class"] for body in bodies]

    def candidates(self, size: str) -> list[servers.Setting]:
        one_each, shared = servers.Setting(self.cores, 1), servers.Setting(1, self.cores)
        if self.options.quick:
            return [one_each, shared]
        found = [one_each, shared, servers.Setting(1, self.cores, batch=BATCH),
                 servers.Setting(self.cores, 1, fast_queue=True)]
        if size == "large":
            found.append(servers.Setting(self.cores, 1, draft=False))
        return found

    def best_settings(self, name: str, size: str) -> dict[int, servers.Setting]:
        """The setting of most requests/s for each number of connections."""
        tried = [REFERENCE_CONNECTIONS] if self.options.quick else [1, REFERENCE_CONNECTIONS]
        rates: dict[int, dict[servers.Setting, float]] = {count: {} for count in tried}
        for setting in self.candidates(size):
            with self.server(name, setting) as server:
                self.ready(server, size)
                for count in tried:
                    rate = load.closed_loop(
                        server.port, self.requests[size], count, self.options.seconds / 2)["rate"]
                    rates[count][setting] = rate
                    say(f"{name}, {size}, {count} connections, {setting}: {rate:.1f}/s")
        best = {count: max(found, key=found.get) for count, found in rates.items()}
        return {count: best.get(count, best[REFERENCE_CONNECTIONS]) for count in CONNECTIONS}

    def measure(self, size: str) -> dict:
        settings = {name: {count: None for count in CONNECTIONS} if name == OURS
                    else self.best_settings(name, size) for name in self.names}
        self.agreement: dict[str, str] = {}
        with contextlib.ExitStack() as stack:
            up: dict[tuple, servers.Server] = {}
            for name in self.names:
                for setting in dict.fromkeys(settings[name].values()):
                    server = stack.enter_context(self.server(name, setting))
                    self.check(name, size, setting, self.ready(server, size))
                    server.pause()
                    up[name, setting] = server
            by_count = {count: {name: up[name, settings[name][count]] for name in self.names}
                        for count in CONNECTIONS}
            closed, ideals = self.closed_loops(size, by_count)
            peaks = {name: max(statistics.median(entry["rate"] for entry in closed[count][name])
                               for count in CONNECTIONS) for name in self.names}
            opened = self.open_loops(size, by_count[REFERENCE_CONNECTIONS], peaks)
        return {
            "pixels": pictures.SIZES[size],
            "bytes": statistics.mean(map(len, self.models.pictures[size])),
            "settings": {name: {str(count): str(setting) for count, setting in found.items()}
                         for name, found in settings.items() if name != OURS},
            "agreement": self.agreement, "peaks": peaks,
            "closed": {str(count): self.row(rounds) for count, rounds in closed.items()},
            "open": {str(share): self.row(rounds) for share, rounds in opened.items()},
            "ideal": self.ideal(closed, ideals)}

    def check(self, name: str, size: str, setting, answers: list[int]) -> None:
        """Full decoding in fp32 must give the reference's classes; what rounds more is reported."""
        expected = self.models.expected[size]
        count = sum(a == b for a, b in zip(answers, expected, strict=True))
        exact = self.options.precision == "fp32" and (
            size == "small" or (setting is not None and not setting.draft))
        if exact and count < len(expected):
            raise RuntimeError(f"{name} answers {answers} instead of {expected}")
        self.agreement[name] = f"{count} of {len(expected)}"

    def turns(self, turn: int) -> list[str]:
        """The order rotates, so that nobody is always the first after a pause."""
        shift = turn % len(self.names)
        return self.names[shift:] + self.names[:shift]

    def closed_loops(self, size: str, by_count: dict) -> tuple[dict, list[float]]:
        found = {count: {name: [] for name in self.names} for count in CONNECTIONS}
        engine_rates: list[float] = []
        for turn in range(self.options.rounds):
            for count in CONNECTIONS:
                for name in self.turns(turn):
                    with by_count[count][name].running() as server:
                        result = load.closed_loop(
                            server.port, self.requests[size], count, self.options.seconds)
                    found[count][name].append(result)
                    say(f"{size}, {count} connections, round {turn + 1}: {name} "
                        f"{result['rate']:.1f}/s, p99 {result['p99']:.0f} ms")
            if OURS in self.names:
                engine_rates.append(self.engine_rate())
        return found, engine_rates

    def open_loops(self, size: str, up: dict, peaks: dict[str, float]) -> dict:
        found = {share: {name: [] for name in self.names} for share in SHARES}
        for turn in range(self.options.rounds):
            for share in SHARES:
                for name in self.turns(turn):
                    with up[name].running() as server:
                        result = load.open_loop(
                            server.port, self.requests[size], share * peaks[name],
                            self.options.seconds * OPEN_WARM_UP_SHARE, self.options.seconds,
                            seed=turn + 1)
                    found[share][name].append(result)
                    say(f"{size}, {share:.0%} of the peak, round {turn + 1}: {name} "
                        f"{result['rate']:.1f}/s, p99 {result['p99']:.0f} ms")
        return found

    def engine_rate(self) -> float:
        """Images/s of the engine alone with serve's plan: a worker of one thread per core."""
        command = [
            self.options.program, "bench", str(self.models.ours), "--json",
            "--batch", ",".join(map(str, ENGINE_BATCHES)), "--threads", "1",
            "--workers", str(self.cores), "--seconds", f"{self.options.seconds / 2:g}s",
            *self.models.precision_options]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=BENCH_SECOND_LIMIT)
        return max(result["images_per_second"] for result in json.loads(done.stdout)["results"])

    def row(self, rounds: dict[str, list[dict]]) -> dict:
        """Medians of every figure, then ratios to the best peer, medians of the rounds' ratios."""
        keys = ("rate", "p50", "p99", "generator", "refused")
        row: dict = {"servers": {
            name: {key: statistics.median(entry[key] for entry in entries) for key in keys}
            for name, entries in rounds.items()}}
        def ratio(key: str, choose) -> float:
            best = choose(PEERS, key=lambda name: row["servers"][name][key])
            return statistics.median(
                ours[key] / theirs[key]
                for ours, theirs in zip(rounds[OURS], rounds[best], strict=True))

        return row | {"rate_ratio": ratio("rate", max), "p99_ratio": ratio("p99", min)}

    def ideal(self, closed: dict, engine_rates: list[float]) -> dict:
        """What decoding and the engine alone allow, and the server's share of it."""
        shares, decodes = [], []
        for turn, engine_rate in enumerate(engine_rates):
            # Decoded one at a time, next to nothing else.
            decode = closed[1][OURS][turn]["decode"] / 1000
            ideal = self.cores / (decode + self.cores / engine_rate)
            shares.append(closed[REFERENCE_CONNECTIONS][OURS][turn]["rate"] / ideal)
            decodes.append(decode)
        decode, engine_rate = statistics.median(decodes), statistics.median(engine_rates)
        return {"decode_ms": decode * 1000, "engine_rate": engine_rate,
                "rate": self.cores / (decode + self.cores / engine_rate),
                "share": statistics.median(shares)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--precision", choices=("fp32", "int8"), default="int8")
    parser.add_argument("--seconds", type=float, help="of each measurement (default 4)")
    parser.add_argument("--rounds", type=int, help="(default 3)")
    parser.add_argument("--quick", action="store_true", help="2 s, 1 round, fewer settings")
    parser.add_argument("--sizes", default=",".join(pictures.SIZES))
    parser.add_argument("--json", type=pathlib.Path,
                        help="(default .cache/results/servers-PRECISION.json)")
    parser.add_argument("--publish", action="store_true",
                        help="put tables and plot into docs/benchmarks.md")
    options = parser.parse_args()
    # Servers are groups of their own, which a signal to this one does not reach.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options.seconds = options.seconds or (2.0 if options.quick else 4.0)
    options.rounds = options.rounds or (1 if options.quick else 3)

    result = machine.description(options.program, PACKAGES)
    result |= {key: getattr(options, key) for key in ("precision", "seconds", "rounds")}
    comparison = Comparison(options)
    result["sizes"] = {size: comparison.measure(size) for size in options.sizes.split(",")}
    result["load_after"] = os.getloadavg()[0]
    result["bars"] = publish.server_bars(result)
    path = options.json or publish.RESULTS / f"servers-{options.precision}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1))
    print(publish.servers_text(result))
    if options.publish:
        publish.publish(f"servers-{options.precision}", result)
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


if __name__ == "__main__":
    sys.exit(main())
