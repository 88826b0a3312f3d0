"""Attacks a server inside a memory control group and watches who suffers.

Prints a Markdown table, writes JSON; exits with 1 when a bar is missed. MB are 10^6 bytes.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import group
import machine
import watch
import watched
import wire
from attack import Attack

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMITS_MB = (512, 256)
TOKEN = "0f5c9e7a-guess-me"
WORKER_COUNT = 2

NEIGHBOUR_FACTOR_BAR = 2.0
PROBE_BAR_MS = 50.0
# What an allocator may keep of what an attack took, of the limit or at least so much.
KEPT_SHARE_BAR, KEPT_BAR_MB = 0.05, 16.0
BACK_SECOND_LIMIT = 8.0
ALONE_SECONDS = 2.0
SAMPLE_SECONDS = 0.05
# An attack's own requests are waited for so long.
END_SECOND_LIMIT = 60


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Watcher:
    """A process of watch.py."""

    def __init__(self, server: watched.Watched, role: str, seconds: float, name: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, watch.__file__, role, "--name", name, "--token", TOKEN,
             "--port", str(server.port), "--admin-port", str(server.admin_port),
             "--seconds", str(seconds)],
            stdout=subprocess.PIPE, text=True)

    def begun(self) -> None:
        """Returns once an attacker has made what it sends."""
        if self.process.stdout.readline() != "begun\n":
            raise RuntimeError("an attacker did not begin")

    def result(self, second_limit: float) -> dict:
        try:
            text, _ = self.process.communicate(timeout=second_limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return {"unfinished": 1}
        return json.loads(text.splitlines()[-1]) if self.process.returncode == 0 else {
            "the attacker failed": 1}


class Memory(threading.Thread):
    """The highest of what the group holds, and what it holds now."""

    def __init__(self, enclosure: group.Group, server: watched.Watched) -> None:
        super().__init__(daemon=True)
        self.enclosure, self.server = enclosure, server
        self.peak, self.stops = 0.0, threading.Event()

    def now(self) -> float:
        held = self.enclosure.held_mb()
        if held is not None:
            return held
        try:
            taken = watched.sample(self.server.pid)
        except (OSError, TypeError):
            return 0.0
        return taken["pss_mb"] + taken["children_rss_mb"]

    def run(self) -> None:
        while not self.stops.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self.now())


def options(attack: Attack, state: pathlib.Path, token: pathlib.Path) -> list[str]:
    given = [{"STATE": str(state), "TOKEN": str(token)}.get(each, each) for each in attack.options]
    return given if "--admin-token-file" in given else [*given, "--admin", "off"]


def try_out(attack: Attack, limit_mb: int, arguments: argparse.Namespace) -> dict:
    """One attack on a server of its own."""
    enclosure = group.Group(limit_mb)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program = group.prepare(folder, arguments.program)
        state, token = folder / "state", folder / "token"
        state.mkdir()
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
        for path in (state, token):
            group.give(path)
        command = group.command(enclosure, program, state, attack.state_size,
                                options(attack, state, token))
        server = watched.Watched(command, {"RESNETD_WORKERS": str(WORKER_COUNT)})
        try:
            with server:
                found = watch_attack(attack, enclosure, server, arguments.seconds)
        finally:
            enclosure_kills = enclosure.oom_kills()
            enclosure.remove()
    # After a SIGTERM it may say that something was left unfinished, but it must come to its end.
    found["drained"] = server.process.returncode in (0, 1)
    found["oom_kills"] = max(found["oom_kills"], enclosure_kills)
    return found


def watch_attack(
        attack: Attack, enclosure: group.Group, server: watched.Watched, seconds: float) -> dict:
    alone = [Watcher(server, role, ALONE_SECONDS) for role in ("neighbour", "probes")]
    quiet = [watcher.result(END_SECOND_LIMIT) for watcher in alone]
    memory = Memory(enclosure, server)
    before = memory.now()
    memory.start()
    if attack.stalls_log:
        server.reads_log.clear()
    attacker = Watcher(server, "attack", seconds, attack.name)
    attacker.begun()
    beside = [Watcher(server, role, seconds) for role in ("neighbour", "probes")]
    neighbour, probes = (watcher.result(seconds + END_SECOND_LIMIT) for watcher in beside)
    statuses = attacker.result(END_SECOND_LIMIT)
    ended = time.monotonic()
    after = memory.now()
    kept = max(KEPT_BAR_MB, KEPT_SHARE_BAR * enclosure.limit_mb)
    while (after > before + kept and server.lives()
           and time.monotonic() < ended + BACK_SECOND_LIMIT):
        time.sleep(SAMPLE_SECONDS)
        after = memory.now()
    memory.stops.set()
    memory.join()
    works = wire.exchange(server.port, wire.head("GET", "/readyz"), BACK_SECOND_LIMIT)
    lives = server.lives()
    return {
        "statuses": statuses, "end": server.end(), "lives": lives, "ready_after": works,
        "oom_kills": enclosure.oom_kills(),
        "before_mb": before, "peak_mb": memory.peak, "after_mb": after, "kept_bar_mb": kept,
        "neighbour_alone_ms": percentile(quiet[0].get("times", []), 0.5) * 1000,
        "neighbour_ms": [percentile(neighbour.get("times", []), share) * 1000
                         for share in (0.5, 0.99)],
        "neighbour_unserved": sum(each != 200 for each in neighbour.get("outcomes", [])),
        "neighbour_count": len(neighbour.get("outcomes", [])),
        "probe_alone_ms": percentile(quiet[1].get("times", []), 0.99) * 1000,
        "probe_ms": percentile(probes.get("times", []), 0.99) * 1000,
        "probes_unanswered": sum(each != 200 for each in probes.get("outcomes", [])),
        "log": server.lines[-5:]}


def missed(attack: Attack, found: dict) -> list[str]:
    """Which bars an attack broke."""
    wrong = []
    if found["oom_kills"]:
        wrong.append("OOM kill")
    if not found["lives"]:
        wrong.append(found["end"])
    elif found["ready_after"] != 200:
        wrong.append(f"not ready afterwards: {found['ready_after']}")
    elif not found["drained"]:
        wrong.append("does not end by SIGTERM")
    allowed = {str(status) for status in attack.allowed}
    strange = [status for status in found["statuses"] if status not in allowed]
    if strange:
        wrong.append("answered " + ", ".join(sorted(strange)))
    elif attack.needed and not {str(each) for each in attack.needed} & set(found["statuses"]):
        wrong.append("nothing answered")
    half = found["neighbour_unserved"] * 2 > found["neighbour_count"]
    if half or found["neighbour_ms"][0] > NEIGHBOUR_FACTOR_BAR * found["neighbour_alone_ms"]:
        wrong.append("neighbour")
    if found["probes_unanswered"] or found["probe_ms"] > PROBE_BAR_MS:
        wrong.append("/livez")
    if found["after_mb"] > found["before_mb"] + found["kept_bar_mb"]:
        wrong.append("memory")
    return wrong


def row(attack: Attack, found: dict, wrong: list[str]) -> str:
    statuses = ", ".join(f"{status} x {count}" for status, count in found["statuses"].items())
    p50, p99 = found["neighbour_ms"]
    count = found["neighbour_count"]
    lost = f", {found['neighbour_unserved']} of {count} unserved" if (
        found["neighbour_unserved"]) else ""
    probes = f"{found['probe_ms']:.1f}"
    if found["probes_unanswered"]:
        probes += f", {found['probes_unanswered']} lost"
    return (f"| {attack.name} | {attack.what} | {statuses or 'none'} "
            f"| {found['neighbour_alone_ms']:.1f}; {p50:.1f} / {p99:.1f}{lost} "
            f"| {probes} | {found['before_mb']:.0f}, {found['peak_mb']:.0f}, "
            f"{found['after_mb']:.0f} | {'; '.join(wrong) or 'holds'} |")


HEAD = """| attack | what it does | answers | neighbour: alone; p50 / p99, ms | /livez p99, ms \
| MB before, peak, after | verdict |
|---|---|---|---|---|---|---|"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=10, help="of each attack")
    parser.add_argument("--limits", type=int, nargs="+", default=LIMITS_MB, metavar="MIB")
    parser.add_argument("--only", default="", help="names that match this expression")
    parser.add_argument("--list", action="store_true", help="name the attacks and end")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / ".cache/results/abuse.json")
    arguments = parser.parse_args()
    chosen = [each for each in watch.attacks() if re.search(arguments.only, each.name)]
    if arguments.list:
        for each in chosen:
            print(f"{each.name}: {each.what}; {', '.join(sorted(map(str, each.allowed)))}")
        return 0
    arguments.program = arguments.program.resolve()
    watched.end_orderly()
    if group.version() is None:
        print("no memory control group can be made here (root and a memory controller are "
              "needed): limits are not enforced, memory is that of the process", file=sys.stderr)
    results, failed = [], []
    for limit in arguments.limits:
        print(f"\n{limit} MiB:\n\n{HEAD}", flush=True)
        for attack in chosen:
            if attack.needs_root and not group.is_root():
                print(f"| {attack.name} | {attack.what} | | | | | needs root |", flush=True)
                continue
            found = try_out(attack, limit, arguments)
            wrong = missed(attack, found)
            failed += [f"{attack.name} ({limit} MiB)"] if wrong else []
            results.append({"name": attack.name, "limit_mib": limit, "missed": wrong} | found)
            print(row(attack, found, wrong), flush=True)
    factor = statistics.median(
        each["neighbour_ms"][0] / max(each["neighbour_alone_ms"], 0.1) for each in results)
    print(f"\n{len(results) - len(failed)} of {len(results)} hold; the neighbour's median grew by "
          f"{factor:.2f} in the middle.")
    description = machine.description(str(arguments.program), [])
    watched.write_json(arguments.json, {"machine": description, "results": results})
    if failed:
        print("missed: " + "; ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
