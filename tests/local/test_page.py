"""The page, in a headless Chromium, served by the local Lambda."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import spacy

from spacy_lambda.core.lambda_function import HANDLER
from spacy_lambda.runtime.predictor import Predictor
from tests.local.gateways import GATEWAYS, serve_behind
from tests.local.local_lambda import Lambda, settings

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import alert_is_present
from selenium.webdriver.support.ui import WebDriverWait

from tests.local.chromium import ELSEWHERE, SECONDS, Page, needs_chromium

ENVIRON = {
    "SPACY_LAMBDA_PAGE": "on",
    "SPACY_LAMBDA_EXAMPLES": json.dumps(["Acme", "🧪 In the cafe\u0301 🔥", "حديد صلب"]),
}

# Each of these takes more UTF-16 units, or more code points, than one sees.
MICROSCOPE = "👩🏽‍🔬"
CAFE = "cafe\u0301"

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def with_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(  # type: ignore[attr-defined]
        [
            {"label": "ORG", "pattern": "Acme"},
            {"label": "PLACE", "pattern": CAFE},
            {"label": "METAL", "pattern": "حديد"},
            {"label": "<b>ODD</b>", "pattern": "odd"},
        ]
    )
    nlp.meta.update(license="MIT", performance={"ents_p": 0.5, "ents_r": 0.25, "ents_f": 0.333})
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def served(with_page: Path) -> Iterator[Lambda]:
    tried = settings(with_page, handler=HANDLER, code=None, environment=ENVIRON, name="tried")
    with Lambda(tried, allow_hosts=[ELSEWHERE]) as running:
        yield running


@pytest.fixture
def page(browser: Any, served: Lambda) -> Iterator[Page]:
    page = Page(browser, f"{served.endpoint_url}/")
    yield page
    assert page.errors() == []


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


@pytest.mark.parametrize("number", range(3))
def test_examples(page: Page, number: int) -> None:
    page.browser.find_elements(By.CSS_SELECTOR, "#examples button")[number].click()
    page.wait(page.is_done)
    assert page.text_of("#text") == page.one("#input").get_property("value")
    assert not page.one("#error").is_displayed()


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


def test_snippets_card_and_call(page: Page, served: Lambda) -> None:
    page.write("It's 🧪 Acme")
    page.find()
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#curl"))
    assert f"curl '{served.endpoint_url}/predict'" in page.text_of("#curl")
    assert r"It'\''s 🧪 Acme" in page.text_of("#curl")
    assert f'endpoint_url="{served.endpoint_url}"' in page.text_of("#boto3")
    assert 'FunctionName="tried"' in page.text_of("#boto3")
    for snippet in ("boto3", "client"):
        compile(page.text_of(f"#{snippet}"), snippet, "exec")
    assert f'Client("{served.endpoint_url}/")' in page.text_of("#client")
    assert f'fetch("{served.endpoint_url}/predict"' in page.text_of("#fetch")
    card = page.text_of("#card")
    assert all(word in card for word in ("en_pipeline", "MIT", "ORG, PLACE", "Precision", "33.3"))
    assert "Request" in page.text_of("#call")
    assert page.text_of("#json").startswith("[\n")


@pytest.mark.parametrize("which", ["curl", "client", "boto3", "fetch"])
def test_copying(page: Page, served: Lambda, which: str) -> None:
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": served.endpoint_url}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", allowed)
    page.write("It's 🧪 Acme\nin two lines")
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#curl"))
    page.one(f"#tab-{which}").click()
    button = page.one(f"[data-copy={which}]")
    button.click()
    page.wait(lambda: button.text == "Copied")
    copied = page.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == page.text_of(f"#{which}")
    page.wait(lambda: button.text == "Copy")


def test_copying_where_the_browser_has_no_clipboard(browser: Any, served: Lambda) -> None:
    page = Page(browser, served.endpoint_url.replace("127.0.0.1", ELSEWHERE))
    assert browser.execute_script("return [isSecureContext, navigator.clipboard]") == [False, None]
    page.write("It's 🧪 Acme\nin two lines")
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#curl"))
    snippet = page.text_of("#curl")
    button = page.one("[data-copy=curl]")
    button.click()
    page.wait(lambda: button.text == "Copied")
    page.write("")
    page.one("#input").send_keys(Keys.CONTROL, "v")
    assert page.one("#input").get_property("value") == snippet
    browser.execute_script("document.execCommand = () => false")
    button.click()
    page.wait(lambda: button.text.startswith("Selected"))
    assert browser.execute_script("return getSelection().toString()") == page.text_of("#curl")
    assert page.errors() == []


def test_the_snippet_names_the_function_however_late_it_is_known(page: Page) -> None:
    page.browser.execute_script("called = 'function'; sides[0].info = null;")
    page.one("#code summary").click()
    page.wait(lambda: 'FunctionName="function"' in page.text_of("#boto3"))
    page.browser.execute_script("about()")
    page.wait(lambda: 'FunctionName="tried"' in page.text_of("#boto3"))


def test_the_snippets_run(page: Page) -> None:
    page.write('It\'s 🧪 Acme, "odd"')
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#client"))
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(page.text_of("#client"), "client", "exec"), {})
    assert printed.getvalue() == "ORG Acme\n<b>ODD</b> odd\n"
    script = (
        "const done = arguments[1], logged = []; console.log = (...words) => logged.push(words);"
        "new (async () => {}).constructor(arguments[0])().then(() => done(logged), (error) => done(String(error)));"
    )
    page.browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    page.browser.refresh()
    page.wait(lambda: page.text_of("#name") == "en_pipeline")
    page.write('It\'s 🧪 Acme, "odd"')
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#fetch"))
    logged = page.browser.execute_async_script(script, page.text_of("#fetch"))
    page.browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    assert logged == [["ORG", "Acme"], ["<b>ODD</b>", "odd"]]


def test_an_empty_text_is_not_sent(page: Page) -> None:
    for text in ("", " \n"):
        page.write(text)
        assert page.one("#go").get_attribute("aria-disabled") == "true"
        page.one("#go").click()
        assert page.text_of("#status") == "Write or paste a text first."
    page.one("#input").send_keys("Acme", Keys.CONTROL, Keys.ENTER)
    page.wait(page.is_done)
    calls = page.browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert len([url for url in calls if url.endswith("/predict")]) == 1


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


def test_a_link_carries_the_text_in_its_fragment(page: Page, served: Lambda) -> None:
    text = "It's 🧪 Acme & 100% #odd?\nin two lines"
    page.browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": served.endpoint_url},
    )
    page.write(text)
    page.find()
    page.one("#link").click()
    page.wait(lambda: page.text_of("#link") == "Link copied")
    copied = page.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    base = copied.partition("#")[0]
    assert (base, page.browser.current_url) == (f"{served.endpoint_url}/", copied)
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


def test_an_edited_text_is_no_longer_that_of_the_link(page: Page, served: Lambda) -> None:
    page.browser.get("about:blank")
    opened = Page(page.browser, f"{served.endpoint_url}/?a=b#text=Acme")
    assert page.browser.current_url.endswith("/?a=b#text=Acme")
    opened.one("#input").send_keys(" is mine")
    assert page.browser.current_url == f"{served.endpoint_url}/?a=b"
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


def test_downloads(page: Page, tmp_path: Path) -> None:
    page.browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.browser.execute_script(
        "show('a \"b\", Acme', {took: 1, headers: new Headers(), entities: "
        "[{text: 'a \"b\", Acme', label: 'A,B', start: 0, end: 11}, {text: 'Acme', label: 'ORG', start: 7, end: 11}]})"
    )
    for kind in ("json", "csv"):
        page.one(f"#as-{kind}").click()
    files = [tmp_path / "entities.json", tmp_path / "entities.csv"]
    page.wait(lambda: all(file.exists() for file in files))
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


def test_a_call_shows_the_elapsed_time_and_can_be_cancelled(page: Page) -> None:
    page.browser.execute_script(
        "window.fetch = (url, { signal }) => new Promise((_, reject) =>"
        " signal.addEventListener('abort', () => reject(signal.reason)))"
    )
    page.write("Acme")
    page.one("#go").click()
    page.wait(lambda: page.text_of("#clock") == "1 s of at most 30 s")
    assert page.one("#progress").is_displayed()
    assert page.one("#go").get_attribute("aria-disabled") == "true"
    page.one("#cancel").click()
    page.wait(lambda: page.text_of("#status").startswith("Cancelled after"))
    assert not page.one("#cancel").is_displayed()
    assert not page.one("#error").is_displayed()
    assert page.browser.switch_to.active_element.get_attribute("id") == "go"
    page.one("#input").send_keys(Keys.CONTROL, Keys.ENTER)
    page.wait(page.one("#cancel").is_displayed)
    page.one("#input").send_keys(Keys.ESCAPE)
    page.wait(lambda: not page.one("#cancel").is_displayed())


def test_an_example_does_not_replace_the_text_during_a_request(page: Page) -> None:
    page.browser.execute_script(
        "window.fetch = (url, { signal }) => new Promise((_, reject) =>"
        " signal.addEventListener('abort', () => reject(signal.reason)))"
    )
    page.write("Acme")
    page.one("#go").click()
    page.wait(page.one("#cancel").is_displayed)
    page.one("#examples button").click()
    assert page.text_of("#status") == "Wait for the response, or cancel it."
    assert page.one("#input").get_property("value") == "Acme"
    page.one("#cancel").click()
    page.wait(lambda: not page.one("#cancel").is_displayed())


@pytest.mark.parametrize(
    ("status", "content", "title"),
    [
        (200, [None], "The prediction is not a list of entities"),
        (200, [{"text": 1}], "The prediction is not a list of entities"),
        (200, [{"text": "Acme", "label": "ORG", "start": "0", "end": 4}], "The prediction is not a list of entities"),
        (200, None, "The prediction is not a list of entities"),
        (400, {"title": {"en": "Wrong"}, "detail": ["a", 1]}, '400 {"en":"Wrong"}'),
        (400, [None], "400 Refused"),
    ],
)
def test_a_foreign_response_is_reported(page: Page, status: int, content: Any, title: str) -> None:
    script = "window.fetch = async () => new Response(arguments[0], {status: arguments[1], statusText: 'Refused'})"
    page.browser.execute_script(script, json.dumps(content), status)
    page.write("Acme")
    page.find()
    assert page.text_of("#error strong") == title
    assert "[object Object]" not in page.text_of("#error")


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (None, "not that of a pipeline"),
        ({"name": 5}, "not that of a pipeline"),
        ({"name": "en_foreign", "labels": {"ner": 5}}, "not that of a pipeline"),
        ({"name": "en_foreign", "examples": [5]}, "en_foreign"),
        ({"name": "en_foreign", "examples": [None, {}]}, "en_foreign"),
    ],
)
def test_foreign_metadata_is_reported_and_the_page_works(page: Page, info: Any, message: str) -> None:
    script = "real = fetch; window.fetch = async () => new Response(arguments[0]); sides[0].info = null; "
    page.browser.execute_script(
        "document.getElementById('card').textContent = 'Loading …';"
        "examples([]);"
        f"{script} return about().then(() => {{ window.fetch = real; }})",
        json.dumps(info),
    )
    assert message in page.text_of("#card")
    assert not page.all("#examples button")
    page.write("Acme")
    page.find()
    assert page.marks() == [("", "Acme", "ORG")]


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


def test_a_refusal_has_a_remedy(browser: Any, served: Lambda) -> None:
    page = Page(browser, f"{served.endpoint_url}/")
    page.write("half of a pair: ")
    browser.execute_script("document.getElementById('input').value += '\\ud83e'")
    page.find()
    assert page.one("#error").get_attribute("role") == "alert"
    assert page.text_of("#error strong").startswith("400")
    assert "surrogate" in page.text_of("#error .detail")
    assert "send valid Unicode" in page.text_of("#error .remedy")
    page.write("Acme")
    page.find()
    assert not page.one("#error").is_displayed()


def test_a_function_that_has_gone(browser: Any, with_page: Path) -> None:
    with Lambda(settings(with_page, handler=HANDLER, code=None, environment=ENVIRON)) as running:
        page = Page(browser, f"{running.endpoint_url}/")
        page.write("Acme")
        page.find()
    page.find()
    page.wait(lambda: page.one("#error").is_displayed())
    assert "No response from the function" in page.text_of("#error")
    assert not page.one("#result").is_displayed()
    page.errors()


@pytest.mark.parametrize(
    ("status", "seconds", "detail", "remedy"),
    [
        (502, 30.2, "The function's timeout of 30 s ended before it responded.", "raise timeout in spacy-lambda.toml"),
        (502, 2.0, "The function failed, or its timeout ended, after 2.0 s.", "spacy-lambda logs"),
        (429, 0.1, "all of the function's concurrency", "raise concurrency"),
        (504, 60.0, "A proxy in front of the function ended the request after 60.0 s.", "timeout of the proxy"),
    ],
)
def test_a_status_from_before_the_function_is_explained(
    page: Page, status: int, seconds: float, detail: str, remedy: str
) -> None:
    reply = 'new Response(\'{"Message": "Internal Server Error"}\', {status: arguments[0]})'
    script = f"""
        const real = performance.now.bind(performance), began = real();
        let late = 0;
        performance.now = () => real() + late;
        window.fetch = async () => {{ late = 1000 * arguments[1]; return {reply}; }};
    """
    page.browser.execute_script(script, status, seconds)
    page.write("Acme")
    page.one("#go").click()
    page.wait(lambda: page.one("#error").is_displayed())
    assert detail in page.text_of("#error .detail")
    assert remedy in page.text_of("#error .remedy")


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


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_behind_a_gateway(browser: Any, with_page: Path, gateway: str) -> None:
    make_event, base, setting = GATEWAYS[gateway]
    with serve_behind(
        make_event, Predictor(spacy.load(with_page), {**ENVIRON, "SPACY_LAMBDA_BASE_PATH": setting})
    ) as url:
        page = Page(browser, f"{url}{base}")
        page.write("🧪 Acme")
        page.find()
        assert page.marks() == [("🧪 ", "Acme", "ORG")]
        assert page.text_of("#base") == f"{url}{base}/"
        # boto3 cannot reach the function by a path of this machine, such as that of an emulator.
        assert bool(page.all("#tab-boto3")) == (base == "")
        links = {link.get_property("href") for link in page.all("a")}
        assert links == {f"{url}{base}/{path}" for path in ("openapi.json", "info", "health")}
        with urlopen(f"{url}{base}/openapi.json") as answer:
            assert json.load(answer)["servers"] == [{"url": base}]
        assert page.errors() == []


def test_the_page_requests_nothing_but_itself_and_its_function(page: Page, served: Lambda) -> None:
    page.write("Acme")
    page.find()
    names = page.browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert {name for name in names if not name.startswith("data:")} == {
        f"{served.endpoint_url}/{path}" for path in ("info", "predict")
    }


def test_the_policy_has_nothing_unsafe(page: Page) -> None:
    policy = page.browser.execute_script(
        "return fetch('.').then(answer => answer.headers.get('content-security-policy'))"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
