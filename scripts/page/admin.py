"""Uses the page at /admin/ as administrators do, in headless Chromium, on servers of its own.

usage: admin.py PROGRAM FOLDER SHOTS
  FOLDER   with ship.jpg; models, pictures and state folders are made in it
  SHOTS    folder for screenshots
"""

import contextlib
import http.server
import pathlib
import random
import struct
import subprocess
import sys
import threading
import zlib

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import Window
from server import Server

TOKEN = "correct-horse-battery"
# A label that would run as a script if the page took it for HTML; names of models cannot be.
HOSTILE = "<img src=x onerror=alert(1)>"
EMBEDDED = "Sources/CEmbeddedModels/resnet20-cifar10.safetensors"


def picture(path, colours, seed):
    """Writes a PNG of 64x64 with stripes of two colours and noise."""
    source = random.Random(seed)
    rows = b""
    for row in range(64):
        colour = colours[row // 8 % 2]
        rows += b"\0" + b"".join(
            bytes(min(255, max(0, value + source.randint(-40, 40))) for value in colour)
            for _ in range(64))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 64, 64, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A web page of another origin."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>elsewhere</title>")

    def log_message(self, *_):
        pass


class Admin(Window):
    """One browser window at the admin page."""

    def sign_in(self, token=TOKEN):
        self.until(lambda: self.all("#token")[0].is_displayed(), "there is no form to sign in")
        self.all("#token")[0].send_keys(token, Keys.ENTER)

    def opened(self):
        self.until(lambda: self.text("#state").endswith("is live"), "the live model is not shown")
        return self

    def live(self, name):
        self.until(
            lambda: name in self.text("#live") and not self.busy(), f"{name} is not shown as live")

    def busy(self):
        return bool(self.all("#app button:disabled"))

    def confirm(self):
        self.until(lambda: self.all("#confirm")[0].is_displayed(), "nothing is asked")
        self.all("#confirm-yes")[0].click()

    def choose(self, purpose):
        self.all(f"[name=purpose][value={purpose}]")[0].click()

    def send(self, file):
        self.all("#model-file")[0].send_keys(str(file))

    def result(self, where, text):
        self.until(lambda: text in self.text(where), f"{where} does not say {text!r}")
        self.until(lambda: not self.busy(), "the page stays busy")

    def version(self, name):
        for item in self.all("#versions > li"):
            if item.find_element(By.CSS_SELECTOR, "strong").text == name:
                return item
        raise AssertionError(f"{name} is not listed")


def check_signing_in(page, work):
    page.until(lambda: page.all("#token")[0].is_displayed(), "there is no form to sign in")
    assert not page.all("#app")[0].is_displayed(), "the page is shown before signing in"
    page.check_accessibility("signing in")
    page.sign_in("wrong")
    page.until(lambda: "Wrong token" in page.text("#signin-problem"), "a wrong token is not told")
    page.shoot("admin-signin")
    page.sign_in(Keys.BACKSPACE + TOKEN)
    page.opened()
    cookies = page.browser.get_cookies()
    assert [(c["httpOnly"], c["sameSite"], c["path"]) for c in cookies] == [
        (True, "Strict", "/admin/")], f"the cookies are {cookies}"
    page.browser.refresh()
    page.opened()
    page.check_console(allowed=("status of 401",))


def check_swap(page, work, server):
    ship = work / "ship.jpg"
    server.classify(ship, 30)
    page.choose("dry")
    page.send(work / "second.safetensors")
    page.result("#change-result", "passes all checks")
    page.live("resnet20-cifar10")
    page.choose("live")
    page.hand_over("drop", "#model-drop", "application/octet-stream", work / "second.safetensors")
    page.result("#change-result", "is live")
    page.live("second")
    done = [item.text.split()[0] for item in page.all("#steps .done")]
    assert done == [
        "upload", "read", "validate", "memory", "compile", "golden", "warm", "record", "swap"
    ], f"the steps are {done}"
    assert server.classify(ship)[0] == "second", "another model answers"
    page.send(work / "ship.jpg")
    page.result("#change-result", "urn:resnetd:problem:model-refused")
    assert page.all("#steps .failed"), "no step is shown as failed"
    page.live("second")


