"""Moves the pointer of one S3 bucket under load while three servers behind nginx follow it.

usage: follow.py PROGRAM NGINX [--moves N] [--connections N]

The bucket is moto's, which checks the signature of every request. Every answer must be a success,
name a model that was published and agree with what that model says. Prints a Markdown table.
"""

import argparse
import contextlib
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks/swap"))
import variant  # noqa: E402
from bucket import Bucket  # noqa: E402
from checked_load import SAMPLE, Answer, Load  # noqa: E402
from common import (  # noqa: E402
    HOST, REPLICA_COUNT, START_SECOND_LIMIT, Missed, ask, await_that, free_port, main, nginx,
    process)

EMBEDDED = ROOT / "Sources/CEmbeddedModels/resnet20-cifar10.safetensors"
BUCKET, PREFIX = "models", "resnetd/production"

POLL_INTERVAL_MS = 500
# From the pointer's move until every replica has what it names: a poll, a fetch and a swap on two
# cores that the load takes.
CONVERGENCE_SECOND_LIMIT = 20
# Load on each model before the pointer moves again.
STAY_SECONDS = 0.5


class ModelBucket(Bucket):
    """A bucket with a pointer to one of its models."""

    def upload(self, model: pathlib.Path) -> None:
        self.s3.upload_file(str(model), BUCKET, f"{PREFIX}/{model.name}")

    def point(self, version: str, model: pathlib.Path) -> None:
        pointer = json.dumps({"version": version, "file": model.name})
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/current.json", Body=pointer.encode())


class Replica:
    """One `resnetd serve`."""

    def __init__(self, process: subprocess.Popen, log: pathlib.Path) -> None:
        self.process = process
        self.log = log
        await_that(f"the port of {log.stem}", START_SECOND_LIMIT, self.has_port)

    def has_port(self) -> bool:
        if self.process.poll() is not None:
            raise Missed(f"{self.log.stem} has ended")
        found = re.search(r'"address":"http://127\.0\.0\.1:(\d+)"', self.log.read_text())
        self.port = int(found[1]) if found else 0
        return self.port != 0

    def metrics(self) -> str:
        return ask(self.port, "GET", "/metrics")[1].decode()

    def version(self) -> str:
        found = re.search(r'^resnetd_model_info\{version="(\w+)"', self.metrics(), re.MULTILINE)
        return found[1] if found else ""

    def polls(self, outcome: str) -> int:
        pattern = rf'^resnetd_model_store_polls_total\{{outcome="{outcome}"\}} (\d+)$'
        found = re.search(pattern, self.metrics(), re.MULTILINE)
        return int(found[1]) if found else 0

    def reference(self) -> Answer:
        return Answer(ask(self.port, "POST", "/classify", SAMPLE)[1])

    def stop(self) -> None:
        self.process.terminate()
        if (status := self.process.wait(START_SECOND_LIMIT)) != 0:
            raise Missed(f"{self.log.stem} ended with {status} after SIGTERM")


def publish_first(bucket: ModelBucket, replicas: list[Replica], version: str, model) -> float:
    """Seconds until every replica serves its first model; none may be ready before."""
    for replica in replicas:
        await_that("a look at an empty bucket", START_SECOND_LIMIT,
                   lambda: replica.polls("unreachable") > 0)
        if (status := ask(replica.port, "GET", "/readyz")[0]) != 503:
            raise Missed(f"ready without a model: {status}")
    bucket.upload(model)
    bucket.point(version, model)
    return await_that(
        "every replica's first model", CONVERGENCE_SECOND_LIMIT,
        lambda: all(ask(replica.port, "GET", "/readyz")[0] == 200 for replica in replicas))


def move(bucket: ModelBucket, replicas: list[Replica], version: str, model) -> float:
    """Seconds until every replica has followed."""
    bucket.point(version, model)
    return await_that(
        f"every replica at {version[:12]}", CONVERGENCE_SECOND_LIMIT,
        lambda: all(replica.version() == version[:12] for replica in replicas))


def check(arguments: argparse.Namespace, folder: pathlib.Path) -> None:
    models = [folder / "first.safetensors", folder / "second.safetensors"]
    shutil.copy(EMBEDDED, models[0])
    variant.write(EMBEDDED, models[1])
    versions = [hashlib.sha256(model.read_bytes()).hexdigest() for model in models]
    with contextlib.ExitStack() as stack:
        port = free_port()
        stack.enter_context(process(
            [sys.executable, "-m", "moto.server", "-H", HOST, "-p", port], folder / "moto.log"))
        bucket = ModelBucket(port, BUCKET)
        replicas = []
        for number in range(REPLICA_COUNT):
            log = folder / f"replica-{number}.log"
            replicas.append(Replica(stack.enter_context(process(
                [arguments.program, "serve", "--port", "0", "--access-log", "off",
                 "--log-format", "json", "--tune", "off", "--state-dir", folder / f"state-{number}",
                 "--model-store", f"s3://{BUCKET}/{PREFIX}",
                 "--model-store-interval", f"{POLL_INTERVAL_MS}ms"],
                log, env=bucket.environment() | {"RESNETD_ADMIN_PORT": "0"})), log))
        first = publish_first(bucket, replicas, versions[0], models[0])
        bucket.upload(models[1])
        one = replicas[0].reference()
        entry = stack.enter_context(
            nginx(arguments.nginx, folder / "nginx", [replica.port for replica in replicas]))
        move(bucket, replicas, versions[1], models[1])
        other = replicas[0].reference()
        if one.version == other.version or one.agrees(other):
            raise Missed("the two models do not differ")
        references = {answer.version: answer for answer in (one, other)}
        convergence = []
        with Load(HOST, entry, START_SECOND_LIMIT, arguments.connections, references) as load:
            for turn in range(arguments.moves):
                time.sleep(STAY_SECONDS)
                convergence.append(
                    move(bucket, replicas, versions[turn % 2], models[turn % 2]))
            time.sleep(STAY_SECONDS)
        swaps = [replica.polls("promoted") for replica in replicas]
        for replica in replicas:
            replica.stop()
    report(arguments, load, first, convergence, swaps)


def report(arguments, load: Load, first: float, convergence: list[float], swaps: list[int]) -> None:
    times = sorted(load.times)
    rows = [
        ("requests through nginx", len(times)),
        ("of them failed, or not as their model answers", load.failures.total()),
        ("answers by version", ", ".join(f"{version}: {count}"
                                         for version, count in sorted(load.versions.items()))),
        ("swaps of each replica", ", ".join(map(str, swaps))),
        ("first model: pointer to the last replica's readiness", f"{first:.2f} s"),
        ("moves of the pointer: to the last replica's swap, median",
         f"{sorted(convergence)[len(convergence) // 2]:.2f} s"),
        ("the same, longest", f"{max(convergence):.2f} s"),
        ("answers at 99 %", f"{1000 * times[int(0.99 * len(times))]:.0f} ms"),
    ]
    print("| what | measured |\n|---|---|")
    for what, value in rows:
        print(f"| {what} | {value} |")
    if load.failures:
        raise Missed(f"requests failed: {dict(load.failures)}")
    if set(load.versions) != set(load.references):
        raise Missed("not both models have answered")
    if any(count != arguments.moves + 2 for count in swaps):
        raise Missed(f"a replica has not swapped {arguments.moves + 2} times")


if __name__ == "__main__":
    sys.exit(main("scripts/check-follow", check, "moves", 10))
