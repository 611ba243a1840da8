"""The page in a headless Chromium, as a person uses it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --no-proxy-server"
    " --disable-background-networking --disable-component-update --disable-sync --window-size=1100,1000"
)
ELSEWHERE = "elsewhere.example"
"""Another name of this machine; unlike ``localhost`` it is not a secure context without https."""

SECONDS = 30

CAFE = "cafe\u0301"
"""More code points than one sees."""

ENVIRON = {
    "SPACY_LAMBDA_PAGE": "on",
    "SPACY_LAMBDA_MAX_TEXT": "40000",
    "SPACY_LAMBDA_MAX_TOTAL": "40000",
    "SPACY_LAMBDA_EXAMPLES": json.dumps(["Acme", f"🧪 In the {CAFE} 🔥", "حديد صلب"]),
}
"""Variables of a function with a page; by default, a request could have so many characters that Chromium takes long."""

needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed (apt install chromium-driver)"
)


class Page:
    """The page of a pipeline called ``en_pipeline``, unless another name is given."""

    def __init__(self, browser: Any, url: str, name: str = "en_pipeline") -> None:
        self.browser = browser
        self.browser.get_log("browser")
        self.browser.get(url)
        self.wait(lambda: self.text_of("#name") == name)

    def wait(self, condition: Any) -> None:
        WebDriverWait(self.browser, SECONDS, poll_frequency=0.05).until(lambda _: condition())

    def one(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        found: list[Any] = self.browser.find_elements(By.CSS_SELECTOR, selector)
        return found

    def text_of(self, selector: str) -> str:
        return str(self.one(selector).get_property("textContent"))

    def texts_of(self, selector: str) -> list[str]:
        return [str(found.get_property("textContent")) for found in self.all(selector)]

    def write(self, text: str) -> None:
        """Insert text as pasting does; the driver cannot type characters beyond U+FFFF."""
        self.browser.execute_script(
            "const input = document.getElementById('input'); input.value = arguments[0];"
            "input.dispatchEvent(new Event('input', {bubbles: true}));",
            text,
        )

    def find(self) -> None:
        """Press the button, and wait for an answer or an error."""
        self.one("#go").click()
        self.wait(self.is_done)

    def is_done(self) -> bool:
        return self.one("#go").get_attribute("aria-disabled") is None and (
            self.one("#result").is_displayed() or self.one("#error").is_displayed()
        )

    def marks(self, box: str = "#text") -> list[tuple[str, str, str]]:
        """The text before each mark, its own, and its label."""
        found = self.browser.execute_script(
            "const box = document.querySelector(arguments[0]);"
            "return [...box.querySelectorAll('mark')].map(mark => {"
            " const before = document.createRange(); before.setStart(box, 0);"
            " before.setEndBefore(mark); return [before.toString(), mark.textContent, mark.dataset.label]; })",
            box,
        )
        return [(before, text, label) for before, text, label in found]

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "ERROR")]


def start_chromium(folder: Path) -> Any:
    """A new browser without any stored state."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1")
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SE_OFFLINE", "true")
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        return webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
