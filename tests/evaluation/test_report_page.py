"""The HTML report: escaped, self-contained, and filtered by kind and label in a headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda import evaluate
from spacy_lambda.evaluation import Evaluation
from spacy_lambda.evaluation.displacy_text import draw_text, label_colors
from tests.evaluation.corpora import SPANS, span, write_corpus, write_rules

HOSTILE = "<script>alert('text')</script> iron & {glass} @@title@@"
LABEL = "<b>ODD</b>"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("report")
    texts = (HOSTILE, "iron oxide on glass", "heat, heat")
    entities = (
        ((31, 35, "MATERIAL"),),
        ((0, 10, "MATERIAL"), (14, 19, "MATERIAL")),
        ((0, 4, "PROCESS"), (6, 10, "PROCESS")),
    )
    rules = {"iron": "MATERIAL", "glass": LABEL, "heat": "PROCESS"}
    corpus = write_corpus(folder / "dev.spacy", texts, entities)
    write_rules(folder / "<i>other", {"heat": "MATERIAL"}, name="other")
    return evaluate(write_rules(folder / "rules", rules), corpus, compare=folder / "<i>other")


def test_texts_and_labels_are_escaped(evaluation: Evaluation) -> None:
    page = evaluation.to_html()
    assert page.count("<script") == 1
    assert "<b>ODD" not in page
    assert "<i>other" not in page
    assert "&lt;script&gt;alert(" in page
    assert "&lt;b&gt;ODD&lt;/b&gt;" in page


def test_nothing_is_loaded(evaluation: Evaluation) -> None:
    page = evaluation.to_html()
    assert re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'>]*)", page) == ["data:,"]
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_overlapping_spans_are_drawn_on_lines() -> None:
    spans = {span(0, 4, "A"): "correct", span(0, 10, "B"): "missed"}
    drawn = draw_text("iron oxide", ((0, 4), (5, 10)), spans, colors=label_colors(["A", "B"]))
    assert 'class="spans"' in drawn
    assert drawn.count("top: 40px") + drawn.count("top: 57px") > 3


def test_a_report_without_errors_has_no_filters(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "dev.spacy", ["iron"], [((0, 4, "MATERIAL"),)])
    page = evaluate(write_rules(tmp_path / "rules"), corpus).to_html()
    assert "No errors." in page
    assert "<form" not in page


def test_spans_of_a_categorizer_have_a_report(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "dev.spacy", ["iron oxide"], [((0, 4, "A"), (0, 10, "B"))], key=SPANS)
    nlp = spacy.blank("xx")
    ruler: Any = nlp.add_pipe("span_ruler", config={"spans_key": SPANS})
    ruler.add_patterns([{"label": "C", "pattern": "nothing"}])
    nlp.to_disk(tmp_path / "rules")
    page = evaluate(tmp_path / "rules", corpus).to_html()
    assert page.count("data-kind=") == 2
    assert 'class="spans"' in page


pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

from tests.local.chromium import needs_chromium, start_chromium  # noqa: E402


class Report:
    """The open report."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def shown(self, selector: str) -> list[Any]:
        found = self.browser.find_elements(By.CSS_SELECTOR, selector)
        return [one for one in found if one.is_displayed()]

    def press(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def choose(self, label: str) -> None:
        Select(self.browser.find_element(By.NAME, "label")).select_by_visible_text(label)

    def status(self) -> str:
        return str(self.browser.find_element(By.ID, "shown").text)


@pytest.fixture
def report(evaluation: Evaluation, tmp_path: Path) -> Iterator[Report]:
    path = tmp_path / "report.html"
    path.write_text(evaluation.to_html(), encoding="utf-8")
    browser = start_chromium(tmp_path / "chromium")
    try:
        browser.get(path.as_uri())
        yield Report(browser)
        assert [one for one in browser.get_log("browser") if one["level"] in ("SEVERE", "ERROR")] == []
    finally:
        browser.quit()


@pytest.mark.slow
@needs_chromium
def test_errors_are_filtered_by_kind_label_and_difference(report: Report) -> None:
    assert report.status() == "3 errors in 2 documents"
    assert len(report.shown("article")) == 2  # the third document has no error
    report.choose(LABEL)
    assert report.status() == "2 errors in 2 documents"
    report.press("[value=spurious]")
    assert [one.text for one in report.shown(".errors li")] == [f"wrong label glass MATERIAL → glass {LABEL}"]
    report.choose("all")
    assert report.status() == "2 errors in 1 document"
    report.press("[value=spurious]")
    report.press("[name=differing]")
    assert report.status() == "3 errors in 3 documents"
    texts = [one.text for one in report.shown("article:first-of-type .entities")]
    assert texts[0].startswith("<script>alert('text')</script>")
    assert report.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
