"""Swaps models under load through the admin endpoint at RESNETD_ADMIN_URL and checks every answer.

Prints a Markdown table; exits with 1 when a bar is missed. MB are 10^6 bytes.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import sys
import time
import urllib.parse

from checked_load import SAMPLE, Answer, Load, ask

SERVER = urllib.parse.urlsplit(os.environ["RESNETD_URL"])
ADMIN = urllib.parse.urlsplit(os.environ["RESNETD_ADMIN_URL"])

P99_FACTOR_BAR = 2.0
MEMORY_FACTOR_BAR = 1.05
LARGE_SWAP_SECOND_BAR = 2.0
SECOND_LIMIT = 120
# Memory is compared once allocators have seen a few swaps, and between swaps: the former model is
# held until the last request that it was to answer has its answer.
WARM_UP_SWAP_COUNT = 20
SETTLED_SAMPLE_COUNT = 21
SETTLED_SAMPLE_SECONDS = 0.1


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def admin(method: str, path: str, body: bytes | None = None) -> dict:
    """One request to the admin endpoint, which must succeed."""
    connection = http.client.HTTPConnection(ADMIN.hostname, ADMIN.port, timeout=SECOND_LIMIT)
    status, text = ask(connection, method, path, body)
    connection.close()
    if not 200 <= status < 300:
        raise RuntimeError(f"{method} {path}: {status} {text.decode()}")
    return json.loads(text)


def reference() -> Answer:
    """The answer of the model that is live now."""
    connection = http.client.HTTPConnection(SERVER.hostname, SERVER.port, timeout=SECOND_LIMIT)
    status, text = ask(connection, "POST", "/classify", SAMPLE)
    connection.close()
    if status != 200:
        raise RuntimeError(f"{status} {text.decode()}")
    return Answer(text)


def clients(connection_count: int, references: dict[str, Answer]) -> Load:
    return Load(SERVER.hostname, SERVER.port, SECOND_LIMIT, connection_count, references)


def resident_mb() -> float:
    status = pathlib.Path(f"/proc/{os.environ['RESNETD_PID']}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6


def settled_resident_mb() -> float:
    """The median over two seconds of load without a swap."""
    samples = []
    for _ in range(SETTLED_SAMPLE_COUNT):
        time.sleep(SETTLED_SAMPLE_SECONDS)
        samples.append(resident_mb())
    return percentile(samples, 0.5)


class Table:
    """Rows of what was measured, each with its bar."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.missed = False

    def add(self, what: str, value: str, bar: str = "", holds: bool = True) -> None:
        self.missed |= not holds
        self.rows.append(f"| {what} | {value} | {bar}{'' if holds else ' (missed)'} |")

    def text(self) -> str:
        return "\n".join(["| what | measured | bar |", "|---|---|---|", *self.rows])


def upload(paths: list[pathlib.Path]) -> dict[str, Answer]:
    """Makes each file live in turn; what each answers, by version."""
    references = {}
    for path in paths:
        admin("PUT", "/admin/model", path.read_bytes())
        answer = reference()
        references[answer.version] = answer
    return references


def measure_swaps(arguments: argparse.Namespace, table: Table) -> None:
    references = upload(arguments.models)
    versions = list(references)

    def swap(turn: int) -> float:
        start = time.perf_counter()
        admin("POST", f"/admin/versions/{versions[turn % 2]}/activate")
        return time.perf_counter() - start

    with clients(arguments.connections, references) as before:
        time.sleep(arguments.seconds)
    with clients(arguments.connections, references) as during:
        for turn in range(WARM_UP_SWAP_COUNT):
            swap(turn)
        resident_before = settled_resident_mb()
        swaps = [swap(turn) for turn in range(arguments.swaps)]
        resident_after = settled_resident_mb()

    failures = before.failures + during.failures
    table.add("swaps, and requests meanwhile", f"{len(swaps)}, {len(during.times)}")
    table.add("answers of each version", ", ".join(map(str, during.versions.values())))
    table.add("failed or inconsistent", str(dict(failures) or 0), "0", not failures)
    p50s, p99s = (
        [percentile(load.times, share) for load in (before, during)] for share in (0.5, 0.99))
    table.add("p50 before and during", " and ".join(f"{value * 1000:.1f} ms" for value in p50s))
    table.add("p99 before and during", " and ".join(f"{value * 1000:.1f} ms" for value in p99s),
              f"x {P99_FACTOR_BAR:g}", p99s[1] <= P99_FACTOR_BAR * p99s[0])
    table.add("a swap, median and 99 %",
              f"{percentile(swaps, 0.5) * 1000:.0f} ms, {percentile(swaps, 0.99) * 1000:.0f} ms")
    table.add("resident memory before and after",
              f"{resident_before:.1f} MB, {resident_after:.1f} MB", f"x {MEMORY_FACTOR_BAR:g}",
              resident_after <= MEMORY_FACTOR_BAR * resident_before)


def measure_upload(arguments: argparse.Namespace, table: Table) -> None:
    """A plain file, with labels and preprocessing of the live model, without load and under it."""
    live = reference()
    for path, (name, count) in zip(
            arguments.models, (("idle", 0), ("under load", arguments.connections)), strict=True):
        content = path.read_bytes()
        with clients(count, {}) as load:
            start = time.perf_counter()
            result = admin("PUT", "/admin/model?inherit=true", content)
            seconds = time.perf_counter() - start
        print(json.dumps(result), file=sys.stderr)
        versions = {live.version, reference().version}
        strangers = set(load.versions) - versions
        table.add(f"{len(content) / 1e6:.0f} MB from the first byte to live, {name}",
                  f"{seconds:.2f} s", f"{LARGE_SWAP_SECOND_BAR:g} s",
                  seconds <= LARGE_SWAP_SECOND_BAR and not strangers)
        live = reference()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measurement", choices=("swaps", "upload"))
    parser.add_argument("--models", type=pathlib.Path, nargs=2, required=True)
    parser.add_argument("--swaps", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10, help="of load without swaps")
    arguments = parser.parse_args()
    table = Table()
    (measure_swaps if arguments.measurement == "swaps" else measure_upload)(arguments, table)
    print(table.text())
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
