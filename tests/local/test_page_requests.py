"""Requests of the page, and the code that it shows for them."""

from __future__ import annotations

import io
import json
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

from selenium.webdriver.common.keys import Keys

from tests.local.chromium import ELSEWHERE, ENVIRON, Page, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]


def test_snippets_card_and_call(page: Page, tried: Lambda) -> None:
    page.write("It's 🧪 Acme")
    page.find()
    page.one("#code summary").click()
    page.wait(lambda: page.text_of("#curl"))
    assert f"curl '{tried.endpoint_url}/predict'" in page.text_of("#curl")
    assert r"It'\''s 🧪 Acme" in page.text_of("#curl")
    assert f'endpoint_url="{tried.endpoint_url}"' in page.text_of("#boto3")
    assert 'FunctionName="tried"' in page.text_of("#boto3")
    for snippet in ("boto3", "client"):
        compile(page.text_of(f"#{snippet}"), snippet, "exec")
    assert f'Client("{tried.endpoint_url}/")' in page.text_of("#client")
    assert f'fetch("{tried.endpoint_url}/predict"' in page.text_of("#fetch")
    card = page.text_of("#card")
    assert all(word in card for word in ("en_pipeline", "MIT", "ORG, PLACE", "Precision", "33.3"))
    assert "Request" in page.text_of("#call")
    assert page.text_of("#json").startswith("[\n")


@pytest.mark.parametrize("which", ["curl", "client", "boto3", "fetch"])
def test_copying(page: Page, tried: Lambda, which: str) -> None:
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": tried.endpoint_url}
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


def test_copying_where_the_browser_has_no_clipboard(browser: Any, tried: Lambda) -> None:
    page = Page(browser, tried.endpoint_url.replace("127.0.0.1", ELSEWHERE))
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


def test_a_refusal_has_a_remedy(browser: Any, tried: Lambda) -> None:
    page = Page(browser, f"{tried.endpoint_url}/")
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


def test_the_page_requests_nothing_but_itself_and_its_function(page: Page, tried: Lambda) -> None:
    page.write("Acme")
    page.find()
    names = page.browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert {name for name in names if not name.startswith("data:")} == {
        f"{tried.endpoint_url}/{path}" for path in ("info", "predict")
    }


def test_the_policy_has_nothing_unsafe(page: Page) -> None:
    policy = page.browser.execute_script(
        "return fetch('.').then(answer => answer.headers.get('content-security-policy'))"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
