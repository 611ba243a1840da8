"""Results on the page: marks, the table, labels and downloads."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.local.chromium import CAFE, Page, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

MICROSCOPE = "👩🏽‍🔬"
"""More UTF-16 units, and more code points, than one sees."""


def test_typing_and_ctrl_enter_mark_the_entities(page: Page) -> None:
    page.one("#input").send_keys("We work at Acme, not at Acme.", Keys.CONTROL, Keys.ENTER)
    page.wait(page.is_done)
    assert page.marks() == [("We work at ", "Acme", "ORG"), ("We work at Acme, not at ", "Acme", "ORG")]
    assert page.text_of("#text") == "We work at Acme, not at Acme."
    assert "2 entities in 29 characters" in page.text_of("#status")
    rows = [row.text.split() for row in page.browser.find_elements(By.CSS_SELECTOR, "#rows tr")]
    assert rows == [["Acme", "ORG", "11", "15"], ["Acme", "ORG", "24", "28"]]


def test_offsets_after_emoji_and_combining_characters(page: Page) -> None:
    text = f"🧪 Acme {MICROSCOPE} {CAFE} A\u030a 🔥🔥Acme\n𝛼 Acme"
    assert text != unicodedata.normalize("NFC", text)
    page.write(text)
    page.find()
    assert page.text_of("#text") == text
    expected = [("Acme", "ORG"), (CAFE, "PLACE"), ("Acme", "ORG"), ("Acme", "ORG")]
    assert [(found, label) for _, found, label in page.marks()] == expected
    assert [before for before, _, _ in page.marks()] == [
        "🧪 ",
        f"🧪 Acme {MICROSCOPE} ",
        f"🧪 Acme {MICROSCOPE} {CAFE} A\u030a 🔥🔥",
        f"🧪 Acme {MICROSCOPE} {CAFE} A\u030a 🔥🔥Acme\n𝛼 ",
    ]


def test_text_and_labels_are_never_html(page: Page) -> None:
    text = "<img src=x onerror=document.title='gone'> odd <script>document.title='gone'</script> Acme & &amp;"
    page.write(text)
    page.find()
    assert page.text_of("#text") == text
    assert [(found, label) for _, found, label in page.marks()] == [("odd", "<b>ODD</b>"), ("Acme", "ORG")]
    assert page.browser.find_elements(By.CSS_SELECTOR, "main img, main script, main b") == []
    assert page.browser.title == "en_pipeline"


def test_a_text_from_right_to_left(page: Page) -> None:
    page.one("#examples button:last-child").click()
    page.wait(page.is_done)
    page.write("حديد صلب Acme")
    page.find()
    for element in ("#input", "#text", "#rows td", "#examples button:last-child"):
        direction = page.one(element).value_of_css_property("direction")
        assert direction == "rtl", element
    assert page.marks() == [("", "حديد", "METAL"), ("حديد صلب ", "Acme", "ORG")]


def test_overlaps_stay_in_the_table(page: Page) -> None:
    page.browser.execute_script(
        "show('🧪 ab cd', {took: 1, headers: new Headers(), entities: "
        "[{text: 'ab cd', label: 'A', start: 2, end: 7}, {text: 'cd', label: 'B', start: 5, end: 7}]})"
    )
    assert page.marks() == [("🧪 ", "ab cd", "A")]
    assert page.text_of("#note").startswith("1 entity overlaps")
    assert len(page.browser.find_elements(By.CSS_SELECTOR, "#rows tr")) == 2


def test_a_label_can_be_hidden(page: Page) -> None:
    page.write("Acme odd")
    page.find()
    keys = {key.text.split()[0]: key for key in page.browser.find_elements(By.CSS_SELECTOR, "#legend button")}
    assert set(keys) == {"<b>ODD</b>", "METAL", "ORG", "PLACE"}
    keys["ORG"].send_keys(Keys.SPACE)
    assert keys["ORG"].get_attribute("aria-pressed") == "false"
    assert [mark.text for mark in page.browser.find_elements(By.CSS_SELECTOR, "mark.off")] == ["Acme"]


def test_a_long_text_does_not_break_the_page(page: Page) -> None:
    page.write("word " * 5000 + "x" * 5000 + " Acme" * 1500)
    page.find()
    assert len(page.marks()) == 1500
    assert "first 1,000" in page.text_of("#note")
    assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert page.browser.execute_script("return document.getElementById('text').clientHeight <= innerHeight")


def test_downloads(page: Page, tmp_path: Path) -> None:
    page.browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.browser.execute_script(
        "show('a \"b\", Acme', {took: 1, headers: new Headers(), entities: "
        "[{text: 'a \"b\", Acme', label: 'A,B', start: 0, end: 11}, {text: 'Acme', label: 'ORG', start: 7, end: 11}]})"
    )
    for kind in ("json", "csv"):
        page.one(f"#as-{kind}").click()
    files = [tmp_path / "entities.json", tmp_path / "entities.csv"]
    page.wait(lambda: all(file.exists() and file.stat().st_size for file in files))
    assert [entity["label"] for entity in json.loads(files[0].read_text(encoding="utf-8"))] == ["A,B", "ORG"]
    rows = list(csv.reader(files[1].read_text(encoding="utf-8-sig").splitlines()))
    assert rows == [["text", "label", "start", "end"], ['a "b", Acme', "A,B", "0", "11"], ["Acme", "ORG", "7", "11"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_a_cell_of_a_csv_file_is_never_a_formula(page: Page, text: str) -> None:
    content = page.browser.execute_script(
        "show(arguments[0], {took: 1, headers: new Headers(), entities: "
        "[{text: arguments[0], label: arguments[0], start: 0, end: 2},"
        " {text: 'a;=1', label: 'ORG', start: 0, end: 1}]});"
        "return csv()",
        text,
    )
    _, first, second = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""))
    assert first == [f"'{text}", f"'{text}", "0", "2"]
    assert second == ["a;=1", "ORG", "0", "1"]
    assert '"a;=1"' in content  # a semicolon is the separator of some languages


@pytest.mark.parametrize("width", [320, 1100])
def test_many_and_long_labels_fit(page: Page, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.browser.execute_script(
            "const text = Array.from({length: 30}, (_, i) => `word${i}`).join(' ');"
            "const entities = Array.from(text.matchAll(/word(\\d+)/g), ({0: text, 1: n, index}) =>"
            " ({text, label: (n === '3' ? 'LONG_'.repeat(40) : 'L_') + n, start: index, end: index + text.length}));"
            "for (let n = 30; n < 50; n++) labels.push(`LABEL_${n}`);"
            "document.getElementById('about').textContent = 'x'.repeat(500);"
            "show(text, {took: 1, headers: new Headers(), entities})"
        )
        assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert len(page.all("#legend .key")) == 30
        assert page.browser.execute_script(
            "return [...document.querySelectorAll('.key')].every(key => key.scrollWidth <= key.clientWidth)"
        )
        hues = page.browser.execute_script(
            "return new Set([...document.querySelectorAll('mark')].map(m => m.style.getPropertyValue('--hue'))).size"
        )
        assert hues == 30
        page.one("#more").click()
        assert len(page.all("#legend .key")) >= 50
        assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_there_is_nothing_to_compare_with(page: Page) -> None:
    assert not page.one("#offer").is_displayed()
    assert page.text_of("#summary") == ""
