"""Uses the page at / as people do, in headless Chromium, against a server that is running.

usage: check.py URL PICTURES SHOTS
  PICTURES   folder with ship.jpg, another.png and broken.jpg
  SHOTS      folder for screenshots
"""

import contextlib
import os
import pathlib
import sys
import urllib.parse

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import Window


class Page(Window):
    """One browser window at the page."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        state = "needed." if "PAGE_KEY" in os.environ else "ready"
        self.until(lambda: self.text("#state").endswith(state), "the model is not shown")

    def answers(self, count):
        """Waits for cards with classes or a problem, and returns them, the newest first."""
        self.until(
            lambda: len(self.all("#results article ol, #results article .problem")) >= count,
            f"there are not {count} answers")
        return self.all("#results article")


def best(card):
    return card.find_element(By.CSS_SELECTOR, "li button").text.split("\n")


def check_desktop(page, pictures):
    ship = pictures / "ship.jpg"
    page.hand_over("drop", "#drop", "image/jpeg", ship)
    dropped = page.answers(1)[0]
    label, share = best(dropped)
    assert label and share.endswith(" %"), f"the answer to a dropped picture is {label} {share}"
    assert "inference" in dropped.text and "decode" in dropped.text, "no time of each stage"
    page.hand_over("paste", "#drop", "image/png", ship)
    assert best(page.answers(2)[0]) == [label, share], "a pasted picture has another answer"
    page.all("#files")[0].send_keys(f"{ship}\n{pictures / 'another.png'}")
    assert len(page.answers(4)) == 4, "two chosen files are not two cards"

    button = page.all("#results article li button")[0]
    button.click()
    page.until(lambda: button.get_attribute("aria-pressed") == "true", "no map is shown")
    painted = page.browser.execute_script(
        "const canvas = document.querySelector('#results canvas');"
        "return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.some((value) => value > 0);")
    assert painted, "the map is empty"
    page.shoot("desktop")
    page.check_accessibility("desktop")

    page.hand_over("drop", "#drop", "image/jpeg", pictures / "broken.jpg")
    card = page.answers(5)[0]
    problem = card.find_element(By.CSS_SELECTOR, "[role=alert]").text
    assert problem.startswith("Refused (4"), f"a broken picture is told as {problem}"
    page.shoot("refused")

    host = urllib.parse.urlsplit(page.url).netloc
    for radio in page.all("[name=language]"):
        radio.find_element(By.XPATH, "..").click()
        assert host in page.text("#code"), "an example names another host"
    page.all("summary")[0].click()
    page.all("#search")[0].send_keys("bus")
    assert 0 < len(page.all("#labels li")) < 20, "the search in the labels finds nothing"
    # The refused picture is an answer that the browser tells about.
    page.check_console(allowed=("status of 400", "status of 415"))


def check_keyboard(page, pictures):
    """Reaches everything by Tab alone, with a focus that can be seen."""
    reached = []
    for _ in range(12):
        # Not to the element: text sent to a choice of files is a path.
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.focused())
        if reached[-1] == "summary":
            break
    for wanted in ("files", "language", "copy", "summary"):
        assert wanted in reached, f"Tab does not reach {wanted}: {reached}"
    page.all("#files")[0].send_keys(str(pictures / "ship.jpg"))
    page.answers(1)
    button = page.all("#results article li button")[0]
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-pressed") == "true", "Enter shows no map"
    spoken = page.browser.execute_script("return document.getElementById('spoken').textContent;")
    assert "ship.jpg: " in spoken, "a screen reader is told nothing"


def check_phone(page, pictures):
    page.all("#files")[0].send_keys(str(pictures / "ship.jpg"))
    page.answers(1)
    page.all("#results article li button")[0].click()
    page.check_width()
    page.shoot("phone")
    page.check_accessibility("phone")
    page.check_console()


def check_offline(page, pictures):
    page.browser.set_network_conditions(offline=True, latency=0, throughput=0)
    page.all("#files")[0].send_keys(str(pictures / "ship.jpg"))
    card = page.answers(1)[0]
    assert "cannot be reached" in card.text, f"offline is told as {card.text}"
    page.browser.set_network_conditions(offline=False, latency=0, throughput=10_000_000)
    card.find_element(By.CSS_SELECTOR, "button.plain").click()
    page.until(lambda: page.all("#results article ol"), "the second try has no answer")


def check_key(page, pictures):
    """Shows a key to a server that wants one: first a wrong one, then the right one."""
    page.all("#files")[0].send_keys(str(pictures / "ship.jpg"))
    page.until(lambda: page.text("#results article").endswith("API key …"), "no key is asked for")
    for key, words in (("short", "16 to 512"), ("x" * 16, "does not know")):
        page.all("#key")[0].send_keys(key, Keys.ENTER)
        page.until(lambda: words in page.text("#key-state"), f"the key {key} is taken")
        page.all("#key")[0].clear()
    page.shoot("key")
    page.check_accessibility("key")
    page.all("#key")[0].send_keys(os.environ["PAGE_KEY"])
    page.all("#use-key")[0].click()
    page.answers(1)
    page.until(lambda: page.text("#state").endswith("ready"), "the model is not shown")
    assert not page.all("#key-card")[0].is_displayed(), "the key is asked for again"
    assert "$KEY" in page.text("#code"), "the example shows no key"
    # The tab keeps it.
    page.browser.refresh()
    page.until(lambda: page.text("#state").endswith("ready"), "the key is forgotten")
    page.check_console(allowed=("status of 401",))


def main():
    url, pictures, shots = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    dark = "--force-dark-mode"
    windows = [
        ("desktop", check_desktop, (), (1200, 1000)),
        ("keyboard", check_keyboard, (), (1200, 1000)),
        ("phone, dark", check_phone, (dark, "--touch-events=enabled"), (390, 844)),
        ("offline", check_offline, (), (1200, 1000))]
    if "PAGE_KEY" in os.environ:
        windows = [("with an API key", check_key, (), (1200, 1000))]
    for name, check, arguments, size in windows:
        with contextlib.closing(Page(url, shots, *arguments, size=size)) as page:
            check(page, pictures.resolve())
        print(f"{name}: as expected")


if __name__ == "__main__":
    main()
