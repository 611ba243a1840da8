"""Take the screenshots of the documentation from the real page: ``python scripts/screenshots.py``.

Needs chromium, chromedriver and selenium. The images are small, and are committed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from spacy_lambda.local import FunctionSettings, LocalLambda

IMAGES = Path(__file__).parents[1] / "docs" / "images"
TEXT = (
    "Thin films of iron oxide were grown on silicon by pulsed laser deposition. We study the oxidation of the films by "
    "Raman spectroscopy, and compare it with the corrosion of bulk iron."
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")


def main() -> None:
    """Serve the bundled pipeline, find the entities of a text on its page, and take a picture."""
    IMAGES.mkdir(exist_ok=True)
    settings = FunctionSettings(pipeline=Path("en_scienceie_minilm"), environment={"SPACY_LAMBDA_PAGE": "on"})
    with LocalLambda(settings) as local, tempfile.TemporaryDirectory() as profile:
        browser = start(profile)
        try:
            browser.get(f"{local.endpoint_url}/")
            time.sleep(2)
            browser.execute_script(
                "const input = document.getElementById('input'); input.value = arguments[0];"
                "input.dispatchEvent(new Event('input', {bubbles: true})); document.getElementById('go').click();",
                TEXT,
            )
            time.sleep(3)
            browser.save_screenshot(str(IMAGES / "page.png"))
        finally:
            browser.quit()


def start(profile: str) -> Any:
    """Return a headless browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, "--window-size=900,880", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    os.environ.update(SE_OFFLINE="true", NO_PROXY="localhost,127.0.0.1")
    return webdriver.Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))


if __name__ == "__main__":
    main()
