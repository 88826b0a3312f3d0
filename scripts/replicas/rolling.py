"""Restarts three servers behind nginx one after another, each with TLS, under load.

usage: rolling.py PROGRAM NGINX [--rounds N] [--connections N]

No request may fail: nginx asks another server where a connection fails or one is not ready. In
between the certificate of all is replaced by another of the same authority. Prints a Markdown
table.
"""

import argparse
import contextlib
import os
import pathlib
import re
import ssl
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks/swap"))
from checked_load import SAMPLE, Answer, Load  # noqa: E402
from common import (  # noqa: E402
    HOST, REPLICA_COUNT, START_SECOND_LIMIT, Missed, ask, await_that, free_port, main, nginx,
    process)

# Load on all servers before the next of them is restarted.
STAY_SECONDS = 0.3


def openssl(*arguments: str, folder: pathlib.Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Authority:
    """An authority, and the one certificate of it that all servers show."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.certificate = folder / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", "/CN=authority of a test", "-keyout", "authority.key",
                "-out", "authority.pem", folder=folder)
        (folder / "names").write_text("subjectAltName=DNS:localhost\n")
        self.renew()
        # Asked by its address, which the certificate does not name.
        self.trust = ssl.create_default_context(cafile=self.certificate)
        self.trust.check_hostname = False

    def renew(self) -> None:
        """Puts a new key and certificate in place of the last, each at once."""
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=localhost", "-keyout", "new.key", "-out", "new.csr", folder=self.folder)
        openssl("x509", "-req", "-in", "new.csr", "-CA", "authority.pem", "-CAkey",
                "authority.key", "-CAcreateserial", "-days", "1", "-extfile", "names", "-out",
                "new.pem", folder=self.folder)
        os.replace(self.folder / "new.key", self.folder / "key.pem")
        os.replace(self.folder / "new.pem", self.folder / "cert.pem")

    def serial(self, port: int) -> str:
        """The serial number of the certificate that a server shows."""
        shown = ssl.get_server_certificate((HOST, port))
        text = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown.encode(),
                              check=True, capture_output=True).stdout
        return text.decode().strip()


class Replica:
    """A server on one port, which is started again and again."""

    def __init__(self, program: str, number: int, authority: Authority) -> None:
        self.program, self.authority = program, authority
        self.port = free_port()
        self.log = authority.folder / f"replica-{number}.log"
        self.running = None
        self.stack = contextlib.ExitStack()

    def start(self) -> float:
        """Seconds until the server was ready."""
        command = [
            self.program, "serve", "--port", self.port, "--access-log", "off", "--log-format",
            "json", "--tune", "off", "--admin", "off", "--model", "resnet20-cifar10",
            "--drain-delay", "100ms", "--tls-cert", self.authority.folder / "cert.pem",
            "--tls-key", self.authority.folder / "key.pem"]
        self.running = self.stack.enter_context(process(command, self.log))
        return await_that(f"{self.log.stem} ready", START_SECOND_LIMIT, self.is_ready)

    def is_ready(self) -> bool:
        if self.running.poll() is not None:
            raise Missed(f"{self.log.stem} has ended")
        return self.ask("GET", "/readyz")[0] == 200

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        return ask(self.port, method, path, body, trust=self.authority.trust)

    def stop(self) -> None:
        self.running.terminate()
        if (status := self.running.wait(START_SECOND_LIMIT)) != 0:
            raise Missed(f"{self.log.stem} ended with {status} after SIGTERM")


def served_counts(replicas: list[Replica]) -> list[int]:
    pattern = r'^resnetd_requests_total\{route="/classify",code="200"\} (\d+)'
    return [
        sum(int(count) for count in re.findall(
            pattern, replica.ask("GET", "/metrics")[1].decode(), re.MULTILINE))
        for replica in replicas]


def check(arguments: argparse.Namespace, folder: pathlib.Path) -> None:
    authority = Authority(folder)
    replicas = [Replica(arguments.program, number, authority) for number in range(REPLICA_COUNT)]
    ports = [replica.port for replica in replicas]
    with contextlib.ExitStack() as stack:
        for replica in replicas:
            stack.enter_context(replica.stack)
            replica.start()
        reference = Answer(replicas[0].ask("POST", "/classify", SAMPLE)[1])
        entry = stack.enter_context(nginx(
            arguments.nginx, folder / "nginx", ports, authority.certificate, asks_others=True))
        starts, serials, counts = [], set(), [0] * REPLICA_COUNT
        with Load(HOST, entry, START_SECOND_LIMIT, arguments.connections,
                  {reference.version: reference}) as load:
            for _ in range(arguments.rounds):
                for number, replica in enumerate(replicas):
                    time.sleep(STAY_SECONDS)
                    counts[number] += served_counts([replica])[0]
                    replica.stop()
                    starts.append(replica.start())
                renewed_from = authority.serial(ports[0])
                authority.renew()
                await_that(
                    "the new certificate", START_SECOND_LIMIT,
                    lambda: all(authority.serial(port) != renewed_from for port in ports))
                serials.add(renewed_from)
            time.sleep(STAY_SECONDS)
        counts = [sum(pair) for pair in zip(counts, served_counts(replicas), strict=True)]
        for replica in replicas:
            replica.stop()
    report(load, starts, len(serials), counts)


def report(load: Load, starts: list[float], certificates: int, counts: list[int]) -> None:
    times = sorted(load.times)
    rows = [
        ("requests through nginx, to the servers over TLS", len(times)),
        ("of them failed, or not as the model answers", load.failures.total()),
        ("restarts", len(starts)),
        ("start to ready, longest", f"{max(starts):.2f} s"),
        ("certificates replaced under load", certificates),
        ("requests that each server has answered", ", ".join(map(str, counts))),
        ("answers at 99 %", f"{1000 * times[int(0.99 * len(times))]:.0f} ms"),
    ]
    print("| what | measured |\n|---|---|")
    for what, value in rows:
        print(f"| {what} | {value} |")
    if load.failures:
        raise Missed(f"requests failed: {dict(load.failures)}")
    if 0 in counts:
        raise Missed("a server has answered nothing")


if __name__ == "__main__":
    sys.exit(main("scripts/check-rolling", check, "rounds", 2))
