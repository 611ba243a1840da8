"""The page, without a browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.runtime import page
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.events.http import page_settings
from spacy_lambda.runtime.predictor import Predictor

FILE = Path(page.__file__).with_name("index.html")
MAX_BYTES, MAX_GZIP_BYTES = 48 * 1024, 16 * 1024


def get(environ: Mapping[str, str], path: str = "/", method: str = "GET", stage: str = "$default") -> dict[str, Any]:
    context = {"http": {"method": method}, "stage": stage}
    event = {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context}
    answer: dict[str, Any] = dispatch(event, None, Predictor(spacy.blank("xx"), environ))
    return answer


@pytest.mark.parametrize("environ", [{}, {"SPACY_LAMBDA_PAGE": ""}, {"SPACY_LAMBDA_PAGE": "off"}])
def test_it_is_off_by_default(environ: dict[str, str]) -> None:
    answer = get(environ)
    assert answer["statusCode"] == 404
    assert "<" not in answer["body"]
    assert "page = true" in json.loads(answer["body"])["remedy"]


@pytest.mark.parametrize(("path", "stage"), [("/", "$default"), ("/prod", "prod"), ("/prod/", "prod")])
def test_it_is_there_when_wanted(path: str, stage: str) -> None:
    answer = get({"SPACY_LAMBDA_PAGE": "on"}, path, stage=stage)
    assert (answer["statusCode"], answer["body"]) == (200, FILE.read_text(encoding="utf-8"))
    assert answer["headers"]["content-type"] == "text/html; charset=utf-8"
    assert answer["headers"]["referrer-policy"] == "no-referrer"
    assert answer["headers"]["x-content-type-options"] == "nosniff"


def test_it_takes_get_and_head_only() -> None:
    head = get({"SPACY_LAMBDA_PAGE": "on"}, method="HEAD")
    assert (head["statusCode"], head["body"]) == (200, "")
    assert get({"SPACY_LAMBDA_PAGE": "on"}, method="POST")["statusCode"] == 405


def test_the_policy_allows_what_is_in_the_file_and_nothing_else() -> None:
    expected = ["default-src 'none'"]
    for kind in ("style", "script"):
        (content,) = re.findall(f"<{kind}>(.*?)</{kind}>", FILE.read_text(encoding="utf-8"), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        expected.append(f"{kind}-src 'sha256-{digest}'")
    expected += [
        "img-src data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    policy = get({"SPACY_LAMBDA_PAGE": "on"})["headers"]["content-security-policy"]
    assert policy.split("; ") == expected


@pytest.mark.parametrize(
    ("setting", "url", "origin"),
    [
        ("compare/", "compare/", None),
        (" ../int8 ", "../int8/", None),
        ("/", "/", None),
        ("https://a.example", "https://a.example/", "https://a.example"),
        ("HTTP://A-b.example:9001/prod/", "HTTP://A-b.example:9001/prod/", "http://a-b.example:9001"),
    ],
)
def test_the_other_function_is_named_and_may_be_called(setting: str, url: str, origin: str | None) -> None:
    environ = {"SPACY_LAMBDA_PAGE": "on", "SPACY_LAMBDA_COMPARE": setting}
    assert json.loads(get(environ, "/info")["body"])["compare"] == url
    policy = get(environ)["headers"]["content-security-policy"]
    called = f"'self' {origin}" if origin else "'self'"
    assert f"; connect-src {called}; form-action" in policy


@pytest.mark.parametrize(
    "setting",
    [
        "https://a.example/; script-src *",
        "https://a.example;script-src/",
        "https://a.example/\nx: y",
        "https://*.example/",
        "https://a.example, https://b.example",
        "https://user:secret@a.example/",
        "https://a.example/?a=b",
        "https://a.example/#a",
        "https://[::1]:9001/",
        "https:///a",
        "//a.example/",
        "javascript:alert(1)/",
        "data:,a/",
        "ftp://a.example/",
        "'unsafe-inline'",
        "a b/",
        "ä/",
    ],
)
def test_a_setting_that_could_be_anything_else_is_ignored_and_logged(
    setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    page_settings._read.cache_clear()
    environ = {"SPACY_LAMBDA_PAGE": "on", "SPACY_LAMBDA_COMPARE": setting}
    assert "compare" not in json.loads(get(environ, "/info")["body"])
    assert get(environ)["headers"] == get({"SPACY_LAMBDA_PAGE": "on"})["headers"]
    assert [record.message.split(":")[0] for record in caplog.records] == ["SPACY_LAMBDA_COMPARE is ignored"]


@pytest.mark.parametrize("environ", [{}, {"SPACY_LAMBDA_PAGE": "off"}, {"SPACY_LAMBDA_PAGE": "on"}])
def test_without_a_page_or_another_function_none_is_named(environ: dict[str, str]) -> None:
    other = {} if environ.get("SPACY_LAMBDA_PAGE") == "on" else {"SPACY_LAMBDA_COMPARE": "compare/"}
    assert "compare" not in json.loads(get({**environ, **other}, "/info")["body"])


@pytest.mark.parametrize(
    "forbidden", ["http:", "https:", "//cdn", "innerHTML", "outerHTML", "insertAdjacent", "eval(", "document.write"]
)
def test_the_file_has_nothing_from_elsewhere_and_makes_no_html_of_text(forbidden: str) -> None:
    assert forbidden not in FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("attribute", [r"\sstyle=", r"\son\w+=", r"\ssrc=", r"href=\"/"])
def test_the_file_has_no_attributes_that_the_policy_or_a_stage_breaks(attribute: str) -> None:
    assert not re.search(attribute, FILE.read_text(encoding="utf-8"))


def test_the_file_is_small() -> None:
    content = FILE.read_bytes()
    assert len(content) < MAX_BYTES
    assert len(gzip.compress(content, 5)) < MAX_GZIP_BYTES


def test_own_examples_and_the_intended_use_are_in_the_info() -> None:
    environ = {"SPACY_LAMBDA_EXAMPLES": '["One\\ntext.", " ", "شكل"]', "SPACY_LAMBDA_NOTES": "For abstracts only."}
    info = json.loads(get({**environ, "SPACY_LAMBDA_PAGE": "on"}, "/info")["body"])
    assert (info["examples"], info["notes"]) == (["One\ntext.", "شكل"], "For abstracts only.")
    assert "examples" not in json.loads(get(environ, "/info")["body"])


@pytest.mark.parametrize(
    ("lang", "meta", "expected"),
    [
        ("xx", {"examples": ["Invoice 7.", " "]}, ["Invoice 7."]),
        ("en", {"examples": "Invoice 7."}, list(page_settings.GENERAL["en"])),
        ("de", {}, list(page_settings.GENERAL["de"])),
        ("xx", {}, []),
    ],
)
def test_examples_are_the_pipelines_or_general_ones_in_its_language(
    lang: str, meta: dict[str, Any], expected: list[str]
) -> None:
    nlp = spacy.blank(lang)
    nlp.meta.update(meta)
    event = {"rawPath": "/info", "requestContext": {"http": {"method": "GET"}}}
    info = json.loads(dispatch(event, None, Predictor(nlp, {"SPACY_LAMBDA_PAGE": "on"}))["body"])
    assert info["examples"] == expected


def test_the_info_has_what_the_metadata_has_about_the_pipeline() -> None:
    nlp = spacy.blank("xx")
    sources = [{"name": "A corpus", "author": "B", "license": "CC0"}]
    nlp.meta.update(notes="Not for poems.", sources=sources, author="C", license="MIT")
    event = {"rawPath": "/info", "requestContext": {"http": {"method": "GET"}}}
    info = json.loads(dispatch(event, None, Predictor(nlp, {}))["body"])
    assert (info["notes"], info["sources"], info["author"], info["license"]) == ("Not for poems.", sources, "C", "MIT")


@pytest.mark.parametrize("value", ["A text.", '"A text."', "[1]", '{"text": "A text."}', "[" * 100_000])
def test_examples_that_are_not_texts_are_ignored_and_logged(value: str, caplog: pytest.LogCaptureFixture) -> None:
    page_settings._read_examples.cache_clear()
    environ = {"SPACY_LAMBDA_PAGE": "on", "SPACY_LAMBDA_EXAMPLES": value}
    assert json.loads(get(environ, "/info")["body"])["examples"] == []
    assert [record.message.split(":")[0] for record in caplog.records] == ["SPACY_LAMBDA_EXAMPLES is ignored"]
