"""Soaks a server in short, broken and slow connections and swaps; everything must stay flat.

Prints Markdown tables, writes JSON; exits with 1 when a bound is missed. MB are 10^6 bytes.
"""

import argparse
import hashlib
import itertools
import multiprocessing
import pathlib
import statistics
import sys
import tempfile
import time

import load
import machine
import variant
import watched
import wire
from kinds import KINDS, ROOT

EMBEDDED = ROOT / "Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
TOKEN = "soaked"
CONNECTION_COUNT = 500_000
QUICK_CONNECTION_COUNT = 40_000
MINUTES, QUICK_MINUTES = 60.0, 2.5
SAMPLE_SECONDS, QUICK_SAMPLE_SECONDS = 5.0, 2.0
PROCESS_COUNT, THREAD_COUNT = 2, 6
SETTLE_SECOND_LIMIT = 20

# What a series may grow by over the second half: the larger of a part of its median and so much.
DRIFT_BOUNDS = {
    "processor_ms": (0.2, 0.05),
    "rss_mb": (0.05, 5), "pss_mb": (0.05, 5), "children_rss_mb": (0.05, 5),
    "descriptors": (0, 8), "threads": (0, 2), "children": (0, 1),
    "livez_ms": (0.5, 1), "probe_ms": (0.5, 1), "picture_ms": (0.5, 4),
}
# The connections that came last may cost so much of those in the middle.
COST_FACTOR_BOUND = 1.25
LIVEZ_P99_BOUND_MS = 50.0
MADE_SHARE_BOUND = 0.95
# Once all have gone, by what was there before the first came.
SETTLED_BOUNDS = {"descriptors": 2, "threads": 2}


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def slope(points: list[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs (Theil and Sen): a lone peak moves it little."""
    slopes = [(y2 - y1) / (x2 - x1)
              for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


class Table:
    def __init__(self) -> None:
        self.rows: list[str] = []
        self.missed: list[str] = []

    def add(self, what: str, value: str, bound: str = "", holds: bool = True) -> None:
        if not holds:
            self.missed.append(what)
        self.rows.append(f"| {what} | {value} | {bound}{'' if holds else ' (missed)'} |")

    def text(self) -> str:
        return "\n".join(["| what | measured | bound |", "|---|---|---|", *self.rows])


def versions(server: watched.Watched, folder: pathlib.Path) -> tuple[list[str], pathlib.Path]:
    """Uploads two models that answer otherwise; their versions."""
    moved = folder / "moved.safetensors"
    variant.write(EMBEDDED, moved)
    found = []
    for path in (moved, EMBEDDED):
        content = path.read_bytes()
        status = wire.exchange(server.admin_port, wire.head(
            "PUT", "/admin/model", f"Authorization: Bearer {TOKEN}",
            f"Content-Length: {len(content)}") + content, load.ANSWER_SECONDS)
        # The embedded model may be the one that is live.
        if status not in (200, 409):
            raise RuntimeError(f"the upload of {path.name} was answered {status}")
        found.append(hashlib.sha256(content).hexdigest())
    return found, moved


def window(before: dict, after: dict, counts: dict, times: dict, seconds: float) -> dict:
    """One sample: what the connections since the last one cost and took."""
    made = sum(counts[kind.name] for kind in KINDS)
    spent = after["processor_seconds"] - before["processor_seconds"]
    return after | {
        "connections": made, "connections_per_second": made / seconds,
        "processor_ms": spent / made * 1000 if made else None,
        "per_second": {kind: count / seconds for kind, count in counts.items()},
        "median_ms": {
            kind: statistics.median(values) * 1000 for kind, values in times.items() if values},
        "livez_ms": percentile(times.get("livez", []), 0.5) * 1000,
        "livez_p99_ms": percentile(times.get("livez", []), 0.99) * 1000,
        "probe_ms": percentile(times.get("probe", []), 0.5) * 1000,
        "picture_ms": percentile(times.get("picture", []), 0.5) * 1000}


def soak(server: watched.Watched, arguments: argparse.Namespace, folder: pathlib.Path) -> dict:
    known, model = versions(server, folder)
    idle = watched.sample(server.pid)
    seconds = arguments.minutes * 60
    results: multiprocessing.Queue = multiprocessing.Queue()
    share = arguments.connections // PROCESS_COUNT
    work = [multiprocessing.Process(target=load.connections, args=(
        server.port, share, seconds, THREAD_COUNT, number, results))
        for number in range(PROCESS_COUNT)]
    work += [multiprocessing.Process(target=target, args=(*parameters, seconds, results))
             for target, parameters in (
                 (load.slow, (server.port,)), (load.probes, (server.port,)),
                 (load.administration, (server.admin_port, TOKEN, known, model)))]
    collected = load.Collected(results)
    samples, livez = [], []
    start = then = time.monotonic()
    for process in work:
        process.start()
    before = idle
    while time.monotonic() - start < seconds and server.lives():
        time.sleep(min(arguments.sample_seconds, max(0.1, start + seconds - time.monotonic())))
        now = time.monotonic()
        try:
            after = watched.sample(server.pid)
        except (OSError, TypeError):
            break
        counts, times = collected.take()
        livez += times.get("livez", [])
        if sum(counts.values()):
            samples.append(window(before, after, counts, times, now - then)
                           | {"second": now - start})
            show(samples[-1])
        before, then = after, now
    finish(work, server, collected)
    settled = settle(server, idle)
    return {"idle": idle, "settled": settled, "samples": samples, "end": server.end(),
            "counts": dict(collected.counts), "failures": dict(collected.failures),
            "livez_p99_ms": percentile(livez, 0.99) * 1000}


def finish(work: list, server: watched.Watched, collected: load.Collected) -> None:
    deadline = time.monotonic() + load.ANSWER_SECONDS
    while any(process.is_alive() for process in work):
        collected.take()
        if not server.lives() or time.monotonic() > deadline:
            for process in work:
                process.terminate()
        time.sleep(0.1)
    collected.take()


def settle(server: watched.Watched, idle: dict) -> dict | None:
    """What is left once all connections have gone."""
    deadline = time.monotonic() + SETTLE_SECOND_LIMIT
    while server.lives():
        try:
            now = watched.sample(server.pid)
        except (OSError, TypeError):
            break
        if time.monotonic() > deadline or all(
                now[name] <= idle[name] + bound for name, bound in SETTLED_BOUNDS.items()):
            return now
        time.sleep(0.25)
    return None


def show(sample: dict) -> None:
    print("{second:6.0f} s {connections_per_second:7.1f}/s {processor_ms:6.2f} ms each"
          "  {rss_mb:6.1f} MB +{children_rss_mb:5.1f}  {descriptors:4d} fd {threads:3d} threads"
          "  livez {livez_ms:.1f}/{livez_p99_ms:.1f} ms".format(
              **sample | {"processor_ms": sample["processor_ms"] or 0.0}), file=sys.stderr)


def judge(found: dict, arguments: argparse.Namespace) -> Table:
    table, samples = Table(), found["samples"]
    made = sum(found["counts"].get(kind.name, 0) for kind in KINDS)
    table.add("the process", found["end"], "lives", found["end"] == "lives")
    table.add("connections", f"{made:,}", f"{arguments.connections:,}",
              made >= MADE_SHARE_BOUND * arguments.connections)
    failures = found["failures"]
    shown = ", ".join(f"{what} x {count}" for what, count in list(failures.items())[:12])
    table.add("answers that nobody asked for", shown or "0", "0", not failures)
    # Of what there is, where it ended before its time.
    span = samples[-1]["second"] / 2 if samples else 0.0
    second_half = [each for each in samples if each["second"] > span and each["processor_ms"]]
    for name, (part, amount) in DRIFT_BOUNDS.items():
        points = [(each["second"], each[name]) for each in second_half]
        middle = statistics.median([y for _, y in points]) if points else 0.0
        drift, bound = slope(points) * span, max(part * middle, amount)
        table.add(f"{name}: median, and growth over the second half",
                  f"{middle:.2f}, {drift:+.2f}" if points else "no sample", f"+{bound:.2f}",
                  bool(points) and drift <= bound)
    costs = [each["processor_ms"] for each in samples if each["processor_ms"]]
    fifth = max(1, len(costs) // 5)
    first, last = (statistics.median(part) if part else 0.0
                   for part in (costs[fifth:2 * fifth] or costs, costs[-fifth:]))
    table.add("processor ms per connection, second and last fifth", f"{first:.2f}, {last:.2f}",
              f"x {COST_FACTOR_BOUND:g}", last <= COST_FACTOR_BOUND * first)
    table.add("/livez, 99 %", f"{found['livez_p99_ms']:.1f} ms", f"{LIVEZ_P99_BOUND_MS:g} ms",
              found["livez_p99_ms"] <= LIVEZ_P99_BOUND_MS)
    for name, bound in SETTLED_BOUNDS.items():
        settled = found["settled"]
        table.add(f"{name}, before and after all",
                  f"{found['idle'][name]}, {settled[name] if settled else 'none'}", f"+{bound}",
                  bool(settled) and settled[name] <= found["idle"][name] + bound)
    return table


def kinds_table(found: dict) -> str:
    """Each kind's connections, rate and median time at the beginning and at the end."""
    samples = found["samples"]
    quarter = max(1, len(samples) // 4)
    rows = ["| kind | connections | per second, first and last quarter | median ms |",
            "|---|---|---|---|"]
    for kind in sorted(found["counts"]):
        cells = []
        for field in ("per_second", "median_ms"):
            ends = []
            for part in (samples[:quarter], samples[-quarter:]):
                values = [each[field][kind] for each in part if kind in each[field]]
                ends.append(f"{statistics.mean(values):.2f}" if values else "-")
            cells.append(", ".join(ends))
        rows.append(f"| {kind} | {found['counts'][kind]:,} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--quick", action="store_true", help="a look: fewer and sooner")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / ".cache/results/soak.json")
    arguments = parser.parse_args()
    quick = arguments.quick
    watched.end_orderly()
    arguments.minutes = arguments.minutes or (QUICK_MINUTES if quick else MINUTES)
    arguments.connections = arguments.connections or (
        QUICK_CONNECTION_COUNT if quick else CONNECTION_COUNT)
    arguments.sample_seconds = QUICK_SAMPLE_SECONDS if quick else SAMPLE_SECONDS
    program = str(arguments.program.resolve())
    description = machine.description(program, [])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "token").write_text(TOKEN + "\n")
        command = [program, "serve", "--model", "resnet20-cifar10", "--access-log", "off",
                   "--plan-cache", str(folder / "plans"),
                   "--state-dir", str(folder / "state"),
                   "--admin-token-file", str(folder / "token")]
        with watched.Watched(command) as server:
            found = soak(server, arguments, folder)
            lines = list(server.lines)
    table = judge(found, arguments)
    watched.write_json(arguments.json, found | {
        "machine": description, "missed": table.missed, "minutes": arguments.minutes})
    print(kinds_table(found) + "\n\n" + table.text())
    if table.missed:
        print("missed: " + "; ".join(table.missed) + "\nlast log lines:\n"
              + "\n".join(lines[-10:]), file=sys.stderr)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
