"""The text on the page: examples, files, links and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.runtime.predictor import Predictor
from tests.local.gateways import GATEWAYS, serve_behind
from tests.local.local_lambda import Lambda

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import alert_is_present
from selenium.webdriver.support.ui import WebDriverWait

from tests.local.chromium import ENVIRON, SECONDS, Page, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.mark.parametrize("number", range(3))
def test_examples(page: Page, number: int) -> None:
    page.browser.find_elements(By.CSS_SELECTOR, "#examples button")[number].click()
    page.wait(page.is_done)
    assert page.text_of("#text") == page.one("#input").get_property("value")
    assert not page.one("#error").is_displayed()


def test_a_file_can_be_dropped(page: Page) -> None:
    page.browser.execute_script(
        "const data = new DataTransfer(); data.items.add(new File(['🧪 Acme\\n'], 'text.txt'));"
        "document.getElementById('input').dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}))"
    )
    page.wait(lambda: page.one("#input").get_property("value") == "🧪 Acme\n")
    page.find()
    assert page.marks() == [("🧪 ", "Acme", "ORG")]


@pytest.mark.parametrize(
    ("file", "title", "detail"),
    [
        (
            "new File([new Uint8Array([0x41, 0xe9, 0x42])], 'latin1.txt')",
            "The file cannot be read as UTF-8",
            "latin1.txt: ",
        ),
        ("new File(['🧪'.repeat(most + 1)], 'long.txt')", "The file is too large", "long.txt has "),
        ("new File(['a'.repeat(most + 1)], 'long.txt')", "The text is too long", " characters; the limit is "),
        (
            "Object.assign(new File([''], 'gone.txt'), {arrayBuffer: () => Promise.reject(Error('It is gone.'))})",
            "The file cannot be read as UTF-8",
            "gone.txt: It is gone.",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_is_reported_and_the_text_kept(
    page: Page, file: str, title: str, detail: str
) -> None:
    page.write("Acme")
    page.browser.execute_script(
        f"const event = new Event('drop'); event.dataTransfer = {{files: [{file}]}};"
        "document.getElementById('input').dispatchEvent(event)"
    )
    page.wait(lambda: page.one("#error").is_displayed())
    assert page.text_of("#error strong") == title
    assert detail in page.text_of("#error .detail")
    assert page.text_of("#error .remedy")
    assert page.one("#input").get_property("value") == "Acme"


def test_the_limits_and_the_length_are_shown(page: Page) -> None:
    page.write("🧪 Acme")
    length, _, limit = page.text_of("#meter").removesuffix(" characters").partition(" of ")
    assert (length, int(limit.replace(",", "")) > 10_000) == ("6", True)
    assert page.texts_of("#limits dt") == ["One text", "One request", "Time"]
    page.write("a" * (int(limit.replace(",", "")) + 1))
    assert "over" in page.one("#meter").get_attribute("class")
    page.find()
    assert page.text_of("#error strong") == "The text is too long"


def test_a_link_carries_the_text_in_its_fragment(page: Page, tried: Lambda) -> None:
    text = "It's 🧪 Acme & 100% #odd?\nin two lines"
    page.browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": tried.endpoint_url},
    )
    page.write(text)
    page.find()
    page.one("#link").click()
    page.wait(lambda: page.text_of("#link") == "Link copied")
    copied = page.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    base = copied.partition("#")[0]
    assert (base, page.browser.current_url) == (f"{tried.endpoint_url}/", copied)
    page.browser.get("about:blank")
    opened = Page(page.browser, copied)
    assert opened.one("#input").get_property("value") == text
    assert opened.text_of("#status").startswith("This text comes from the link")
    assert not opened.one("#result").is_displayed()
    opened.browser.execute_script("location.hash = 'text=%E0%A4%A'")
    opened.wait(lambda: "damaged" in opened.text_of("#status"))
    opened.browser.execute_script("location.hash = 'text='")
    opened.wait(lambda: opened.text_of("#status") == "This link has no text.")
    assert opened.one("#input").get_property("value") == text


def test_an_edited_text_is_no_longer_that_of_the_link(page: Page, tried: Lambda) -> None:
    page.browser.get("about:blank")
    opened = Page(page.browser, f"{tried.endpoint_url}/?a=b#text=Acme")
    assert page.browser.current_url.endswith("/?a=b#text=Acme")
    opened.one("#input").send_keys(" is mine")
    assert page.browser.current_url == f"{tried.endpoint_url}/?a=b"
    page.browser.refresh()
    opened.wait(lambda: opened.text_of("#name") == "en_pipeline")
    assert opened.one("#input").get_property("value") == "Acme is mine"
    assert opened.text_of("#status") == ""
    page.browser.get("about:blank")
    page.browser.back()
    opened.wait(lambda: opened.text_of("#name") == "en_pipeline")
    assert opened.one("#input").get_property("value") == "Acme is mine"


def test_a_link_replaces_a_written_text_only_when_allowed(page: Page) -> None:
    page.write("mine")
    for allowed, text, anchor in ((False, "mine", ""), (True, "Acme", "#text=Acme")):
        page.browser.execute_script("setTimeout(() => { location.hash = 'text=Acme'; })")
        question = WebDriverWait(page.browser, SECONDS).until(alert_is_present())
        assert "that of the link" in question.text
        question.accept() if allowed else question.dismiss()
        page.wait(lambda text=text: page.one("#input").get_property("value") == text)
        assert page.browser.current_url.endswith(f"/{anchor}")


def test_a_link_has_the_text_of_the_result_that_is_shown(page: Page) -> None:
    page.browser.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; };")
    page.write("Acme")
    page.find()
    page.write("another text")
    page.one("#link").click()
    page.wait(lambda: page.text_of("#link") == "Link copied")
    assert page.browser.execute_script("return copied").endswith("#text=Acme")
    assert "#" not in page.browser.current_url


def test_own_examples_sources_and_the_intended_use(browser: Any, with_page: Path) -> None:
    nlp = spacy.load(with_page)
    nlp.meta.update(sources=[{"name": "A corpus", "url": "javascript:alert(1)", "license": "CC0"}, "notes"])
    own = {"SPACY_LAMBDA_EXAMPLES": '["odd first", "حديد"]', "SPACY_LAMBDA_NOTES": "For metals only."}
    with serve_behind(GATEWAYS["REST API"][0], Predictor(nlp, {**ENVIRON, **own})) as url:
        page = Page(browser, f"{url}/prod/ner")
        assert browser.current_url == f"{url}/prod/ner/"
        assert page.texts_of("#examples button") == ["odd first", "حديد"]
        page.all("#examples button")[1].click()
        page.wait(page.is_done)
        assert page.marks() == [("", "حديد", "METAL")]
        assert page.text_of("#notes") == "For metals only."
        assert page.text_of("#source") == "MIT · Made from A corpus (CC0), notes"
        assert not page.all("a[href^=javascript]")
        assert page.errors() == []