def check_canary(page, work, server):
    page.choose("canary")
    share = page.all("#upload-percent")[0]
    share.clear()
    share.send_keys("50")
    page.send(work / "third.safetensors")
    page.result("#change-result", "50 % of the requests")
    server.classify(work / "ship.jpg", 40)
    page.until(lambda: "0 of 0" not in page.text("#canary") and "differ" in page.text("#canary"),
               "no comparison is shown")
    page.all("#charts")[0].location_once_scrolled_into_view
    page.shoot("admin-canary", whole=True)
    page.check_accessibility("canary")
    page.all("#canary-promote")[0].click()
    page.confirm()
    page.live("third")
    page.until(lambda: "it was made live" in page.text("#canary"), "the canary's end is not told")
    page.all("#rollback")[0].click()
    page.confirm()
    page.live("second")
    page.result("#live-result", "is live")
    page.version("resnet20-cifar10").find_element(
        By.XPATH, ".//button[text()='Remove']").click()
    page.confirm()
    page.until(lambda: len(page.all("#versions > li")) == 2, "the version is not removed")


def check_teaching(page, work, server):
    for name, colours in (
            ("wasp", ((230, 200, 30), (20, 20, 20))), (HOSTILE, ((200, 40, 60), (60, 200, 190)))):
        page.all("#new-label")[0].send_keys(name, Keys.ENTER)
        files = [
            picture(work / f"{index}-{len(name)}.png", colours, f"{name}{index}")
            for index in range(6)]
        box = next(item for item in page.all(".box") if item.text.startswith(name))
        box.find_element(By.CSS_SELECTOR, "input").send_keys("\n".join(map(str, files)))
        page.until(lambda box=box: "6 examples" in box.text and not page.busy(),
                   f"the examples of {name} are not counted")
    page.all("#try")[0].click()
    page.result("#teach-result", "nothing was changed")
    accuracy = page.text("#accuracy")
    assert accuracy.endswith(" %") and int(accuracy[:-2]) > 50, f"the accuracy is {accuracy}"
    page.live("second")
    page.all("#teach")[0].click()
    page.confirm()
    page.live("second-taught")
    page.result("#teach-result", "Roll back undoes it")
    assert server.classify(work / "0-4.png")[1] == "wasp", "what was taught is not answered"
    page.shoot("admin-desktop", whole=True)
    page.check_accessibility("taught")
    box = next(item for item in page.all(".box") if item.text.startswith(HOSTILE))
    box.find_element(By.CSS_SELECTOR, "button").click()
    page.confirm()
    page.until(lambda: len(page.all(".box")) == 1, "the box is not removed")


def check_signing_out(page):
    page.all("#signout")[0].click()
    page.until(lambda: page.all("#token")[0].is_displayed(), "signing out shows no form")
    status = page.browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "fetch('/admin/model').then((answer) => done(answer.status));")
    assert status == 401, f"after signing out the model is answered with {status}"


def check_keyboard(page):
    """Signs in and reaches everything by the keyboard alone, with a focus that can be seen."""
    page.sign_in()
    page.opened()
    reached = []
    for _ in range(40):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.focused())
        if reached[-1] == "teach":
            break
    for wanted in ("rollback", "model-file", "purpose", "new-label", "try", "teach"):
        assert wanted in reached, f"Tab does not reach {wanted}: {reached}"
    page.all("#rollback")[0].send_keys(Keys.ENTER)
    page.until(lambda: page.all("#confirm")[0].is_displayed(), "nothing is asked")
    ActionChains(page.browser).send_keys(Keys.ESCAPE).perform()
    page.until(lambda: not page.all("#confirm")[0].is_displayed(), "Escape does not cancel")
    assert page.focused() == "rollback", "the focus is lost"
    page.check_console()


