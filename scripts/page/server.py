"""Servers that the checks of pages start for themselves."""

import os
import re
import subprocess
import time
import urllib.request

PATIENCE = 60


class Server:
    """`resnetd serve` on free ports of the loopback, ended with the block."""

    def __init__(self, program, folder, *options, model="resnet20-cifar10"):
        self.log = folder / "log"
        command = [program, "serve", "--port", "0", "--admin-port", "0", *options]
        environment = {**os.environ, "RESNETD_MODEL": model}
        environment.pop("RESNETD_ADMIN", None)
        if not model:
            del environment["RESNETD_MODEL"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=subprocess.DEVNULL, env=environment)
        # In the line of a server that waits for its model, or in those of one that is ready.
        self.address = self.logged(r'"(?:address|message":"ready","url)":"(http:[^"]*)"')
        self.admin = self.logged(r'"(?:admin|message":"admin","url)":"(http:[^"]*)"')

    def logged(self, pattern):
        """Returns what a pattern captures in the log, once it is there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(pattern, self.log.read_text(encoding="utf-8"))
            if found:
                return found[1]
            time.sleep(0.02)
        raise AssertionError(f"no {pattern} in the log: {self.log.read_text(encoding='utf-8')}")

    def wait_until_ready(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"{self.address}/readyz").close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"not ready: {self.log.read_text(encoding='utf-8')}")

    def classify(self, image, count=1):
        """Returns the name of the model that gave the last answer, and its best label."""
        for _ in range(count):
            request = urllib.request.Request(f"{self.address}/classify", data=image.read_bytes())
            with urllib.request.urlopen(request) as answer:
                text = answer.read().decode()
        return re.search(r'"name":"([^"]*)"', text)[1], re.search(r'"label":"([^"]*)"', text)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.log.read_text(encoding="utf-8")
