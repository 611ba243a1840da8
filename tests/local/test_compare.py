"""Two pipelines side by side on the page, in a headless Chromium, served by the local Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.local import FunctionSettings, LocalFunction
from tests.local.local_lambda import Lambda, settings

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys

from tests.local.chromium import ELSEWHERE, Page, needs_chromium

PAGE = {"SPACY_LAMBDA_PAGE": "on"}
MICROSCOPE = "👩🏽‍🔬"
CAFE = "cafe\u0301"
TEXT = f"🧪 Acme {MICROSCOPE} {CAFE} steel plate\niron 🔥 Bo حديد"

pytestmark = [pytest.mark.slow, needs_chromium]


def pipeline(path: Path, precision: str, labels: dict[str, str]) -> Path:
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": text} for text, label in labels.items()]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    nlp.meta.update(name="rules", version="1.2.0", spacy_lambda={"precision": precision})
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {"Acme": "ORG", CAFE: "PLACE", "steel plate": "THING", "iron": "METAL", "حديد": "METAL"}
    return pipeline(tmp_path_factory.mktemp("first"), "fp32", labels)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {"Acme": "ORG", CAFE: "<i>CITY</i>", "plate": "THING", "Bo": "PERSON", "حديد": "METAL"}
    return pipeline(tmp_path_factory.mktemp("second"), "int8", labels)


def real(path: Path, **environment: str) -> FunctionSettings:
    return settings(path, handler=HANDLER, code=None, environment=PAGE | environment)


@pytest.fixture(scope="module")
def both(first: Path, second: Path) -> Iterator[Lambda]:
    with Lambda(real(first), compare=LocalFunction(real(second))) as running:
        yield running


@pytest.fixture
def page(browser: Any, both: Lambda) -> Iterator[Page]:
    page = Page(browser, f"{both.endpoint_url}/", "en_rules")
    page.wait(page.one("#compare").is_selected)
    yield page
    assert page.errors() == []


def kinds(page: Page, side: int) -> list[tuple[str, str]]:
    marks = page.all(f"#sides section:nth-child({side}) mark.diff")
    return [(mark.get_property("textContent"), mark.get_attribute("class").split()[-1]) for mark in marks]


def rows(page: Page) -> list[list[str]]:
    script = "return [...document.querySelectorAll('#rows tr')].map(row => [...row.cells].map(c => c.textContent))"
    found: list[list[str]] = page.browser.execute_script(script)
    return found


def test_both_are_shown_with_their_differences(page: Page) -> None:
    page.write(TEXT)
    page.find()
    before_cafe = f"🧪 Acme {MICROSCOPE} "
    before_steel = f"{before_cafe}{CAFE} "
    before_iron = f"{before_steel}steel plate\n"
    before_bo = f"{before_iron}iron 🔥 "
    last = (f"{before_bo}Bo ", "حديد", "METAL")
    assert page.marks("#sides section:nth-child(1) .text") == [
        ("🧪 ", "Acme", "ORG"),
        (before_cafe, CAFE, "PLACE"),
        (before_steel, "steel plate", "THING"),
        (before_iron, "iron", "METAL"),
        last,
    ]
    assert page.marks("#sides section:nth-child(2) .text") == [
        ("🧪 ", "Acme", "ORG"),
        (before_cafe, CAFE, "<i>CITY</i>"),
        (f"{before_steel}steel ", "plate", "THING"),
        (before_bo, "Bo", "PERSON"),
        last,
    ]
    assert page.texts_of("#sides .text") == [TEXT, TEXT]
    assert kinds(page, 1) == [(CAFE, "name"), ("steel plate", "edge"), ("iron", "only")]
    assert kinds(page, 2) == [(CAFE, "name"), ("plate", "edge"), ("Bo", "only")]
    assert page.text_of("#summary") == "2 the same, 3 only in A, 3 only in B, agreement F1 0.40"
    assert page.texts_of("#sides h3") == ["A en_rules 1.2.0 fp32", "B en_rules 1.2.0 int8"]
    assert all(text.startswith("5 entities, ") and text.endswith(" ms. ") for text in page.texts_of("#sides .soft"))
    assert not page.all("#sides i, #rows i")


def test_the_table_shows_every_difference_and_leads_to_it(page: Page) -> None:
    page.write(TEXT)
    page.find()
    at = len(f"🧪 Acme {MICROSCOPE} ")
    cafe, steel, plate = (at, at + 5), (at + 6, at + 17), (at + 12, at + 17)
    iron, bo = (at + 18, at + 22), (at + 25, at + 27)
    assert rows(page) == [
        [CAFE, "PLACE", *map(str, cafe), f"In A; B has <i>CITY</i>, {cafe[0]} to {cafe[1]}"],
        [CAFE, "<i>CITY</i>", *map(str, cafe), f"In B; A has PLACE, {cafe[0]} to {cafe[1]}"],
        ["steel plate", "THING", *map(str, steel), f"In A; B has THING, {plate[0]} to {plate[1]}"],
        ["plate", "THING", *map(str, plate), f"In B; A has THING, {steel[0]} to {steel[1]}"],
        ["iron", "METAL", *map(str, iron), "Only in A"],
        ["Bo", "PERSON", *map(str, bo), "Only in B"],
    ]
    page.all("#rows button")[-1].send_keys(Keys.ENTER)
    focused = page.browser.switch_to.active_element
    assert (focused.get_property("textContent"), focused.get_attribute("title")) == (
        "Bo",
        f"PERSON, {bo[0]} to {bo[1]}. Only in B",
    )


def test_marks_differ_by_more_than_their_color_and_have_names(page: Page) -> None:
    page.write(TEXT)
    page.find()
    same, other = (page.one(f"#sides mark{which}") for which in (":not(.diff)", ".diff"))
    assert same.value_of_css_property("border-top-style") == "solid"
    assert other.value_of_css_property("border-top-style") == "dashed"
    tree = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names = [node["name"]["value"] for node in tree if node.get("name", {}).get("value")]
    for words in ("only here: ", "another label: ", "other bounds: "):
        assert names.count(words.strip()) + names.count(words) >= 2, words
    assert page.one("#summary").aria_role == "status"


def test_keyboard_alone(browser: Any, both: Lambda) -> None:
    page = Page(browser, f"{both.endpoint_url}/", "en_rules")
    page.wait(page.one("#compare").is_selected)
    page.wait(lambda: page.text_of("#offer").strip() == "Compare with en_rules 1.2.0 int8")
    assert page.text_of("#go") == "Compare"
    page.one("#input").send_keys("Acme and Bo", Keys.CONTROL, Keys.ENTER)
    page.wait(lambda: page.text_of("#summary") == "1 the same, 0 only in A, 1 only in B, agreement F1 0.67")
    page.one("#compare").send_keys(Keys.SPACE)
    page.one("#input").send_keys(Keys.CONTROL, Keys.ENTER)
    page.wait(lambda: page.marks() == [("", "Acme", "ORG")])
    assert page.text_of("#summary") == ""
    assert not page.one("#sides").is_displayed()
    assert page.errors() == []


def test_nothing_is_different(page: Page) -> None:
    for text, summary in (("Acme", "1 the same"), ("none", "0 the same")):
        page.write(text)
        page.find()
        assert page.text_of("#summary") == f"{summary}, 0 only in A, 0 only in B, agreement F1 1.00"
        assert rows(page) == [["No differences."]]
        assert not page.one("#signs").is_displayed()


def test_a_small_difference_among_many_is_not_rounded_away(page: Page) -> None:
    page.write("Acme " * 500 + "Bo")
    page.find()
    assert page.text_of("#summary") == "500 the same, 0 only in A, 1 only in B, agreement F1 0.99"


def test_two_of_one_name_are_distinguished(page: Page) -> None:
    page.write("Acme")
    page.find()
    page.browser.execute_script("sides[1].name = sides[0].name")
    page.find()
    page.wait(lambda: "second" in page.text_of("#sides"))
    assert page.texts_of("#sides h3") == ["A en_rules 1.2.0 fp32 (first)", "B en_rules 1.2.0 fp32 (second)"]


def test_waiting_for_the_metadata_of_the_other_can_be_cancelled(page: Page) -> None:
    page.browser.execute_script("sides[1].info = new Promise(() => {})")
    page.write("Acme")
    page.one("#go").click()
    page.wait(page.one("#cancel").is_displayed)
    page.wait(lambda: page.browser.execute_script("return performance.getEntriesByType('resource').length") >= 4)
    page.one("#cancel").click()
    page.wait(lambda: page.text_of("#status").startswith("Cancelled after"))
    assert not page.one("#cancel").is_displayed()


def test_the_snippet_of_boto3_names_the_other_function_on_its_page(browser: Any, both: Lambda) -> None:
    page = Page(browser, f"{both.endpoint_url}/compare/", "en_rules")
    page.one("#code summary").click()
    page.wait(lambda: "-compare" in page.text_of("#boto3"))
    assert f'endpoint_url="{both.endpoint_url}"' in page.text_of("#boto3")
    assert page.errors() == []


def test_hiding_a_label_hides_it_on_both_sides(page: Page) -> None:
    page.write("Acme iron")
    page.find()
    keys = {key.text.split()[0]: key for key in page.all("#legend button")}
    assert keys["ORG"].text == "ORG 1 | 1"
    keys["ORG"].click()
    assert [mark.text for mark in page.all("#sides mark.off")] == ["Acme", "Acme"]


def test_a_text_from_right_to_left(page: Page) -> None:
    page.write("حديد صلب Acme")
    page.find()
    directions = [pane.value_of_css_property("direction") for pane in page.all("#sides .text")]
    assert directions == ["rtl", "rtl"]


def test_long_texts_scroll_together_and_narrow_screens_stack(page: Page) -> None:
    page.write("word " * 5000 + "iron " * 1500)
    page.find()
    assert "first 1,000" in page.text_of("#note")
    assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    left, right = page.all("#sides .text")
    page.browser.execute_script("arguments[0].scrollTop = 1000", left)
    page.wait(lambda: right.get_property("scrollTop") > 500)
    assert left.location["y"] == right.location["y"]
    metrics = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert left.location["x"] == right.location["x"]
        assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_one_fails_and_the_other_is_shown(browser: Any, first: Path, second: Path) -> None:
    broken = LocalFunction(settings(second, environment=PAGE))
    with Lambda(real(first), compare=broken) as running:
        page = Page(browser, f"{running.endpoint_url}/", "en_rules")
        page.wait(page.one("#compare").is_selected)
        page.write("Acme iron")
        page.find()
        assert page.text_of("#summary") == "No response from B; nothing is compared."
        assert [text for _, text, _ in page.marks("#sides section:nth-child(1) .text")] == ["Acme", "iron"]
        assert page.text_of("#sides section:nth-child(2) h3") == "B unknown pipeline"
        assert page.text_of("#sides .bad strong").startswith("502")
        assert not page.all("mark.diff")
        assert not page.one("#table").is_displayed()
    page.find()
    assert page.text_of("#summary") == "No response from A and B; nothing is compared."
    # The browser itself writes down each answer that is an error; the page has added nothing.
    assert all("Failed to load resource" in message for message in page.errors())


def test_a_function_elsewhere(browser: Any, first: Path, second: Path) -> None:
    with Lambda(real(second, SPACY_LAMBDA_CORS="*"), allow_hosts=[ELSEWHERE]) as other:
        elsewhere = other.endpoint_url.replace("127.0.0.1", ELSEWHERE)
        with Lambda(real(first, SPACY_LAMBDA_COMPARE=elsewhere)) as running:
            page = Page(browser, f"{running.endpoint_url}/", "en_rules")
            page.wait(page.one("#compare").is_selected)
            page.write(TEXT)
            page.find()
            assert page.text_of("#summary").startswith("2 the same, 3 only in A")
            assert page.errors() == []


def test_a_function_elsewhere_that_does_not_let_the_page_call(browser: Any, first: Path, second: Path) -> None:
    with Lambda(real(second)) as other, Lambda(real(first, SPACY_LAMBDA_COMPARE=other.endpoint_url)) as running:
        page = Page(browser, f"{running.endpoint_url}/", "en_rules")
        page.wait(page.one("#compare").is_selected)
        page.write("Acme")
        page.find()
        assert f"its SPACY_LAMBDA_CORS names {running.endpoint_url}" in page.text_of("#sides .remedy")
        assert json.loads(page.text_of("#json")) == {"A": [{"text": "Acme", "label": "ORG", "start": 0, "end": 4}]}
        page.errors()
