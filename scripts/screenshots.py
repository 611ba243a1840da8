"""Make the images of the documentation from the bundled pipeline: ``make screenshots``.

Needs chromium, chromedriver and selenium. The images are small, and are committed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "images"
PIPELINE = "en_scienceie_minilm"
TEXT = (
    "Thin films of iron oxide were grown on silicon by pulsed laser deposition. We study the oxidation of the films by "
    "Raman spectroscopy, and compare it with the corrosion of bulk iron."
)
SENTENCES = (
    "We simulate the diffusion of hydrogen in palladium by molecular dynamics.",
    "Tungsten coatings were deposited on copper by magnetron sputtering.",
    "Crack propagation in the ceramic is modelled with the finite element method.",
    "Graphene sheets are transferred to silica, and their conductivity is measured by impedance spectroscopy.",
)
ANNOTATED = (
    (
        "Thin films of zinc oxide were grown on sapphire by chemical vapour deposition.",
        "MATERIAL: Thin films|zinc oxide",
    ),
    ("We study the corrosion of steel in sea water.", "TASK: corrosion of steel; MATERIAL: steel|sea water"),
    ("The alloy was annealed, and its hardness measured by nanoindentation.", "MATERIAL: alloy; PROCESS: annealed"),
    ("A Monte Carlo simulation predicts the adsorption of methane.", "PROCESS: Monte Carlo simulation|adsorption"),
    ("Lithium batteries degrade by the growth of dendrites.", "MATERIAL: Lithium batteries|dendrites; PROCESS: growth"),
)
"""Texts with the annotations of one reader, by label."""

WIDTH = 900
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
FIND = (
    "const input = document.getElementById('input'); input.value = arguments[0];"
    "input.dispatchEvent(new Event('input', {bubbles: true})); document.getElementById('go').click();"
)
DONE = (
    "return document.getElementById('go').getAttribute('aria-disabled') === null"
    " && !document.getElementById('result').hidden"
)


def page(file: Path) -> None:
    """Draw the function's page after a request."""
    with _served() as url, _browser() as browser:
        _find(browser, url, TEXT)
        _draw(browser, file, height=976)


def page_in_dark(file: Path) -> None:
    """Draw the same page for a system with dark colours."""
    with _served() as url, _browser() as browser:
        feature = {"name": "prefers-color-scheme", "value": "dark"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        _find(browser, url, TEXT)
        _draw(browser, file, height=976)


def long_text(file: Path) -> None:
    """Draw the entities of a longer text, and the links to take them along."""
    with _served() as url, _browser() as browser:
        _find(browser, url, " ".join(SENTENCES))
        _draw(browser, file, height=640, start="document.getElementById('result')")


def comparison(file: Path) -> None:
    """Draw two pipelines side by side: the bundled one, and the same with a rule."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(compare=_with_rule(Path(folder))) as url,
        _browser() as browser,
    ):
        _find(browser, url, TEXT, ready="document.getElementById('compare').checked")
        _draw(browser, file, height=690, start="document.getElementById('summary')")


def evaluation(file: Path) -> None:
    """Draw the HTML report of an evaluation."""
    from spacy_lambda import evaluate

    with tempfile.TemporaryDirectory() as folder, chdir(folder), _browser() as browser:
        _annotated(Path("texts.spacy"))
        report = Path(folder, "report.html")
        report.write_text(evaluate(PIPELINE, "texts.spacy").to_html(), encoding="utf-8")
        browser.get(report.as_uri())
        _draw(browser, file, height=950, start="[...document.querySelectorAll('h2')][1]")


def cost(file: Path) -> None:
    """Draw the cost of a million texts of 50 ms by memory, by the prices of the command ``estimate``."""
    from spacy_lambda.sizing import EstimateOptions, Figures, estimate_cost, plot_svg

    figures = Figures(init_s=1.0, ms=50.0, peak_mb=210, cpus=1.0, source="the command line")
    found = estimate_cost(figures, EstimateOptions(latency_ms=100))
    file.write_text(plot_svg(found, title="a million texts of 50 ms on one vCPU"), encoding="utf-8")


IMAGES: dict[str, Callable[[Path], None]] = {
    "comparison.png": comparison,
    "cost.svg": cost,
    "evaluation.png": evaluation,
    "long-text.png": long_text,
    "page-dark.png": page_in_dark,
    "page.png": page,
}


def main() -> None:
    """Make all images, or those that are named."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or IMAGES:
        IMAGES[name](FOLDER / name)
        print(f"{name}: {(FOLDER / name).stat().st_size / 1000:.0f} kB")


@contextmanager
def _served(compare: Path | None = None) -> Iterator[str]:
    from spacy_lambda.local import FunctionSettings, LocalFunction, LocalLambda

    shown = {"SPACY_LAMBDA_PAGE": "on", "SPACY_LAMBDA_EXAMPLES": json.dumps([TEXT, SENTENCES[0]])}
    other = compare and LocalFunction(FunctionSettings(pipeline=compare, environment=shown))
    with LocalLambda(FunctionSettings(pipeline=Path(PIPELINE), environment=shown), compare=other) as local:
        yield local.endpoint_url


@contextmanager
def _browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    os.environ.update(SE_OFFLINE="true", NO_PROXY="localhost,127.0.0.1")
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--window-size={WIDTH},900", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))
        try:
            yield browser
        finally:
            browser.quit()


def _find(browser: Any, url: str, text: str, *, ready: str = "true") -> None:
    """Open the page, and find the entities of a text.

    :param ready: What is true of the page before the text is sent.
    """
    browser.get(f"{url}/")
    _wait(browser, f"return document.getElementById('name').textContent !== 'spaCy pipeline' && {ready}")
    for _ in range(2):  # the second call is warm
        browser.execute_script(FIND, text)
        _wait(browser, DONE)
    time.sleep(1)  # transitions


def _wait(browser: Any, condition: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60).until(lambda one: one.execute_script(condition))


def _draw(browser: Any, file: Path, *, height: int, start: str = "null") -> None:
    """Write what is at the top of the page, or from an element on.

    :param height: The most pixels of it.
    :param start: The element, in JavaScript.
    """
    top, end = browser.execute_script(
        f"const box = {start}?.getBoundingClientRect();"
        "return [box ? box.top + scrollY - 12 : 0, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": top, "width": WIDTH, "height": min(height, end - top), "scale": 1}
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    file.write_bytes(base64.b64decode(taken["data"]))


def _with_rule(folder: Path) -> Path:
    import spacy

    nlp = spacy.load(PIPELINE)
    ruler: Any = nlp.add_pipe("entity_ruler", config={"overwrite_ents": True})
    ruler.add_patterns([{"label": "MATERIAL", "pattern": "Thin films"}, {"label": "PROCESS", "pattern": "corrosion"}])
    nlp.meta["version"] = "0.3.0"
    nlp.to_disk(folder / "with_rule")
    return folder / "with_rule"


def _annotated(corpus: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    nlp, stored = spacy.blank("en"), DocBin()
    for text, labelled in ANNOTATED:
        doc = nlp(text)
        pairs = [one.split(": ") for one in labelled.split("; ")]
        found = [(label, span) for label, spans in pairs for span in spans.split("|")]
        spans = [doc.char_span(text.index(span), text.index(span) + len(span), label) for label, span in found]
        doc.ents = spacy.util.filter_spans([span for span in spans if span is not None])
        stored.add(doc)
    stored.to_disk(corpus)


if __name__ == "__main__":
    main()