def check_phone(page):
    page.check_width()
    page.sign_in()
    page.opened()
    page.until(lambda: len(page.all("#versions > li")) > 1, "no versions are shown")
    page.check_width()
    page.shoot("admin-phone", whole=True)
    page.check_accessibility("phone")
    page.check_console()


def check_offline(page):
    page.sign_in()
    page.opened()
    page.browser.set_network_conditions(offline=True, latency=0, throughput=0)
    page.until(lambda: "cannot be reached" in page.text("#state") or "offline" in
               page.text("#state"), "offline is not told")
    page.browser.set_network_conditions(offline=False, latency=0, throughput=10_000_000)
    page.opened()


def check_without_token(page):
    """A server without a token and without a state folder."""
    page.opened()
    assert "keeps no models" in page.text("#notices"), "a missing state folder is not told"
    assert not page.all("#change-card")[0].is_displayed(), "an upload is offered all the same"
    assert "last until it ends" in page.text("#stored"), "examples in memory are not told"
    page.check_accessibility("without a token")
    page.shoot("admin-plain")
    page.check_console()


def check_vacancy(page, work):
    page.until(lambda: "No model is live" in page.text("#notices"), "the vacancy is not told")
    page.shoot("admin-vacant")
    page.check_accessibility("vacant")
    page.send(work / "third.safetensors")
    page.live("third")
    page.check_console()


def check_forgery(page, server):
    """A page on another port of the host is sent the cookie, and can do nothing with it."""
    live = page.text("#live")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page.browser.get(f"http://127.0.0.1:{other.server_port}/")
        for method, path in (("POST", "/admin/rollback"), ("GET", "/admin/model")):
            kind = page.browser.execute_async_script(
                "const [method, address, done] = arguments;"
                "fetch(address, { method, mode: 'no-cors', credentials: 'include' })"
                ".then((answer) => done(answer.type), () => done('error'));",
                method, f"{server.admin}{path}")
            assert kind in ("opaque", "error"), f"another page reads {path}: {kind}"
        other.shutdown()
    server.logged("(refused)")
    page.browser.get(page.url)
    page.opened()
    assert page.text("#live") == live, "another page has changed the model"


def main():
    program, work, shots = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    work = work.resolve()
    for name in ("second", "third"):
        subprocess.run(
            [program, "convert", EMBEDDED, str(work / f"{name}.safetensors"), "--name", name],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    token = work / "token"
    token.write_text(TOKEN, encoding="ascii")
    token.chmod(0o600)
    empty = work / "empty"
    empty.mkdir()

    def window(server, *arguments, size=(1200, 1000)):
        return contextlib.closing(
            Admin(f"{server.admin}/admin/", shots, *arguments, size=size))

    with Server(program, work, "--state-dir", work / "state",
                "--admin-token-file", token) as server:
        server.wait_until_ready()
        with window(server) as page:
            check_signing_in(page, work)
            check_swap(page, work, server)
            check_canary(page, work, server)
            check_teaching(page, work, server)
            check_forgery(page, server)
            check_signing_out(page)
            # The browser tells about refusals, which are wanted here.
            page.check_console(allowed=(
                "status of 401", "status of 403", "status of 422", "ERR_BLOCKED_BY_RESPONSE"))
        print("admin, desktop: as expected")
        with window(server) as page:
            check_keyboard(page)
        with window(server, "--force-dark-mode", "--touch-events=enabled",
                    size=(390, 844)) as page:
            check_phone(page)
        with window(server) as page:
            check_offline(page)
        print("admin, keyboard, phone, offline: as expected")
    with Server(program, work) as server:
        server.wait_until_ready()
        with window(server) as page:
            check_without_token(page)
    # It waits for a store that names nothing yet.
    with Server(program, work, "--state-dir", work / "vacant", "--model-store", empty,
                model=None) as server, window(server) as page:
        check_vacancy(page, work)
    print("admin without token, without state folder, without model: as expected")


if __name__ == "__main__":
    main()
