"""A real Prometheus with the shipped scrape configuration and rules, and questions to it."""

import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import manual
import monitoring
from container import free_port

PATIENCE = 30
# Their series begin with an event that no sound server has, or are of TLS, which ends before these.
RARE = {"resnetd_canary_info", "resnetd_tls_certificate_expiry_timestamp_seconds"}


class Missed(Exception):
    """Something that must hold does not."""


def configuration(port: int) -> str:
    """The shipped file, with another target and shorter times."""
    text = (monitoring.FOLDER / "prometheus.yaml").read_text(encoding="utf-8")
    text = text.replace("resnetd:9090", f"127.0.0.1:{port}")
    return re.sub(r"(_interval|_timeout): \d+s", r"\1: 1s", text)


class Watcher:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.address}/{path}?{query}", timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> list:
        return self.get("query", query=expression)["result"]

    def await_result(self, expression: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.value(expression):
                    return
            time.sleep(0.2)
        raise Missed(f"not within {PATIENCE} s: {expression}")

    def check_served(self) -> str:
        """Metrics are there, all rules can be evaluated, and none has anything to say."""
        # Two scrapes, so that rates have values.
        self.await_result('count_over_time(up{job="resnetd"}[1m]) > 2 and up == 1')
        groups = self.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        if len(rules) != len(monitoring.rules()):
            raise Missed(f"{len(rules)} rules of {len(monitoring.rules())}")
        for rule in rules:
            if rule["health"] == "err" or rule["state"] != "inactive":
                raise Missed(f"{rule['name']}: {rule['health']}, {rule['state']}")
        names = set(self.get("label/__name__/values"))
        expressions = list(monitoring.dashboard_expressions().values())
        used = set()
        for text in expressions + [rule["expr"] for rule in monitoring.rules()]:
            self.value(text)
            used |= set(re.findall(r"\b(?:resnetd|process)_\w+", text))
        missing = used - names - RARE
        if missing:
            raise Missed(f"not exported: {', '.join(sorted(missing))}")
        undocumented = {
            re.sub(r"_(bucket|sum|count)$", "", name) for name in names
            if name.startswith("resnetd_")} - set(manual.metrics())
        if undocumented:
            raise Missed(f"not in docs/operations.md: {', '.join(sorted(undocumented))}")
        return f"{len(rules)} rules and {len(expressions)} expressions on {len(used)} metrics"

    def await_alert(self, name: str) -> None:
        """Waits until an alert has something to say, be it for long enough or not."""
        rule = next(rule for rule in monitoring.rules() if rule["alert"] == name)
        self.await_result(rule["expr"])


@contextlib.contextmanager
def prometheus(program: str, target: int):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "prometheus.yaml").write_text(configuration(target), encoding="utf-8")
        (folder / "alerts.yaml").symlink_to(monitoring.FOLDER / "alerts.yaml")
        port = free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, f"--config.file={folder}/prometheus.yaml",
                 f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Watcher(port)
        except Missed:
            print((folder / "log").read_text())
            raise
        finally:
            process.kill()
            process.wait()
