"""A browser window for the checks of pages: headless Chromium, its console, axe-core."""

import base64
import pathlib

import axe_core_python
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

# Seconds, also on a machine with much else to do.
PATIENCE = 60
SCRIPT_PATIENCE = 120
AXE = pathlib.Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")

# What a browser hands to a page when files are dropped or pasted.
HAND_OVER = """
const [kind, place, given] = arguments;
const files = new DataTransfer();
for (const [name, type, text] of given) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  files.items.add(new File([bytes], name, { type }));
}
const event = kind === "paste"
  ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true, cancelable: true })
  : new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true });
place.dispatchEvent(event);
"""


class Window:
    """One browser window at a page."""

    def __init__(self, url, shots, *arguments, size=(1200, 1000)):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", *arguments):
            options.add_argument(argument)
        options.add_argument(f"--window-size={size[0]},{size[1]}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.browser = webdriver.Chrome(
            options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.browser.set_script_timeout(SCRIPT_PATIENCE)
        self.url = url
        self.shots = shots
        self.browser.get(url)

    def until(self, condition, complaint):
        try:
            return WebDriverWait(self.browser, PATIENCE).until(lambda _: condition())
        except TimeoutException:
            self.shoot("failure")
            raise AssertionError(complaint) from None

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        found = self.all(selector)
        return found[0].text if found else ""

    def shoot(self, name, whole=False):
        """Saves what is seen, or the whole page."""
        if not whole:
            self.browser.save_screenshot(str(self.shots / f"{name}.png"))
            return
        size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = self.browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        (self.shots / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))

    def hand_over(self, kind, selector, media_type, *files):
        given = [
            (file.name, media_type, base64.b64encode(file.read_bytes()).decode())
            for file in files]
        self.browser.execute_script(HAND_OVER, kind, self.all(selector)[0], given)

    def check_width(self):
        widths = self.browser.execute_script(
            "return [document.documentElement.scrollWidth, window.innerWidth];")
        assert widths[0] <= widths[1], f"the page is {widths[0]} wide on a screen of {widths[1]}"

    def focused(self):
        """Returns the element with the focus, which must be seen to have it."""
        focused = self.browser.switch_to.active_element
        outline = self.browser.execute_script(
            "return [arguments[0], arguments[0].closest('label') ?? arguments[0]]"
            ".map((shown) => getComputedStyle(shown).outlineStyle)"
            ".find((style) => style !== 'none') ?? 'none';", focused)
        name = focused.get_attribute("id") or focused.get_attribute("name") or focused.tag_name
        assert outline != "none", f"the focus on {name} cannot be seen"
        return name

    def check_accessibility(self, name):
        self.browser.execute_script(AXE)
        found = self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run().then(done);")
        serious = [
            f"{item['id']}: {item['help']} ({item['nodes'][0]['html'][:100]})"
            for item in found["violations"] if item["impact"] in ("serious", "critical")]
        assert not serious, f"{name}: axe-core: {serious}"

    def check_console(self, allowed=()):
        lines = [
            entry["message"] for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
            and not any(text in entry["message"] for text in allowed)]
        assert not lines, f"the console has {lines}"

    def close(self):
        self.browser.quit()
