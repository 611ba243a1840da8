"""The package type of a bundle."""

from __future__ import annotations

import pytest

from spacy_lambda.bundler.target import PackageTypeChoice, choose_package_type
from spacy_lambda.errors import BundleError

STORED = "s3://bucket/models/en_x@1.0#sha256=00"


@pytest.mark.parametrize(
    ("wanted", "code", "pipeline", "location", "fetch", "package_type", "fetched", "reason"),
    [
        ("auto", 60, 40, None, False, "zip", False, "within Lambda's limit of 100"),
        ("auto", 60, 41, None, False, "image", False, "this is an image"),
        ("auto", 60, 41, STORED, False, "zip", True, f"fetches the pipeline from {STORED}"),
        ("auto", 101, 1, STORED, False, "image", False, "limit of 100 for a zip"),
        ("auto", 60, 41, STORED, True, "zip", True, "within Lambda's limit of 100"),
        ("zip", 60, 41, STORED, True, "zip", True, "within Lambda's limit of 100"),
        ("zip", 60, 40, STORED, False, "zip", False, "within Lambda's limit of 100"),
        ("image", 1, 1, None, False, "image", False, "requested"),
        ("image", 1, 1, STORED, True, "image", True, "requested"),
    ],
)
def test_choices(
    wanted: str,
    code: int,
    pipeline: int,
    location: str | None,
    fetch: bool,
    package_type: str,
    fetched: bool,
    reason: str,
) -> None:
    choice = choose_package_type(wanted, code=code, pipeline=pipeline, location=location, fetch=fetch, limit=100)
    assert isinstance(choice, PackageTypeChoice)
    assert (choice.package_type, choice.fetched) == (package_type, fetched)
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("wanted", "code", "pipeline", "location", "fetch", "message", "remedy"),
    [
        ("zip", 60, 41, None, False, "60 bytes of code and 41 of the pipeline", "compile the pipeline to int8"),
        ("zip", 60, 41, STORED, False, "limit of 100", "--fetch"),
        ("zip", 101, 1, STORED, True, "limit of 100", "--shape image"),
        ("auto", 1, 1, None, True, "not in a store", "spacy-lambda push"),
        ("tar", 1, 1, None, False, "unknown package type 'tar'", "zip, image, auto"),
    ],
)
def test_refused(
    wanted: str, code: int, pipeline: int, location: str | None, fetch: bool, message: str, remedy: str
) -> None:
    with pytest.raises(BundleError) as caught:
        choose_package_type(wanted, code=code, pipeline=pipeline, location=location, fetch=fetch, limit=100)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
