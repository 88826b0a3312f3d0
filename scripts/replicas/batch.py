"""Classifies the images of one S3 bucket in shards, as the pods of an indexed Job do.

usage: batch.py PROGRAM

One shard is killed before a part is written, and after, while it waits for the answer; another one
loses an answer. The rows of all parts together must be those of a single run, each once.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from bucket import Bucket
from common import HOST, Missed, free_port, process

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUCKET = "batch"
SHARD_COUNT = 3
# Objects on a page of a listing, so that there are several.
PAGE_COUNT = 7
PART_IMAGES = 3
RUN_SECOND_LIMIT = 120
IMAGES = sorted((ROOT / "Tests/ImagingTests/Fixtures/Huffman").glob("*.jpg"))
FOLDER = "in/photos of 2024+5%"
# What addresses, forms, XML and signatures treat in a way of their own.
ODD_NAMES = (
    "a b.jpg", "a+b.jpg", "a%20b.jpg", "100%.JPG", "ä/ö.jpeg", "日本語.jpg", "x&y=z?#.jpg",
    "<q>\"'.jpg", "a//b.jpg", "~(1)*!,;:@$.jpg", "photo")
PASSED_OVER = ("notes.txt", ".hidden.jpg", ".git/photo.jpg", "empty/", "data")
FAILING = ("damaged.jpg", "text.jpg")


class Gate:
    """Hands bytes between the program and moto, unchanged, but for one request.

    That is held back, or moto's answer to it is; or the answer is lost with its connection.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.server = socket.create_server((HOST, 0))
        self.address = f"http://{HOST}:{self.server.getsockname()[1]}"
        self.start, self.left, self.manner = b"", 0, ""
        self.reached = threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def stop_at(self, start: str, count: int, manner: str) -> None:
        """Stops at one of the requests that begin so: `request`, `answer` or `loss`."""
        self.reached.clear()
        self.start, self.left, self.manner = start.encode(), count, manner

    def accept(self) -> None:
        while True:
            client, _ = self.server.accept()
            server = socket.create_connection((HOST, self.port))
            stopped = threading.Event()
            threading.Thread(
                target=self.ask, args=(client, server, stopped), daemon=True).start()
            threading.Thread(
                target=self.answer, args=(server, client, stopped), daemon=True).start()

    def is_wanted(self, data: bytes) -> bool:
        with self.lock:
            if not data.startswith(self.start):
                return False
            self.left -= 1
            return self.left == 0

    def ask(self, client: socket.socket, server: socket.socket, stopped: threading.Event) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 16):
                if self.is_wanted(data):
                    stopped.set()
                    if self.manner == "request":
                        self.reached.set()
                if not stopped.is_set() or self.manner != "request":
                    server.sendall(data)

    def answer(
        self, server: socket.socket, client: socket.socket, stopped: threading.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if not stopped.is_set():
                    client.sendall(data)
                    continue
                self.reached.set()
                if self.manner == "loss":
                    break
            client.shutdown(socket.SHUT_RDWR)


class Batch:
    """One program and one bucket."""

    def __init__(self, program: str, bucket: Bucket, gate: Gate) -> None:
        self.program, self.bucket, self.gate = program, bucket, gate

    def start(self, *options, address: str | None = None, secret: str | None = None):
        environment = self.bucket.environment() | {
            "AWS_ENDPOINT_URL": address or self.bucket.address, "PATH": os.defpath}
        if secret:
            environment["AWS_SECRET_ACCESS_KEY"] = secret
        return subprocess.Popen(
            [self.program, "classify", *map(str, options)], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *options, code: int = 0, **more) -> str:
        """What a run says on standard error; it must end with the code."""
        running = self.start(*options, **more)
        _, errors = running.communicate(timeout=RUN_SECOND_LIMIT)
        if running.returncode != code:
            raise Missed(f"{options} ended with {running.returncode}, not {code}: {errors}")
        return errors

    def end_at_gate(self, number: int, *options) -> tuple[int, str]:
        """Sends a signal to a run that has come to where the gate stops it."""
        running = self.start(*options, address=self.gate.address)
        try:
            if not self.gate.reached.wait(RUN_SECOND_LIMIT):
                raise Missed(f"{options} does not come to the gate")
            running.send_signal(number)
            _, errors = running.communicate(timeout=RUN_SECOND_LIMIT)
        finally:
            running.kill()
            running.wait()
        return running.returncode, errors

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Every object that has the prefix."""
        pages = self.bucket.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key: self.bucket.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                for key in keys}

    def rows(self, prefix: str) -> list[dict]:
        return [row for body in self.objects(prefix).values() for row in lines(body)]


def shard(index: int, output: str) -> list:
    return ["--input", f"s3://{BUCKET}/{FOLDER}", "--shard", f"{index}/{SHARD_COUNT}",
            "--output", output, "--part-images", PART_IMAGES, "--allow-failures"]


def shard_of(name: str) -> int:
    """The rule of docs/commands.md."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % SHARD_COUNT


def lines(body: bytes) -> list[dict]:
    if not body.endswith(b"\n"):
        raise Missed("a part ends in the middle of a row")
    return [json.loads(line) for line in body.splitlines()]


def by_file(rows: list[dict]) -> dict[str, dict]:
    counts = collections.Counter(row["file"] for row in rows)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise Missed(f"more than one row: {twice}")
    return {row["file"]: row for row in rows}


def fill(bucket: Bucket) -> set[str]:
    """Puts objects into the bucket; returns the names of those that must have a row."""
    image = IMAGES[0].read_bytes()
    bodies = {name: IMAGES[index % len(IMAGES)].read_bytes()
              for index, name in enumerate(ODD_NAMES)}
    bodies |= {f"{index:03}.jpg": IMAGES[index % len(IMAGES)].read_bytes() for index in range(30)}
    bodies |= {"damaged.jpg": image[:len(image) // 3], "text.jpg": b"not an image"}
    wanted = {f"s3://{BUCKET}/{FOLDER}/{name}" for name in bodies}
    bodies |= {name: b"" if name.endswith("/") else b"some text" for name in PASSED_OVER}
    for name, body in bodies.items():
        bucket.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=body)
    # A neighbour that begins alike.
    bucket.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}x.jpg", Body=image)
    return wanted


def check_single(batch: Batch, wanted: set[str], folder: pathlib.Path) -> dict[str, dict]:
    """The rows of one run, which are those of a file too."""
    file = folder / "whole.jsonl"
    errors = batch.run("--input", f"s3://{BUCKET}/{FOLDER}/", "--output", file, code=1)
    single = by_file(lines(file.read_bytes()))
    if set(single) != wanted:
        raise Missed(f"rows of other objects: {set(single) ^ wanted}")
    failed = {name.rsplit("/", 1)[1] for name, row in single.items() if "error" in row}
    if failed != set(FAILING):
        raise Missed(f"failed: {failed}")
    if "1 .txt" not in errors or "2 hidden" not in errors:
        raise Missed(f"what was passed over is not told: {errors}")
    again = batch.run(
        "--input", f"s3://{BUCKET}/{FOLDER}", "--output", file, "--resume", code=1)
    if "0 images in" not in again or by_file(lines(file.read_bytes())) != single:
        raise Missed(f"--resume does not know the rows of a bucket: {again}")
    return single


def check_shards(batch: Batch, output: str, prefix: str, single: dict[str, dict]) -> None:
    batch.run(*shard(0, output))
    put = f"PUT /{BUCKET}/{prefix}"
    before = {}
    for manner, count in (("request", 1), ("answer", 3)):
        batch.gate.stop_at(put, 2, manner)
        batch.end_at_gate(signal.SIGKILL, *shard(1, output))
        before = batch.objects(prefix + "shard-00001")
        if len(before) != count:
            raise Missed(f"{len(before)} parts, not {count}, of a killed shard")
    errors = batch.run(*shard(1, output))
    if f"{3 * PART_IMAGES} were done before" not in errors:
        raise Missed(f"complete parts are not gone on with: {errors}")
    after = batch.objects(prefix)
    if any(after[key] != body for key, body in before.items()):
        raise Missed("a complete part has changed")
    batch.gate.stop_at(put, 2, "loss")
    batch.run(*shard(2, output), address=batch.gate.address)
    if not batch.gate.reached.is_set():
        raise Missed("no answer was lost")
    if (union := by_file(batch.rows(prefix))) != single:
        raise Missed(f"not the rows of a single run: {set(union) ^ set(single)}")
    for index in range(SHARD_COUNT):
        for row in batch.rows(f"{prefix}shard-{index:05}"):
            if shard_of(row["file"]) != index:
                raise Missed(f"{row['file']} is in shard {index}")


def check_repetition(batch: Batch, output: str, prefix: str) -> None:
    parts = batch.objects(prefix)
    for index in range(SHARD_COUNT):
        own = batch.rows(f"{prefix}shard-{index:05}")
        failures = any("error" in row for row in own)
        for options, code in ((shard(index, output), 0), (shard(index, output)[:-1], failures)):
            errors = batch.run(*options, code=int(code))
            if "0 images in" not in errors or f"{len(own)} were done before" not in errors:
                raise Missed(f"a shard that is complete is done again: {errors}")
    if batch.objects(prefix) != parts:
        raise Missed("a second run of all shards has changed the parts")


def check_growth(batch: Batch, output: str, prefix: str, single: dict[str, dict]) -> None:
    """Objects that are added move no other one to another shard."""
    batch.bucket.s3.put_object(
        Bucket=BUCKET, Key=f"{FOLDER}/000-added.jpg", Body=IMAGES[0].read_bytes())
    for index in range(SHARD_COUNT):
        batch.run(*shard(index, output))
    grown = by_file(batch.rows(prefix))
    added = f"s3://{BUCKET}/{FOLDER}/000-added.jpg"
    if added not in grown or {**grown, added: None} != {**single, added: None}:
        raise Missed("an added object has changed other rows, or has none")


def check_end(batch: Batch, folder: pathlib.Path, count: int) -> None:
    """SIGTERM while an image does not come: what there is becomes a part, and the same command goes
    on."""
    output = f"{folder}/parts/"
    options = ["--input", f"s3://{BUCKET}/{FOLDER}", "--output", output]
    batch.gate.stop_at(f"GET /{BUCKET}/in", 10, "request")
    code, errors = batch.end_at_gate(signal.SIGTERM, *options)
    if code != 128 + signal.SIGTERM or "the same command goes on with the rest" not in errors:
        raise Missed(f"SIGTERM ends a run with {code}: {errors}")
    batch.run(*options, code=1)
    rows = [row for part in pathlib.Path(output).iterdir() for row in lines(part.read_bytes())]
    if len(by_file(rows)) != count:
        raise Missed(f"{len(rows)} rows in a folder of parts, not {count}")


def check_errors(batch: Batch) -> None:
    here = ["--input", f"s3://{BUCKET}/{FOLDER}"]
    for options, more, words in (
        (["--input", "s3://missing/x"], {}, "NoSuchBucket"),
        ([*here, "--output", "s3://missing/x/"], {}, "NoSuchBucket"),
        (here, {"secret": "another"}, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (["--input", f"s3://{BUCKET}/nothing"], {}, "no images were found"),
        ([*here, "--shard", "0/4", "--output", f"s3://{BUCKET}/out"], {}, "is of 3 shards"),
        ([*here, "--shard", "0/3", "--csv", "--output", f"s3://{BUCKET}/out"], {}, "is JSON lines"),
        ([*here, "--shard", "0/3", "--top-k", "2", "--output", f"s3://{BUCKET}/out"], {},
         "options of run"),
    ):
        if words not in (errors := batch.run(*options, code=1, **more)):
            raise Missed(f"{options}: not {words}, but {errors}")


def check(program: str, folder: pathlib.Path) -> None:
    with contextlib.ExitStack() as stack:
        port = free_port()
        stack.enter_context(process(
            [sys.executable, "-m", "moto.server", "-H", HOST, "-p", port], folder / "moto.log",
            env=os.environ | {"MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE_COUNT)}))
        bucket = Bucket(port, BUCKET)
        batch = Batch(program, bucket, Gate(port))
        single = check_single(batch, fill(bucket), folder)
        output, prefix = f"s3://{BUCKET}/out/", "out/"
        check_shards(batch, output, prefix, single)
        check_repetition(batch, output, prefix)
        check_errors(batch)
        check_growth(batch, output, prefix, single)
        check_end(batch, folder, len(single) + 1)
        parts = len(batch.objects(prefix))
    print(f"{len(single)} images in {SHARD_COUNT} shards and {parts} parts: the rows of one run")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        try:
            check(arguments.program, pathlib.Path(place))
        except Missed as missed:
            print(f"scripts/check-batch: {missed}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
